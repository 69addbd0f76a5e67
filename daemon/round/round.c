/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/round.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/hop_trace.h"
#include "daemon/round/descriptors.h"
#include "daemon/round/family_round.h"
#include "daemon/round/literals.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>

/* At once. A look-up takes 25 KiB, a connection that speaks TLS 30. */
#define LOOKUPS_MAX     64
#define CONNECTIONS_MAX 512 /* in one family, further ones aside */
#define CONNECTIONS_MIN 8
/* Descriptors that are not a host's first connection: standard ones, resolvers', further
 * connections, controls, relays', and beside the round a trace in each family. */
#define DESCRIPTORS_ASIDE (192 + FAMILIES * HOP_TRACE_DESCRIPTORS)

struct lookup {
    struct round *round;
    size_t target;
    struct dns_query *query;
};

/* What literal addresses of one family say where no target has one. */
struct asked {
    struct round *round;
    struct literals *literals;
};

struct round {
    struct event_base *base;
    struct dns *dns;
    struct round_plan plan;
    struct round_result *result;
    struct family_round *sides[FAMILIES]; /* NULL where the family is not probed */
    struct lookup *lookups;               /* in the order of the sample */
    size_t lookup_count, lookups_begun, lookups_running;
    struct asked asked[FAMILIES];
    bool literals_asked, literals_tried, network_up;
    int64_t started_ms;
    struct event *tick;
    round_done *callback;
    void *context;
};

/* The end */

static void release(struct round *r)
{
    for (size_t i = 0; i < r->lookup_count; i++)
        dns_cancel(r->lookups[i].query);
    for (int f = 0; f < FAMILIES; f++) {
        family_round_free(r->sides[f]);
        literals_stop(r->asked[f].literals);
    }
    round_result_free(r->result);
    event_free(r->tick);
    free(r->lookups);
    free(r);
}

void round_stop(struct round *round)
{
    if (round != NULL)
        release(round);
}

static void finish(struct round *r)
{
    struct round_result *result = r->result;

    result->ms = clock_mono_ms() - r->started_ms;
    r->result = NULL;
    r->callback(result, r->context);
    release(r);
}

static void moved(void *context)
{
    struct round *r = context;

    deadline_soon(r->tick);
}

/* Look-ups */

static size_t lookups_left(const struct round *r)
{
    return r->lookups_running + r->lookup_count - r->lookups_begun;
}

static bool goes_on(const struct family_round *side)
{
    return side != NULL && !family_round_is_done(side);
}

static void target_found(const struct dns_answer *answer, void *context)
{
    struct lookup *lookup = context;
    struct round *r = lookup->round;

    lookup->query = NULL;
    r->lookups_running--;
    for (int f = 0; f < FAMILIES; f++)
        if (goes_on(r->sides[f]))
            family_round_found(r->sides[f], lookup->target, answer);
    moved(r);
}

static unsigned families_wanted(const struct round_plan *plan)
{
    return (plan->families[FAMILY_IPV4] ? DNS_IPV4 : 0) |
           (plan->families[FAMILY_IPV6] ? DNS_IPV6 : 0);
}

static void begin_lookups(struct round *r)
{
    while (r->lookups_begun < r->lookup_count && r->lookups_running < LOOKUPS_MAX) {
        struct lookup *lookup = &r->lookups[r->lookups_begun++];
        r->lookups_running++;
        for (int f = 0; f < FAMILIES; f++)
            if (goes_on(r->sides[f]))
                family_round_looking_up(r->sides[f], lookup->target);
        lookup->query = dns_resolve(r->dns, &r->plan.targets[lookup->target],
                                    families_wanted(&r->plan), target_found, lookup);
    }
}

/* Without any address */

static void literals_ended(bool tried, bool answered, void *context)
{
    struct asked *asked = context;
    struct round *r = asked->round;

    asked->literals = NULL;
    r->literals_tried = r->literals_tried || tried;
    r->network_up = r->network_up || answered;
    moved(r);
}

static void ask_literals(struct round *r)
{
    for (enum family f = FAMILY_IPV4; f <= FAMILY_IPV6 && !r->literals_asked; f++) {
        struct asked *asked = &r->asked[f];
        asked->round = r;
        if (r->sides[f] != NULL)
            asked->literals =
                literals_start(r->base, r->dns, f, &r->plan.settings, literals_ended, asked);
    }
    r->literals_asked = true;
}

