/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round.h"

#include "daemon/decide/enough.h"
#include "daemon/interceptions.h"
#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 50
/* A lost ACK or banner can cost a connection seven seconds, where a new one needs a moment. */
#define AGAIN_MS   2500
#define CONTROL_MS 2500 /* two more SYNs may follow the first */

/* Submission ports first: many mail hosts listen there, and a refusal is an answer as well. */
static const uint16_t target_control_ports[] = { 587, 465, 443 };
#define CONTROL_TARGETS 3

#define ATTEMPTS 2

struct attempt {
    struct host_probe *of;
    struct probe *probe; /* NULL when it has not begun, or has ended */
};

/* One host; the second attempt follows where others connect and this one takes long. */
struct host_probe {
    struct family_round *side;
    struct target_result *target;
    struct host_result *host;
    struct attempt attempts[ATTEMPTS];
    int64_t deadline_ms;
    bool ended, again, has_result;
};

struct family_round {
    struct round *round;
    enum family family;
    struct family_result *result;
    struct host_probe *probes;
    size_t probe_count, running;
    bool anyone_connected, done;
    struct controls *wave; /* the one that is under way */
    enum wave_state before, after;
};

struct lookup {
    struct round *round;
    size_t target;
    struct dns_query *query;
};

struct round {
    struct event_base *base;
    struct dns *dns;
    struct round_plan plan;
    struct round_result *result;
    struct family_round sides[FAMILIES];
    struct lookup *lookups;
    size_t lookups_running;
    /* What literal addresses say where no target has one. */
    bool literals_asked, literals_tried, network_up;
    int64_t started_ms;
    struct event *tick;
    round_done *callback;
    void *context;
};

void round_result_free(struct round_result *result)
{
    if (result == NULL)
        return;
    for (int f = 0; f < FAMILIES; f++)
        free(result->family[f].targets);
    free(result);
}

static void stop_attempts(struct host_probe *p)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        probe_stop(p->attempts[i].probe);
        p->attempts[i].probe = NULL;
    }
}

static void side_release(struct family_round *side)
{
    for (size_t i = 0; i < side->probe_count; i++)
        stop_attempts(&side->probes[i]);
    controls_stop(side->wave);
    free(side->probes);
}

