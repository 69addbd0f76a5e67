/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/dns_status.h"

static const char *const status_names[] = {
    [DNS_OK] = "ok",           [DNS_NXDOMAIN] = "nxdomain",       [DNS_NODATA] = "nodata",
    [DNS_NULL_MX] = "null-mx", [DNS_UNUSABLE] = "unusable",       [DNS_SERVFAIL] = "servfail",
    [DNS_TIMEOUT] = "timeout", [DNS_NO_RESOLVER] = "no-resolver", [DNS_MALFORMED] = "malformed",
};

const char *dns_status_name(enum dns_status status)
{
    return status_names[status];
}