/* True while it must be found out whether the network is down, since no target has an address. */
static bool is_without_addresses(struct round *r)
{
    if (lookups_left(r) > 0)
        return false;
    for (int f = 0; f < FAMILIES; f++)
        if (r->sides[f] != NULL && family_round_hosts(r->sides[f]) > 0)
            return false;
    ask_literals(r);
    return r->asked[FAMILY_IPV4].literals != NULL || r->asked[FAMILY_IPV6].literals != NULL;
}

/* The course of it */

static void advance(evutil_socket_t fd, short events, void *context)
{
    struct round *r = context;
    bool literals_fail, done = true;
    int64_t next = INT64_MAX;

    (void)fd;
    (void)events;
    begin_lookups(r);
    if (is_without_addresses(r))
        return; /* the literals' end brings us back */
    literals_fail = r->literals_tried && !r->network_up;
    for (int f = 0; f < FAMILIES; f++) {
        if (!goes_on(r->sides[f]))
            continue;
        int64_t then = family_round_advance(r->sides[f], lookups_left(r), literals_fail);
        next = then < next ? then : next;
        done = done && family_round_is_done(r->sides[f]);
    }
    if (done)
        finish(r);
    else if (next < INT64_MAX)
        deadline_arm(r->tick, next);
}

/* The beginning */

size_t round_descriptors(size_t target_count)
{
    size_t hosts = target_count * HOSTS_PER_TARGET;

    return (hosts < CONNECTIONS_MAX ? hosts : CONNECTIONS_MAX) * FAMILIES + DESCRIPTORS_ASIDE;
}

/* With few of them, a quarter is for the connections, whatever that leaves for the rest. */
static size_t connections_max(void)
{
    size_t limit = descriptors_limit(), each = limit / 4 / FAMILIES;

    if (limit > DESCRIPTORS_ASIDE && (limit - DESCRIPTORS_ASIDE) / FAMILIES > each)
        each = (limit - DESCRIPTORS_ASIDE) / FAMILIES;
    if (each < CONNECTIONS_MIN)
        return CONNECTIONS_MIN;
    return each < CONNECTIONS_MAX ? each : CONNECTIONS_MAX;
}

static void plan_lookup(struct round *r, size_t target)
{
    r->lookups[r->lookup_count++] = (struct lookup){ .round = r, .target = target };
    for (int f = 0; f < FAMILIES; f++)
        snprintf(r->result->family[f].targets[target].detail, DNS_DETAIL,
                 "not tried: enough was seen before its turn");
}

static void plan_lookups(struct round *r)
{
    const size_t *sample = r->plan.sample;
    size_t count = sample != NULL ? r->plan.sample_count : r->plan.target_count;

    r->result->is_sample = sample != NULL;
    r->lookups = memory_zero(count, sizeof *r->lookups);
    for (size_t i = 0; i < count; i++)
        plan_lookup(r, sample != NULL ? sample[i] : i);
    r->plan.sample = NULL;
}

static void start_sides(struct round *r)
{
    struct family_round_means means = { .base = r->base,
                                        .dns = r->dns,
                                        .plan = &r->plan,
                                        .result = r->result,
                                        .hosts_max = r->lookup_count * HOSTS_PER_TARGET,
                                        .connections_max = connections_max(),
                                        .moved = moved,
                                        .context = r };

    for (enum family f = FAMILY_IPV4; f <= FAMILY_IPV6; f++) {
        r->result->family[f].probed = r->plan.families[f];
        if (r->plan.families[f])
            r->sides[f] = family_round_new(&means, f);
    }
}

struct round *round_start(struct event_base *base, struct dns *dns, const struct round_plan *plan,
                          round_done *callback, void *context)
{
    struct round *r = memory_zero(1, sizeof *r);

    r->base = base;
    r->dns = dns;
    r->plan = *plan;
    r->callback = callback;
    r->context = context;
    r->started_ms = clock_mono_ms();
    r->result = round_result_new(plan->targets, plan->target_count);
    r->result->started = clock_wall();
    r->tick = deadline_timer(base, advance, r);
    plan_lookups(r);
    start_sides(r);
    begin_lookups(r);
    deadline_soon(r->tick);
    return r;
}