static void release(struct round *r)
{
    for (size_t i = 0; i < r->plan.target_count; i++)
        dns_cancel(r->lookups[i].query);
    for (int f = 0; f < FAMILIES; f++)
        side_release(&r->sides[f]);
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

/* Evidence */

static struct target_evidence target_evidence(const struct family_round *side, size_t i)
{
    const struct target_result *t = &side->result->targets[i];
    const struct target_history *history = side->round->plan.history[side->family];
    struct target_evidence e = { .outcome = t->outcome, .untried = t->host_count > 0 };

    for (size_t h = 0; h < t->host_count; h++) {
        address_network(&t->hosts[h].probe.address, e.network[h]);
        e.silent_syns += t->hosts[h].silent_syns;
        e.untried = e.untried && t->hosts[h].probe.local_fault;
    }
    if (history != NULL) {
        e.history = history[i].bits << 1 | (t->outcome == OUTCOME_OPEN);
        e.rounds = history[i].rounds + 1;
    }
    return e;
}

static bool family_has_route(enum family family)
{
    /* Documentation addresses: nothing is sent, the routing table is asked. */
    struct address anywhere;

    address_parse(family == FAMILY_IPV4 ? "192.0.2.1" : "2001:db8::1", 25, &anywhere);
    return address_has_route(&anywhere);
}

static void judge(struct family_round *side)
{
    const struct round *r = side->round;
    struct target_evidence *targets = memory_zero(r->plan.target_count, sizeof *targets);

    interceptions_mark(side->result, &r->plan);
    for (size_t i = 0; i < r->plan.target_count; i++)
        targets[i] = target_evidence(side, i);
    struct evidence evidence = {
        .targets = targets,
        .count = r->plan.target_count,
        .quorum = r->plan.quorum,
        .controls_before = side->before == WAVE_ANSWERED,
        .controls_after = side->after == WAVE_ANSWERED,
        .network_down = (r->literals_tried && !r->network_up) || !family_has_route(side->family),
    };
    side->result->verdict = verdict_decide(&evidence);
    free(targets);
}

/* The end */

static void set_outcome(struct host_probe *p)
{
    struct target_result *t = p->target;
    enum outcome outcome = p->host->probe.outcome;

    if (outcome_better(t->outcome, outcome) == outcome) {
        t->outcome = outcome;
        snprintf(t->detail, sizeof t->detail, "%s", p->host->probe.detail);
    }
}

/* A probe that is cut short because enough was seen was silent until then. */
static void cut_short(struct host_probe *p)
{
    struct probe_result *result = &p->host->probe;
    int64_t ms = clock_mono_ms() - p->host->probe.started_ms;

    result->outcome = OUTCOME_TIMEOUT;
    result->total_ms = result->connect_ms = ms;
    p->host->silent_syns = syns_sent(ms);
    snprintf(result->detail, sizeof result->detail, "no answer to SYN in %.1f s",
             (double)ms / 1000);
    stop_attempts(p);
    p->ended = true;
    set_outcome(p);
}

static void side_finish(struct family_round *side)
{
    for (size_t i = 0; i < side->probe_count; i++)
        if (!side->probes[i].ended)
            cut_short(&side->probes[i]);
    controls_stop(side->wave);
    side->wave = NULL;
    side->done = true;
    judge(side);
}

static void finish(struct round *r)
{
    struct round_result *result = r->result;

    result->ms = clock_mono_ms() - r->started_ms;
    r->result = NULL;
    r->callback(result, r->context);
    release(r);
}

/* Controls */

static void wave_ended(const struct controls_result *result, void *context)
{
    struct family_round *side = context;
    enum wave_state state = result->answered ? WAVE_ANSWERED : WAVE_SILENT;

    side->wave = NULL;
    if (side->before == WAVE_RUNNING) {
        side->before = state;
        side->result->before = *result;
    } else {
        side->after = state;
        side->result->after = *result;
    }
}

/* The probed hosts of the first targets, on ports that a block of port 25 leaves open. */
static void add_target_controls(const struct family_round *side, struct controls_plan *plan)
{
    size_t ports = sizeof target_control_ports / sizeof target_control_ports[0], targets = 0;

    for (size_t i = 0; i < side->round->plan.target_count && targets < CONTROL_TARGETS; i++) {
        const struct target_result *t = &side->result->targets[i];
        if (t->host_count == 0)
            continue;
        targets++;
        for (size_t p = 0; p < ports && plan->address_count < CONTROLS_MAX; p++) {
            struct address address = t->hosts[0].probe.address;
            address_set_port(&address, target_control_ports[p]);
            plan->addresses[plan->address_count++] = address;
        }
    }
}

static void send_wave(struct family_round *side, enum wave_state *state)
{
    struct round *r = side->round;
    struct controls_plan plan = {
        .family = side->family,
        .hosts = r->plan.control_hosts,
        .host_count = r->plan.control_host_count,
        .settings = r->plan.settings,
        .deadline_ms = clock_mono_ms() + CONTROL_MS,
    };

    add_target_controls(side, &plan);
    *state = WAVE_RUNNING;
    side->wave = controls_start(r->base, r->dns, &plan, wave_ended, side);
}

static void literals_ended(const struct controls_result *result, void *context)
{
    struct family_round *side = context;

    side->wave = NULL;
    side->round->network_up |= result->answered;
    side->round->literals_tried |= result->tried > 0;
}

/* Two of the root name servers, in both families: addresses that have stood for decades and need
 * no DNS to be found (www.iana.org/domains/root/servers). */
static const char *const root_servers[FAMILIES][2] = {
    [FAMILY_IPV4] = { "192.5.5.241", "193.0.14.129" },
    [FAMILY_IPV6] = { "2001:500:2f::f", "2001:7fd::1" },
};

static void add_literal(struct controls_plan *plan, struct address address, uint16_t port)
{
    if (plan->address_count == CONTROLS_MAX || address_family(&address) != plan->family)
        return;
    address_set_port(&address, port);
    plan->addresses[plan->address_count++] = address;
}

/* Without any address, a dead DNS must be told from a dead network: on one that is up the
 * resolvers' hosts or the root servers answer a TCP connection, if only with a refusal. */
static void ask_literals(struct family_round *side)
{
    struct round *r = side->round;
    struct controls_plan plan = { .family = side->family,
                                  .settings = r->plan.settings,
                                  .deadline_ms = clock_mono_ms() + CONTROL_MS };
    struct address servers[4];
    size_t count = dns_servers(r->dns, servers, 4);

    for (size_t i = 0; i < count; i++) {
        add_literal(&plan, servers[i], 53);
        add_literal(&plan, servers[i], 443);
    }
    for (size_t i = 0; i < 2; i++)
        if (address_parse(root_servers[side->family][i], 53, &servers[0]))
            add_literal(&plan, servers[0], 53);
    side->wave = controls_start(r->base, r->dns, &plan, literals_ended, side);
}

/* Attempts */

static void host_ended(struct host_probe *p)
{
    struct host_result *host = p->host;

    stop_attempts(p);
    p->ended = true;
    if (host->probe.outcome == OUTCOME_TIMEOUT)
        host->silent_syns = syns_sent(host->probe.total_ms);
    p->side->running--;
    p->side->anyone_connected = p->side->anyone_connected || host->probe.connected;
    set_outcome(p);
    deadline_soon(p->side->round->tick);
}

/* A slow attempt may yet be outdone by the other; any other end is final. */
static bool may_be_outdone(enum outcome outcome)
{
    return outcome == OUTCOME_TIMEOUT || outcome == OUTCOME_NO_BANNER;
}

static void probe_ended(const struct probe_result *result, void *context)
{
    struct attempt *attempt = context;
    struct host_probe *p = attempt->of;
    struct probe_result *kept = &p->host->probe;
    bool better = !p->has_result || outcome_better(kept->outcome, result->outcome) != kept->outcome;
    int64_t started = kept->started_ms; /* of the first attempt */

    attempt->probe = NULL;
    if (better)
        *kept = *result;
    kept->started_ms = started;
    p->has_result = true;
    bool running = p->attempts[0].probe != NULL || p->attempts[1].probe != NULL;
    if (!running || !may_be_outdone(result->outcome))
        host_ended(p);
}

static void start_attempt(struct host_probe *p, struct attempt *attempt)
{
    struct round *r = p->side->round;
    size_t number = (size_t)(p->target - p->side->result->targets);

    attempt->of = p;
    struct probe_plan plan = { .address = p->host->probe.address,
                               .host = p->target->target->is_literal ? NULL : p->host->host,
                               .tls = r->plan.tls != NULL ? r->plan.tls[number] : PROBE_TLS_MAY,
                               .trust = r->plan.trust,
                               .settings = &r->plan.settings,
                               .deadline_ms = p->deadline_ms };
    attempt->probe = probe_start(r->base, &plan, probe_ended, attempt);
}

/* Where others connect, a host that is slow may have lost a packet at a bad moment. */
static void try_again(struct family_round *side)
{
    int64_t now = clock_mono_ms();

    for (size_t i = 0; i < side->probe_count && side->anyone_connected; i++) {
        struct host_probe *p = &side->probes[i];
        if (p->ended || p->again || now - p->host->probe.started_ms < AGAIN_MS)
            continue;
        p->again = true;
        start_attempt(p, &p->attempts[1]);
    }
}

/* The course of it */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* How long ago the first SYNs to quorum targets had left, or to all if there are fewer. */
static int64_t silent_ms(const struct family_round *side, size_t *operators)
{
    const struct round *r = side->round;
    int64_t *starts = memory_zero(r->plan.target_count, sizeof *starts), ms = -1;

    *operators = 0;
    for (size_t i = 0; i < r->plan.target_count; i++) {
        const struct target_result *t = &side->result->targets[i];
        if (t->host_count > 0)
            starts[(*operators)++] = t->hosts[0].probe.started_ms;
    }
    qsort(starts, *operators, sizeof *starts, by_time);
    if (*operators >= r->plan.quorum)
        ms = clock_mono_ms() - starts[r->plan.quorum - 1];
    else if (*operators > 0 && r->lookups_running == 0)
        ms = clock_mono_ms() - starts[*operators - 1];
    free(starts);
    return ms;
}

static bool is_connected(const struct host_probe *p)
{
    for (int i = 0; i < ATTEMPTS; i++)
        if (p->attempts[i].probe != NULL && probe_connected(p->attempts[i].probe) != -1)
            return true;
    return false;
}

static struct round_view view_of(const struct family_round *side)
{
    struct round_view v = {
        .lookups = side->round->lookups_running,
        .running = side->running,
        .quorum = side->round->plan.quorum,
        .anyone_connected = side->anyone_connected,
        .before = side->before,
        .after = side->after,
    };

    for (size_t i = 0; i < side->probe_count; i++) {
        const struct host_probe *p = &side->probes[i];
        bool stands = !p->ended && is_connected(p);
        v.silent += !p->ended && !stands;
        v.anyone_connected = v.anyone_connected || stands;
    }
    v.silent_ms = silent_ms(side, &v.operators);
    return v;
}

static void side_advance(struct family_round *side)
{
    struct round_view view = view_of(side);

    side->anyone_connected = view.anyone_connected;
    switch (enough(&view)) {
    case ROUND_WAIT:
        break;
    case ROUND_CONTROLS_BEFORE:
        send_wave(side, &side->before);
        break;
    case ROUND_CONTROLS_AFTER:
        send_wave(side, &side->after);
        break;
    case ROUND_DONE:
        side_finish(side);
        break;
    }
}

/* True while it must be found out whether the network is down, since no target has an address. */
static bool without_addresses(struct round *r)
{
    bool waiting = false;

    if (r->lookups_running > 0)
        return false;
    for (int f = 0; f < FAMILIES; f++)
        if (r->sides[f].probe_count > 0)
            return false;
    for (int f = 0; f < FAMILIES && !r->literals_asked; f++)
        if (r->result->family[f].probed)
            ask_literals(&r->sides[f]);
    r->literals_asked = true;
    for (int f = 0; f < FAMILIES; f++)
        waiting = waiting || r->sides[f].wave != NULL;
    return waiting;
}

static void advance(evutil_socket_t fd, short events, void *context)
{
    struct round *r = context;
    bool done = true;

    (void)fd;
    (void)events;
    if (without_addresses(r)) {
        deadline_arm(r->tick, clock_mono_ms() + TICK_MS);
        return;
    }
    for (int f = 0; f < FAMILIES; f++) {
        if (!r->sides[f].done) {
            side_advance(&r->sides[f]);
            try_again(&r->sides[f]);
        }
        done = done && r->sides[f].done;
    }
    if (done)
        finish(r);
    else
        deadline_arm(r->tick, clock_mono_ms() + TICK_MS);
}

static void probe_host(struct family_round *side, struct target_result *target,
                       const struct dns_host *host)
{
    struct host_probe *p = &side->probes[side->probe_count++];
    int64_t now = clock_mono_ms();

    p->side = side;
    p->target = target;
    p->host = &target->hosts[target->host_count++];
    p->deadline_ms = now + side->round->plan.timeout_ms;
    snprintf(p->host->host, sizeof p->host->host, "%s", host->name);
    p->host->probe.address = host->address;
    p->host->probe.started_ms = now;
    side->running++;
    start_attempt(p, &p->attempts[0]);
}

/* The most preferred host, and a second one under another name where there is one. */
static void probe_hosts(struct family_round *side, struct target_result *target,
                        const struct dns_answer *answer)
{
    const struct dns_host *first = NULL, *second = NULL;

    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_host *host = &answer->hosts[i];
        if (address_family(&host->address) != side->family)
            continue;
        if (first == NULL)
            first = host;
        else if (second == NULL ||
                 (strcmp(second->name, first->name) == 0 && strcmp(host->name, first->name) != 0))
            second = host;
    }
    if (first != NULL)
        probe_host(side, target, first);
    if (second != NULL)
        probe_host(side, target, second);
    if (first == NULL)
        snprintf(target->detail, sizeof target->detail, "%s",
                 answer->count > 0 ? "no address of this family" : answer->detail);
}

