/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round.h"

#include "daemon/descriptors.h"
#include "daemon/interceptions.h"
#include "daemon/literals.h"
#include "daemon/probe/deadline.h"
#include "daemon/probe/hop_trace.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define TICK_MS 50 /* between looks at which connections stand */

/* Submission ports first: many mail hosts listen there, and a refusal is an answer as well. */
static const uint16_t target_control_ports[] = { 587, 465, 443 };
#define CONTROL_TARGETS 3

/* At once. A look-up takes 25 KiB, a connection that speaks TLS 30. */
#define LOOKUPS_MAX     64
#define CONNECTIONS_MAX 512 /* in one family, further ones aside */
#define CONNECTIONS_MIN 8
/* Descriptors that are not a host's first connection: standard ones, resolvers', further
 * connections, controls, relays', and beside the round a trace in each family. */
#define DESCRIPTORS_ASIDE (192 + FAMILIES * HOP_TRACE_DESCRIPTORS)

/* Less time than that would be no second attempt. */
#define ATTEMPT_MIN_MS 1000

struct attempt {
    struct host_probe *of;
    struct probe *probe;
    size_t number; /* as decide/enough.h knows it */
    bool connected;
    LIST_ENTRY(attempt) of_host, of_side;
};

/* One host. Further attempts follow where others connect and this one takes long, or where nobody
 * connects. */
struct host_probe {
    struct family_round *side;
    size_t target;
    struct host_result *host;
    LIST_HEAD(, attempt) attempts;
    size_t number;
    int64_t deadline_ms;
    bool ended, has_result;
};

struct family_round {
    struct round *round;
    enum family family;
    struct family_result *result;
    struct host_probe *probes; /* in the order of the look-ups */
    size_t probe_count, begun, running;
    LIST_HEAD(, attempt) attempts;
    struct enough *enough;
    struct controls *controls;
    struct literals *literals;
    enum target_state *states; /* as last told to the observer */
    bool done, has_told;
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
    struct lookup *lookups; /* in the order of the sample */
    size_t lookup_count, lookups_begun, lookups_running;
    size_t connections_max; /* in one family */
    /* What literal addresses say where no target has one. */
    bool literals_asked, literals_tried, network_up;
    int64_t started_ms;
    struct event *tick;
    round_done *callback;
    void *context;
};

bool round_has_verdict(const struct round_result *result, unsigned kinds)
{
    bool has = false;

    for (int f = 0; f < FAMILIES; f++)
        has = has || (result->family[f].probed &&
                      (kinds & VERDICT_SET(result->family[f].verdict.kind)) != 0);
    return has;
}

void round_result_free(struct round_result *result)
{
    if (result == NULL)
        return;
    for (int f = 0; f < FAMILIES; f++)
        free(result->family[f].targets);
    free(result);
}

void round_operators(const struct round_result *result, size_t *out)
{
    struct operators *operators = operators_new(result->target_count);
    char network[ADDRESS_TEXT];

    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < result->target_count; i++)
            for (size_t h = 0; h < result->family[f].targets[i].host_count; h++) {
                address_network(&result->family[f].targets[i].hosts[h].probe.address, network);
                operators_add(operators, i, network);
            }
    for (size_t i = 0; i < result->target_count; i++)
        out[i] = operators_of(operators, i);
    operators_free(operators);
}

void round_result_complete(struct round_result *result, const struct round_result *older)
{
    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < result->target_count; i++)
            if (result->family[f].targets[i].untried)
                result->family[f].targets[i] = older->family[f].targets[i];
}

/* Attempts */

static void forget_attempt(struct attempt *a)
{
    LIST_REMOVE(a, of_host);
    LIST_REMOVE(a, of_side);
    a->of->side->running--;
    free(a);
}

static void stop_attempts(struct host_probe *p)
{
    struct attempt *a;

    while ((a = LIST_FIRST(&p->attempts)) != NULL) {
        probe_stop(a->probe);
        enough_ended(p->side->enough, a->number, ENOUGH_ENDED, clock_mono_ms());
        forget_attempt(a);
    }
}

static void side_release(struct family_round *side)
{
    for (size_t i = 0; i < side->begun; i++)
        stop_attempts(&side->probes[i]);
    controls_stop(side->controls);
    literals_stop(side->literals);
    enough_free(side->enough);
    free(side->states);
    free(side->probes);
}

