/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/sender_policy.h"

#include "daemon/probe/spf.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>

struct sender_policy {
    struct examination *examination;
    struct spf_check *check; /* NULL once it has ended */
    bool is_helo;
    char domain[HOST_MAX + 1];
};

static void free_state(void *state)
{
    struct sender_policy *s = state;

    spf_check_stop(s->check);
    free(s);
}

/* Mail from a domain without a record is refused by the large operators; the HELO name's own record
 * counts for little but bounces. */
static enum reputation_rating rate(const struct sender_policy *s, enum spf_result result)
{
    switch (result) {
    case SPF_PASS:
        return REPUTATION_OK;
    case SPF_NONE:
        return s->is_helo ? REPUTATION_WARNING : REPUTATION_BAD;
    case SPF_NEUTRAL:
    case SPF_SOFTFAIL:
        return REPUTATION_WARNING;
    case SPF_TEMPERROR:
        return REPUTATION_UNKNOWN;
    case SPF_FAIL:
    case SPF_PERMERROR:
        break;
    }
    return REPUTATION_BAD;
}

static void on_result(const struct spf_report *report, void *context)
{
    struct sender_policy *s = context;

    s->check = NULL;
    examination_finish(s->examination, rate(s, report->result), "SPF of %s%s: %s, %s",
                       s->is_helo ? "the name in EHLO, " : "", s->domain,
                       spf_result_name(report->result), report->detail);
}

struct examination *sender_policy_examine(const struct examination_plan *plan, const char *domain,
                                          bool is_helo, const char *helo_name,
                                          const struct address *address)
{
    struct sender_policy *s = memory_zero(1, sizeof *s);
    struct spf_plan spf = {
        .address = *address,
        .domain = domain,
        .helo_name = helo_name,
        .deadline_ms = plan->deadline_ms,
    };

    s->is_helo = is_helo;
    snprintf(s->domain, sizeof s->domain, "%s", domain);
    s->examination = examination_new(plan, REPUTATION_SPF, address, s, free_state);
    s->check = spf_check_start(plan->dns, &spf, on_result, s);
    return s->examination;
}
