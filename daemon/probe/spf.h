/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the SPF record of a domain says of an address: check_host() of RFC 7208.
 *
 * Within the limits of 4.6.4: ten terms that ask the DNS, two of them in vain, ten names of an MX
 * or PTR record; beyond them the result is permerror.
 */
#ifndef DETOURD_SPF_H
#define DETOURD_SPF_H

#include "daemon/probe/dns.h"
#include "daemon/probe/spf_record.h"
#include "lib/address.h"
#include <stdint.h>

/* Copied by spf_check_start, strings included. */
struct spf_plan {
    struct address address; /* of the client */
    const char *domain;     /* of the sender, or the HELO name for the null sender (2.4) */
    const char *local;      /* the sender's local part; NULL: "postmaster" (4.3) */
    const char *helo_name;  /* NULL: DOMAIN */
    int64_t deadline_ms;
};

#define SPF_DETAIL 384

struct spf_report {
    enum spf_result result;
    char detail[SPF_DETAIL]; /* one phrase: "ip4:203.0.113.0/24 in the record of example.com" */
    unsigned lookups;        /* terms that asked the DNS */
};

/* REPORT is valid during the call alone; the check is gone when it returns. */
typedef void spf_done(const struct spf_report *report, void *context);

struct spf_check;

/* The callback comes once, always from the loop. DNS must outlive the check. Never NULL. */
struct spf_check *spf_check_start(struct dns *dns, const struct spf_plan *plan, spf_done *callback,
                                  void *context);

/* Ends the check without its callback. NULL is allowed; so is the call inside the callback. */
void spf_check_stop(struct spf_check *check);

#endif
