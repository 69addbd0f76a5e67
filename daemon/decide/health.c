/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/health.h"

#define HOUR 3600

static enum health_sign sign_of(enum verdict_kind verdict)
{
    switch (verdict) {
    case VERDICT_OPEN:
    case VERDICT_REMOTE:
        return HEALTH_GOOD;
    case VERDICT_BLOCKED:
    case VERDICT_INTERCEPTED:
        return HEALTH_BAD;
    case VERDICT_UNSTABLE:
    case VERDICT_REPUTATION:
        return HEALTH_MIXED;
    default:
        return HEALTH_NOTHING;
    }
}

enum health_sign health_sign(const enum verdict_kind verdict[FAMILIES], const bool used[FAMILIES])
{
    return sign_of(verdict[used[FAMILY_IPV4] ? FAMILY_IPV4 : FAMILY_IPV6]);
}

void health_round(struct health *h, enum health_sign sign)
{
    if (sign == HEALTH_NOTHING)
        return;
    h->good = sign == HEALTH_GOOD ? h->good + (h->good < 1000000) : 0;
    h->bad = sign == HEALTH_BAD ? h->bad + (h->bad < 1000000) : 0;
}

void health_switched(struct health *h, int64_t now)
{
    h->since = now;
    h->switches[h->switch_next] = now;
    h->switch_next = (h->switch_next + 1) % HEALTH_SWITCHES_MAX;
    if (h->switch_count < HEALTH_SWITCHES_MAX)
        h->switch_count++;
}

/* The moment from which another switch is within the limit. A clock that was set back leaves
 * entries from the future; they count for an hour from now on at the most. */
static int64_t limit_lifts(const struct health *h, int limit)
{
    if (h->switch_count < limit)
        return 0;
    int oldest = (h->switch_next - limit + HEALTH_SWITCHES_MAX) % HEALTH_SWITCHES_MAX;
    return h->switches[oldest] + HOUR;
}

static enum health_wish wish(const struct health *h, const struct health_settings *s, bool on_relay)
{
    if (!on_relay && h->bad >= s->fall)
        return HEALTH_LEAVE;
    if (on_relay && h->good >= s->rise)
        return HEALTH_RETURN;
    return HEALTH_KEEP;
}

static struct health_advice barred(enum health_wish w, enum health_bar bar, int64_t until)
{
    return (struct health_advice){ .wish = w, .bar = bar, .until = until };
}

struct health_advice health_advise(const struct health *h, const struct health_settings *s,
                                   bool on_relay, int64_t now)
{
    enum health_wish w = wish(h, s, on_relay);
    int64_t stay_ends = h->since + s->stay, lifts = limit_lifts(h, s->switch_limit);

    if (w == HEALTH_KEEP)
        return barred(w, HEALTH_FREE, 0);
    if (h->hold)
        return barred(w, HEALTH_HELD, 0);
    if (w == HEALTH_RETURN && now < stay_ends && now >= h->since)
        return barred(w, HEALTH_STAYING, stay_ends);
    if (now < lifts && lifts - now <= HOUR)
        return barred(w, HEALTH_LIMITED, lifts);
    return barred(w, HEALTH_FREE, 0);
}

bool health_suspects(const struct health *h, const struct health_settings *s, bool on_relay)
{
    return on_relay ? h->good > 0 && h->good < s->rise : h->bad > 0 && h->bad < s->fall;
}
