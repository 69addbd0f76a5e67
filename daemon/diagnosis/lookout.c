/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diagnosis/lookout.h"

#include "daemon/diagnosis/circumstances_means.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* Seconds. */
#define TRACE_BEAT      900
#define REPUTATION_BEAT 86400
#define REFUSED_BEAT    3600 /* while operators turn this host away */

struct lookout {
    struct event_base *base;
    struct dns *dns;
    const struct config *config;
    const struct relay_catalogue *relays;
    struct tls_trust *trust;
    struct identity identity;
    struct circumstances_means means;
    struct circumstances *circumstances; /* NULL before the identity is known */
    int64_t looked_at; /* when the reputation was asked for, wall clock; 0: not yet */
};

struct lookout *lookout_new(struct event_base *base, struct dns *dns, const struct config *config,
                            const struct relay_catalogue *relays, struct tls_trust *trust)
{
    struct lookout *l = memory_zero(1, sizeof *l);

    l->base = base;
    l->dns = dns;
    l->config = config;
    l->relays = relays;
    l->trust = trust != NULL ? tls_trust_hold(trust) : NULL;
    return l;
}

static void drop(struct lookout *l)
{
    if (l->circumstances == NULL)
        return;
    circumstances_free(l->circumstances);
    circumstances_means_free(&l->means);
    l->circumstances = NULL;
    l->looked_at = 0;
}

void lookout_free(struct lookout *l)
{
    if (l == NULL)
        return;
    drop(l);
    tls_trust_free(l->trust);
    free(l);
}

void lookout_identity(struct lookout *l, const struct identity *identity)
{
    if (l->circumstances != NULL && memcmp(&l->identity, identity, sizeof *identity) == 0)
        return;
    drop(l);
    l->identity = *identity;
    circumstances_means_collect(l->config, l->relays, &l->identity, l->trust, &l->means);
    struct circumstances_plan plan = circumstances_means_plan(&l->means);
    plan.submission = NULL; /* the relays prove themselves, which is more */
    l->circumstances = circumstances_new(l->base, l->dns, &plan, NULL, NULL);
}

const struct circumstances_seen *lookout_seen(const struct lookout *l)
{
    return l->circumstances != NULL ? circumstances_seen(l->circumstances) : NULL;
}

void lookout_suspected(struct lookout *l, enum family family, const struct round_result *so_far)
{
    int64_t traced = l->circumstances != NULL ? lookout_seen(l)->traced[family] : 0;
    int64_t age = clock_wall() - traced;

    if (l->circumstances == NULL || (traced != 0 && age >= 0 && age < TRACE_BEAT))
        return;
    circumstances_trace(l->circumstances, family, so_far);
}

/* A trace is about a block; what comes after it is another one. */
static void forget_traces(struct lookout *l, const struct round_result *result)
{
    for (int f = 0; f < FAMILIES; f++)
        if (result->family[f].probed && result->family[f].verdict.connected > 0)
            circumstances_forget_trace(l->circumstances, (enum family)f);
}

static bool is_turned_away(const struct round_result *result)
{
    return round_has_verdict(result, VERDICT_SET(VERDICT_REPUTATION) | VERDICT_SET(VERDICT_REMOTE));
}

/* After a round, so that the mail servers in it have shown this host's address. */
void lookout_round(struct lookout *l, const struct round_result *result)
{
    int64_t now = clock_wall(), beat = is_turned_away(result) ? REFUSED_BEAT : REPUTATION_BEAT;

    if (l->circumstances == NULL)
        return;
    forget_traces(l, result);
    if (l->looked_at == 0 || now - l->looked_at >= beat || now < l->looked_at) {
        l->looked_at = now;
        circumstances_reputation(l->circumstances);
    }
    circumstances_round(l->circumstances, result);
}
