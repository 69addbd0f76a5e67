/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/cause.h"

static const char *const names[CAUSES] = {
    [CAUSE_PROVIDER] = "provider",
    [CAUSE_FIREWALL] = "firewall",
    [CAUSE_LOCAL_RULE] = "local-rule",
    [CAUSE_RECIPIENT] = "recipient",
    [CAUSE_REPUTATION] = "reputation",
    [CAUSE_PATH] = "path",
    [CAUSE_PROXY] = "proxy",
    [CAUSE_NETWORK] = "network",
    [CAUSE_DNS] = "dns",
};

const char *cause_name(enum cause cause)
{
    return names[cause];
}

static bool is_most(const struct cause_evidence *e, enum outcome outcome)
{
    size_t others = 0;

    for (int i = 0; i < OUTCOMES; i++)
        if (i != OUTCOME_DNS_FAILED && i != (int)outcome)
            others += e->outcomes[i];
    return e->outcomes[outcome] > others;
}

/* What most targets met is what the place has to be known of. */
static enum cause_place place_of(const struct cause_evidence *e)
{
    return is_most(e, OUTCOME_TIMEOUT) ? e->silent_at : e->refused_at;
}

static enum cause blocked(const struct cause_evidence *e)
{
    enum cause_place place = place_of(e);

    if (e->rules == RULES_FOUND)
        return CAUSE_LOCAL_RULE;
    if (e->forbidden_here && is_most(e, OUTCOME_PROHIBITED))
        return CAUSE_FIREWALL;
    if (place == PLACE_TARGET)
        return CAUSE_NONE;
    return place == PLACE_HERE && e->rules == RULES_UNKNOWN ? CAUSE_FIREWALL : CAUSE_PROVIDER;
}

static enum cause unstable(const struct cause_evidence *e)
{
    if (e->rules == RULES_FOUND)
        return CAUSE_LOCAL_RULE;
    return e->controls_lost ? CAUSE_PATH : CAUSE_FIREWALL;
}

static enum cause unknown(const struct cause_evidence *e)
{
    for (int i = 0; i < OUTCOMES; i++)
        if (i != OUTCOME_DNS_FAILED && e->outcomes[i] > 0)
            return CAUSE_NONE;
    return e->outcomes[OUTCOME_DNS_FAILED] > 0 && !e->dns_answers ? CAUSE_DNS : CAUSE_NONE;
}

enum cause cause_decide(const struct cause_evidence *e)
{
    switch (e->verdict) {
    case VERDICT_BLOCKED:
        return blocked(e);
    case VERDICT_UNSTABLE:
        return unstable(e);
    case VERDICT_UNKNOWN:
        return unknown(e);
    case VERDICT_REMOTE:
        return CAUSE_RECIPIENT;
    case VERDICT_REPUTATION:
        return CAUSE_REPUTATION;
    case VERDICT_INTERCEPTED:
        return CAUSE_PROXY;
    case VERDICT_OFFLINE:
        return CAUSE_NETWORK;
    default:
        return CAUSE_NONE;
    }
}