static void release(struct round *r)
{
    for (size_t i = 0; i < r->lookup_count; i++)
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

/* Those who watch */

static void tell(const struct family_round *side, struct round_event *event)
{
    const struct round_observer *o = &side->round->plan.observer;

    event->family = side->family;
    if (o->changed != NULL)
        o->changed(event, o->context);
}

static void tell_target(struct family_round *side, size_t target, enum target_state state,
                        int64_t deadline_ms)
{
    struct round_event event = { .kind = ROUND_TARGET,
                                 .target = target,
                                 .state = state,
                                 .outcome = side->result->targets[target].outcome,
                                 .deadline_ms = deadline_ms };

    if (state <= side->states[target])
        return; /* another of its hosts is further */
    side->states[target] = state;
    tell(side, &event);
}

static void tell_control(const struct family_round *side, const struct address *address, bool ended,
                         bool answered)
{
    struct round_event event = {
        .kind = ROUND_CONTROL, .control = *address, .ended = ended, .answered = answered
    };

    tell(side, &event);
}

/* A host that does not answer, as far as is known. */
static bool find_suspect(struct family_round *side)
{
    for (size_t i = 0; i < side->begun; i++) {
        if (side->probes[i].host->probe.local_fault)
            continue;
        side->result->suspect = side->probes[i].host->probe.address;
        return true;
    }
    return false;
}

static void tell_suspicion(struct family_round *side)
{
    const struct round_observer *o = &side->round->plan.observer;

    if (side->has_told || !enough_suspects(side->enough) || !side->result->controls.has_by)
        return;
    side->has_told = true;
    side->result->has_suspect = find_suspect(side);
    if (side->result->has_suspect && o->suspected != NULL)
        o->suspected(side->family, side->round->result, o->context);
}

/* Evidence */

static struct target_evidence target_evidence(const struct family_round *side, size_t i)
{
    const struct target_result *t = &side->result->targets[i];
    const struct target_history *history = side->round->plan.history[side->family];
    struct target_evidence e = { .outcome = t->outcome,
                                 .untried = t->untried || t->host_count > 0 };

    for (size_t h = 0; h < t->host_count; h++) {
        address_network(&t->hosts[h].probe.address, e.network[h]);
        e.silent_syns += t->hosts[h].silent_syns;
        e.untried = e.untried && (t->untried || t->hosts[h].probe.local_fault);
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

static struct control_evidence control_evidence(struct family_round *side)
{
    struct enough_seen seen = enough_seen(side->enough, clock_mono_ms());

    side->result->controls.sent = seen.sent;
    side->result->controls.answered = seen.answered;
    return (struct control_evidence){ .answered = seen.answered > 0,
                                      .proven = seen.proven,
                                      .loss = seen.loss,
                                      .q = seen.q,
                                      .counted = seen.counted };
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
        .controls = control_evidence(side),
        .network_down = (r->literals_tried && !r->network_up) || !family_has_route(side->family),
    };
    side->result->verdict = verdict_decide(&evidence);
    free(targets);
}

/* The end */

static void set_outcome(struct host_probe *p)
{
    struct target_result *t = &p->side->result->targets[p->target];
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
    int64_t ms = clock_mono_ms() - result->started_ms;

    result->outcome = OUTCOME_TIMEOUT;
    result->total_ms = result->connect_ms = ms;
    p->host->silent_syns = syns_sent(ms);
    snprintf(result->detail, sizeof result->detail, "no answer to SYN in %.1f s",
             (double)ms / 1000);
    p->ended = true;
    set_outcome(p);
}

/* Enough was seen before their turn came. */
static void drop_the_rest(struct family_round *side)
{
    for (size_t i = side->begun; i < side->probe_count; i++)
        side->result->targets[side->probes[i].target].host_count--;
    for (size_t i = 0; i < side->round->lookup_count; i++) {
        struct target_result *t = &side->result->targets[side->round->lookups[i].target];
        if (t->untried)
            snprintf(t->detail, sizeof t->detail, "not tried: enough was seen before its turn");
    }
}

static void side_finish(struct family_round *side)
{
    struct round_event event = { .kind = ROUND_FAMILY_DONE };

    for (size_t i = 0; i < side->begun; i++) {
        if (!side->probes[i].ended)
            cut_short(&side->probes[i]);
        tell_target(side, side->probes[i].target, TARGET_DONE, 0);
    }
    drop_the_rest(side);
    judge(side); /* before what runs is stopped, so that it counts as silent */
    for (size_t i = 0; i < side->begun; i++)
        stop_attempts(&side->probes[i]);
    controls_stop(side->controls);
    side->controls = NULL;
    side->done = true;
    event.verdict = side->result->verdict.kind;
    tell(side, &event);
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

static void send_control(struct family_round *side, size_t candidate)
{
    size_t number;

    if (!enough_control(side->enough, (int)candidate, clock_mono_ms(), &number))
        return;
    controls_send(side->controls, candidate, number);
    tell_control(side, controls_address(side->controls, candidate), false, false);
}

static void candidate_found(int candidate, void *context)
{
    struct family_round *side = context;

    send_control(side, (size_t)candidate);
}

static void candidates_looked(void *context)
{
    struct family_round *side = context;

    enough_looking(side->enough, false);
    deadline_soon(side->round->tick);
}

static void control_ended(size_t number, const struct control_result *result, void *context)
{
    struct family_round *side = context;
    struct controls_seen *seen = &side->result->controls;
    bool answered = result->end == CONTROL_ANSWERED;

    enough_control_ended(side->enough, number, answered, clock_mono_ms());
    if (answered && !seen->has_by) {
        seen->has_by = true;
        seen->by = result->address;
    }
    tell_control(side, &result->address, true, answered);
    deadline_soon(side->round->tick);
}

static void find_candidates(struct family_round *side)
{
    struct round *r = side->round;
    struct controls_plan plan = {
        .family = side->family,
        .hosts = r->plan.control_hosts,
        .host_count = r->plan.control_host_count,
        .settings = r->plan.settings,
    };
    struct controls_events events = { .found = candidate_found,
                                      .looked = candidates_looked,
                                      .ended = control_ended,
                                      .context = side };

    add_target_controls(side, &plan);
    side->controls = controls_start(r->base, r->dns, &plan, &events);
    enough_looking(side->enough, controls_looking(side->controls));
}

/* To all that are known; those that are found later follow as they are. */
static void send_wave(struct family_round *side)
{
    if (side->controls == NULL)
        find_candidates(side);
    for (size_t i = 0; i < controls_count(side->controls); i++)
        send_control(side, i);
}

static void literals_ended(bool tried, bool answered, void *context)
{
    struct family_round *side = context;

    side->literals = NULL;
    side->round->literals_tried |= tried;
    side->round->network_up |= answered;
    deadline_soon(side->round->tick);
}

/* Probes */

static void host_ended(struct host_probe *p)
{
    struct host_result *host = p->host;
    const struct host_probe *other = p;

    stop_attempts(p);
    p->ended = true;
    if (host->probe.outcome == OUTCOME_TIMEOUT)
        host->silent_syns = syns_sent(host->probe.total_ms);
    set_outcome(p);
    /* A target's hosts stand side by side. */
    if (p > p->side->probes && p[-1].target == p->target)
        other = p - 1;
    else if (p + 1 < p->side->probes + p->side->probe_count && p[1].target == p->target)
        other = p + 1;
    if (other->ended)
        tell_target(p->side, p->target, TARGET_DONE, 0);
}

/* A slow attempt may yet be outdone by the other; any other end is final. */
static bool may_be_outdone(enum outcome outcome)
{
    return outcome == OUTCOME_TIMEOUT || outcome == OUTCOME_NO_BANNER;
}

static enum enough_end end_of(const struct probe_result *result)
{
    if (result->local_fault)
        return ENOUGH_FAULT;
    return result->connected || result->outcome == OUTCOME_TIMEOUT ? ENOUGH_ENDED : ENOUGH_REFUSED;
}

static void note_connected(struct attempt *a)
{
    struct family_round *side = a->of->side;

    if (a->connected)
        return;
    a->connected = true;
    enough_connected(side->enough, a->number);
    tell_target(side, a->of->target, TARGET_BANNER, a->of->deadline_ms);
}

static void probe_ended(const struct probe_result *result, void *context)
{
    struct attempt *a = context;
    struct host_probe *p = a->of;
    struct probe_result *kept = &p->host->probe;
    bool better = !p->has_result || outcome_better(kept->outcome, result->outcome) != kept->outcome;
    int64_t started = kept->started_ms; /* of the first attempt */

    if (result->connected)
        note_connected(a);
    enough_ended(p->side->enough, a->number, end_of(result), clock_mono_ms());
    forget_attempt(a);
    if (better)
        *kept = *result;
    kept->started_ms = started;
    p->has_result = true;
    if (LIST_EMPTY(&p->attempts) || !may_be_outdone(result->outcome))
        host_ended(p);
    deadline_soon(p->side->round->tick);
}

/* A further attempt has the first one's deadline, or its own where that is over soon. */
static int64_t attempt_deadline(const struct host_probe *p)
{
    return deadline_left(p->deadline_ms) > ATTEMPT_MIN_MS
               ? p->deadline_ms
               : clock_mono_ms() + p->side->round->plan.timeout_ms;
}

static void start_attempt(struct host_probe *p)
{
    struct round *r = p->side->round;
    struct attempt *attempt = memory_zero(1, sizeof *attempt);

    attempt->of = p;
    attempt->number = enough_connect(p->side->enough, p->number, clock_mono_ms());
    LIST_INSERT_HEAD(&p->attempts, attempt, of_host);
    LIST_INSERT_HEAD(&p->side->attempts, attempt, of_side);
    p->side->running++;
    struct probe_plan plan = { .address = p->host->probe.address,
                               .host = r->plan.targets[p->target].is_literal ? NULL : p->host->host,
                               .tls = r->plan.tls != NULL ? r->plan.tls[p->target] : PROBE_TLS_MAY,
                               .trust = r->plan.trust,
                               .settings = &r->plan.settings,
                               .deadline_ms = attempt_deadline(p) };
    attempt->probe = probe_start(r->base, &plan, probe_ended, attempt);
}

static void begin(struct host_probe *p)
{
    struct family_round *side = p->side;
    char network[ADDRESS_TEXT];

    side->begun++;
    side->result->targets[p->target].untried = false;
    p->host->probe.started_ms = clock_mono_ms();
    p->deadline_ms = p->host->probe.started_ms + side->round->plan.timeout_ms;
    address_network(&p->host->probe.address, network);
    p->number = enough_host(side->enough, p->target, network);
    tell_target(side, p->target, TARGET_CONNECTING, p->deadline_ms);
    start_attempt(p);
}

/* The course of it */

static size_t lookups_left(const struct round *r)
{
    return r->lookups_running + r->lookup_count - r->lookups_begun;
}

static void begin_hosts(struct family_round *side)
{
    while (side->begun < side->probe_count && side->running < side->round->connections_max)
        begin(&side->probes[side->begun]);
    enough_pending(side->enough, lookups_left(side->round) + side->probe_count - side->begun);
}

static void look_who_connected(struct family_round *side)
{
    struct attempt *a;

    LIST_FOREACH(a, &side->attempts, of_side)
    {
        if (probe_connected(a->probe) != -1)
            note_connected(a);
    }
}

/* The moment of the next look. */
static int64_t side_advance(struct family_round *side)
{
    struct enough_action action;

    look_who_connected(side);
    begin_hosts(side);
    for (;;) {
        action = enough_next(side->enough, clock_mono_ms());
        if (action.what == ENOUGH_WAVE)
            send_wave(side);
        else if (action.what == ENOUGH_CONTROL)
            send_control(side, (size_t)action.candidate);
        else if (action.what == ENOUGH_CONNECT)
            start_attempt(&side->probes[action.host]);
        else
            break;
    }
    tell_suspicion(side);
    if (action.what == ENOUGH_DONE)
        side_finish(side);
    return side->running > 0 ? deadline_within(action.until_ms, TICK_MS) : action.until_ms;
}

/* True while it must be found out whether the network is down, since no target has an address. */
static bool without_addresses(struct round *r)
{
    bool waiting = false;

    if (lookups_left(r) > 0)
        return false;
    for (int f = 0; f < FAMILIES; f++)
        if (r->sides[f].probe_count > 0)
            return false;
    for (int f = 0; f < FAMILIES && !r->literals_asked; f++)
        if (r->result->family[f].probed)
            r->sides[f].literals = literals_start(r->base, r->dns, (enum family)f,
                                                  &r->plan.settings, literals_ended, &r->sides[f]);
    r->literals_asked = true;
    for (int f = 0; f < FAMILIES; f++)
        waiting = waiting || r->sides[f].literals != NULL;
    return waiting;
}

static void begin_lookups(struct round *r);

static void advance(evutil_socket_t fd, short events, void *context)
{
    struct round *r = context;
    int64_t next = INT64_MAX;
    bool done = true;

    (void)fd;
    (void)events;
    begin_lookups(r);
    if (without_addresses(r))
        return; /* the literals' end brings us back */
    for (int f = 0; f < FAMILIES; f++) {
        struct family_round *side = &r->sides[f];
        int64_t then = side->done ? INT64_MAX : side_advance(side);
        done = done && side->done;
        if (!side->done && then < next)
            next = then;
    }
    if (done)
        finish(r);
    else if (next < INT64_MAX)
        deadline_arm(r->tick, next);
}

/* Look-ups */

static void add_host(struct family_round *side, size_t target, const struct dns_host *host)
{
    struct target_result *t = &side->result->targets[target];
    struct host_probe *p = &side->probes[side->probe_count++];

    p->side = side;
    p->target = target;
    p->host = &t->hosts[t->host_count++];
    LIST_INIT(&p->attempts);
    snprintf(p->host->host, sizeof p->host->host, "%s", host->name);
    p->host->probe.address = host->address;
}

/* The most preferred host, and a second one under another name where there is one. */
static void add_hosts(struct family_round *side, size_t target, const struct dns_answer *answer)
{
    const struct dns_host *first = NULL, *second = NULL;
    struct target_result *t = &side->result->targets[target];

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
        add_host(side, target, first);
    if (second != NULL && !side->round->result->is_sample)
        add_host(side, target, second);
    if (first != NULL)
        return;
    t->untried = false;
    snprintf(t->detail, sizeof t->detail, "%s",
             answer->count > 0 ? "no address of this family" : answer->detail);
    tell_target(side, target, TARGET_DONE, 0);
}

static void target_found(const struct dns_answer *answer, void *context)
{
    struct lookup *lookup = context;
    struct round *r = lookup->round;

    lookup->query = NULL;
    r->lookups_running--;
    for (int f = 0; f < FAMILIES; f++)
        if (!r->sides[f].done)
            add_hosts(&r->sides[f], lookup->target, answer);
    deadline_soon(r->tick);
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
            if (!r->sides[f].done)
                tell_target(&r->sides[f], lookup->target, TARGET_LOOKING_UP, 0);
        lookup->query = dns_resolve(r->dns, &r->plan.targets[lookup->target],
                                    families_wanted(&r->plan), target_found, lookup);
    }
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

static void side_start(struct round *r, enum family family)
{
    struct family_round *side = &r->sides[family];
    struct family_result *result = &r->result->family[family];
    struct enough_settings settings = { .targets = r->plan.target_count,
                                        .quorum = r->plan.quorum,
                                        .timeout_ms = r->plan.timeout_ms };

    side->round = r;
    side->family = family;
    side->result = result;
    result->probed = r->plan.families[family];
    side->done = !result->probed;
    result->targets = memory_zero(r->plan.target_count, sizeof *result->targets);
    side->probes = memory_zero(r->lookup_count * HOSTS_PER_TARGET, sizeof *side->probes);
    side->states = memory_zero(r->plan.target_count, sizeof *side->states);
    side->enough = enough_new(&settings);
    LIST_INIT(&side->attempts);
    for (size_t i = 0; i < r->plan.target_count; i++) {
        result->targets[i].target = &r->plan.targets[i];
        result->targets[i].outcome = OUTCOME_DNS_FAILED;
        result->targets[i].untried = true;
        snprintf(result->targets[i].detail, DNS_DETAIL, "not in this round");
    }
}

static void plan_lookups(struct round *r)
{
    const size_t *sample = r->plan.sample;

    r->result->is_sample = sample != NULL;
    r->lookup_count = sample != NULL ? r->plan.sample_count : r->plan.target_count;
    r->lookups = memory_zero(r->lookup_count, sizeof *r->lookups);
    for (size_t i = 0; i < r->lookup_count; i++)
        r->lookups[i] = (struct lookup){ .round = r, .target = sample != NULL ? sample[i] : i };
    r->plan.sample = NULL;
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
    r->connections_max = connections_max();
    r->result = memory_zero(1, sizeof *r->result);
    r->result->target_count = plan->target_count;
    r->result->started = clock_wall();
    r->tick = deadline_timer(base, advance, r);
    plan_lookups(r);
    side_start(r, FAMILY_IPV4);
    side_start(r, FAMILY_IPV6);
    begin_lookups(r);
    deadline_soon(r->tick);
    return r;
}
