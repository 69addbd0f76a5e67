/* SPDX-License-Identifier: BSD-2-Clause */
/* How a question to the DNS ended. */
#ifndef DETOURD_DNS_STATUS_H
#define DETOURD_DNS_STATUS_H

enum dns_status {
    DNS_OK,          /* at least one address, though some lookups may have failed */
    DNS_NXDOMAIN,    /* no such name */
    DNS_NODATA,      /* the name has no address of the families asked for */
    DNS_NULL_MX,     /* "MX 0 .": the domain takes no mail (RFC 7505) */
    DNS_UNUSABLE,    /* only addresses or names that cannot be a mail server's */
    DNS_SERVFAIL,    /* SERVFAIL, REFUSED or NOTIMP from the resolver */
    DNS_TIMEOUT,     /* no resolver answered in time */
    DNS_NO_RESOLVER, /* no resolver could be reached at all */
    DNS_MALFORMED,   /* an answer that could not be read */
};

/* "ok", "nxdomain", ...: for logs. */
const char *dns_status_name(enum dns_status status);

#endif
