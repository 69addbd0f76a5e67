/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/outcome.h"

static const struct {
    const char *name;
    bool connected;
    int rank;
} outcomes[OUTCOMES] = {
    [OUTCOME_OPEN] = { "open", true, 10 },
    [OUTCOME_TIMEOUT] = { "timeout", false, 1 },
    [OUTCOME_REFUSED] = { "refused", false, 3 },
    [OUTCOME_UNREACHABLE] = { "unreachable", false, 2 },
    [OUTCOME_PROHIBITED] = { "prohibited", false, 4 },
    [OUTCOME_NO_BANNER] = { "no-banner", true, 5 },
    [OUTCOME_REJECTED] = { "rejected", true, 6 },
    [OUTCOME_NO_STARTTLS] = { "no-starttls", true, 8 },
    [OUTCOME_TLS_FAILED] = { "tls-failed", true, 7 },
    [OUTCOME_INTERCEPTED] = { "intercepted", true, 9 },
    [OUTCOME_DNS_FAILED] = { "dns-failed", false, 0 },
};

const char *outcome_name(enum outcome outcome)
{
    return outcomes[outcome].name;
}

bool outcome_connected(enum outcome outcome)
{
    return outcomes[outcome].connected;
}

enum outcome outcome_better(enum outcome a, enum outcome b)
{
    return outcomes[b].rank > outcomes[a].rank ? b : a;
}