static void target_found(const struct dns_answer *answer, void *context)
{
    struct lookup *lookup = context;
    struct round *r = lookup->round;

    lookup->query = NULL;
    r->lookups_running--;
    for (int f = 0; f < FAMILIES; f++)
        if (r->result->family[f].probed)
            probe_hosts(&r->sides[f], &r->result->family[f].targets[lookup->target], answer);
    deadline_soon(r->tick);
}

static void side_start(struct round *r, enum family family)
{
    struct family_round *side = &r->sides[family];
    struct family_result *result = &r->result->family[family];

    side->round = r;
    side->family = family;
    side->result = result;
    result->probed = r->plan.families[family];
    side->done = !result->probed;
    result->targets = memory_zero(r->plan.target_count, sizeof *result->targets);
    side->probes = memory_zero(r->plan.target_count * HOSTS_PER_TARGET, sizeof *side->probes);
    for (size_t i = 0; i < r->plan.target_count; i++) {
        result->targets[i].target = &r->plan.targets[i];
        result->targets[i].outcome = OUTCOME_DNS_FAILED;
        snprintf(result->targets[i].detail, DNS_DETAIL, "not looked up in time");
    }
}

static unsigned families_wanted(const struct round_plan *plan)
{
    return (plan->families[FAMILY_IPV4] ? DNS_IPV4 : 0) |
           (plan->families[FAMILY_IPV6] ? DNS_IPV6 : 0);
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
    r->result = memory_zero(1, sizeof *r->result);
    r->result->target_count = plan->target_count;
    r->result->started = clock_wall();
    r->tick = deadline_timer(base, advance, r);
    r->lookups = memory_zero(plan->target_count, sizeof *r->lookups);
    side_start(r, FAMILY_IPV4);
    side_start(r, FAMILY_IPV6);
    r->lookups_running = plan->target_count;
    for (size_t i = 0; i < plan->target_count; i++) {
        r->lookups[i] = (struct lookup){ .round = r, .target = i };
        r->lookups[i].query = dns_resolve(dns, &plan->targets[i], families_wanted(plan),
                                          target_found, &r->lookups[i]);
    }
    deadline_arm(r->tick, clock_mono_ms() + TICK_MS);
    return r;
}
