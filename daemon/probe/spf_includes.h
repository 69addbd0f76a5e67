/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose records a domain's SPF record includes or leads to, directly or not. A relay sends from
 * hosts that nobody outside knows; a domain admits it by including the relay's own record.
 */
#ifndef DETOURD_SPF_INCLUDES_H
#define DETOURD_SPF_INCLUDES_H

#include "daemon/probe/dns.h"
#include "daemon/probe/spf_record.h"
#include "lib/endpoint.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Records that are looked at; RFC 7208 4.6.4 allows eleven. */
#define SPF_INCLUDES_MAX 16

struct spf_includes_report {
    /* Of the domain's own record: SPF_PASS where it can be read, SPF_NONE, SPF_TEMPERROR,
     * SPF_PERMERROR. */
    enum spf_result result;
    char detail[DNS_DETAIL]; /* one phrase where it is not SPF_PASS */
    bool is_whole;           /* every record that it leads to could be read */
    size_t count;            /* the domain first, then what it includes, in lower case */
    char domains[SPF_INCLUDES_MAX][HOST_MAX + 1];
};

bool spf_includes_has(const struct spf_includes_report *report, const char *domain);

/* REPORT is valid during the call alone; the walk is gone when it returns. */
typedef void spf_includes_done(const struct spf_includes_report *report, void *context);

struct spf_includes;

/* The callback comes once, always from the loop. DNS must outlive the walk. Never NULL. */
struct spf_includes *spf_includes_start(struct dns *dns, const char *domain, int64_t deadline_ms,
                                        spf_includes_done *callback, void *context);

/* Ends the walk without its callback. NULL is allowed; so is the call inside the callback. */
void spf_includes_stop(struct spf_includes *walk);

#endif
