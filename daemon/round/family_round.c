/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/family_round.h"

#include "daemon/decide/enough.h"
#include "daemon/probe/deadline.h"
#include "daemon/round/controls.h"
#include "daemon/round/evidence.h"
#include "daemon/round/host_probe.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 50 /* between looks at which connections stand */

/* Submission ports first: many mail hosts listen there, and a refusal is an answer as well. */
static const uint16_t target_control_ports[] = { 587, 465, 443 };
#define CONTROL_TARGETS 3

struct family_round {
    struct family_round_means means;
    enum family family;
    struct family_result *result;
    struct host_party party;
    struct host_probe **hosts; /* in the order of the look-ups; the first BEGUN have begun */
    size_t host_count, begun;
    size_t *ended; /* hosts of each target */
    struct enough *enough;
    struct controls *controls;
    enum target_state *states; /* as last told to the observer */
    bool done, has_told;
};

/* Those who watch */

static void tell(const struct family_round *side, struct round_event *event)
{
    const struct round_observer *o = &side->means.plan->observer;

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

static void tell_verdict(const struct family_round *side)
{
    struct round_event event = { .kind = ROUND_FAMILY_DONE, .verdict = side->result->verdict.kind };

    tell(side, &event);
}

/* A host that does not answer, as far as is known. */
static bool find_suspect(struct family_round *side)
{
    for (size_t i = 0; i < side->begun; i++) {
        const struct probe_result *probe = &host_probe_result(side->hosts[i])->probe;
        if (probe->local_fault)
            continue;
        side->result->suspect = probe->address;
        return true;
    }
    return false;
}

static void tell_suspicion(struct family_round *side)
{
    const struct round_observer *o = &side->means.plan->observer;

    if (side->has_told || !enough_suspects(side->enough) || !side->result->controls.has_by)
        return;
    side->has_told = true;
    side->result->has_suspect = find_suspect(side);
    if (side->result->has_suspect && o->suspected != NULL)
        o->suspected(side->family, side->means.result, o->context);
}

static void moved(void *context)
{
    struct family_round *side = context;

    side->means.moved(side->means.context);
}

/* Hosts */

static void host_connected(struct host_probe *host, void *context)
{
    tell_target(context, host_probe_target(host), TARGET_BANNER, host_probe_deadline(host));
}

static void host_ended(struct host_probe *host, void *context)
{
    struct family_round *side = context;
    size_t number = host_probe_target(host);
    struct target_result *target = &side->result->targets[number];

    target_result_take(target, host_probe_result(host));
    if (++side->ended[number] == target->host_count)
        tell_target(side, number, TARGET_DONE, 0);
}

static void add_host(struct family_round *side, size_t target, const struct dns_host *host)
{
    struct target_result *t = &side->result->targets[target];
    struct host_result *result = &t->hosts[t->host_count++];

    snprintf(result->host, sizeof result->host, "%s", host->name);
    result->probe.address = host->address;
    side->hosts[side->host_count++] = host_probe_new(&side->party, target, result);
}

static void note_no_host(struct family_round *side, size_t target, const struct dns_answer *answer)
{
    struct target_result *t = &side->result->targets[target];

    t->untried = false;
    snprintf(t->detail, sizeof t->detail, "%s",
             answer->count > 0 ? "no address of this family" : answer->detail);
    tell_target(side, target, TARGET_DONE, 0);
}

/* The most preferred host, and a second one under another name where there is one. */
void family_round_found(struct family_round *side, size_t target, const struct dns_answer *answer)
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
    if (first == NULL)
        note_no_host(side, target, answer);
    if (first != NULL)
        add_host(side, target, first);
    if (second != NULL && !side->means.result->is_sample)
        add_host(side, target, second);
}

void family_round_looking_up(struct family_round *side, size_t target)
{
    tell_target(side, target, TARGET_LOOKING_UP, 0);
}

static void begin(struct family_round *side, struct host_probe *host)
{
    size_t target = host_probe_target(host);
    char network[ADDRESS_TEXT];

    address_network(&host_probe_result(host)->probe.address, network);
    side->result->targets[target].untried = false;
    host_probe_begin(host, enough_host(side->enough, target, network));
    tell_target(side, target, TARGET_CONNECTING, host_probe_deadline(host));
}

static void begin_hosts(struct family_round *side, size_t lookups_left)
{
    while (side->begun < side->host_count && side->party.running < side->means.connections_max)
        begin(side, side->hosts[side->begun++]);
    enough_pending(side->enough, lookups_left + side->host_count - side->begun);
}

/* Controls */

/* The probed hosts of the first targets, on ports that a block of port 25 leaves open. */
static void add_target_controls(const struct family_round *side, struct controls_plan *plan)
{
    size_t ports = sizeof target_control_ports / sizeof target_control_ports[0], targets = 0;

    for (size_t i = 0; i < side->means.plan->target_count && targets < CONTROL_TARGETS; i++) {
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
    send_control(context, (size_t)candidate);
}

static void candidates_looked(void *context)
{
    struct family_round *side = context;

    enough_looking(side->enough, false);
    moved(side);
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
    seen->accepted += result->accepted;
    tell_control(side, &result->address, true, answered);
    moved(side);
}

static void find_candidates(struct family_round *side)
{
    const struct round_plan *round = side->means.plan;
    struct controls_plan plan = {
        .family = side->family,
        .hosts = round->control_hosts,
        .host_count = round->control_host_count,
        .settings = round->settings,
    };
    struct controls_events events = { .found = candidate_found,
                                      .looked = candidates_looked,
                                      .ended = control_ended,
                                      .context = side };

    add_target_controls(side, &plan);
    side->controls = controls_start(side->means.base, side->means.dns, &plan, &events);
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

/* The end */

/* Enough was seen before their turn came. */
static void drop_the_rest(struct family_round *side)
{
    for (size_t i = side->begun; i < side->host_count; i++)
        side->result->targets[host_probe_target(side->hosts[i])].host_count--;
}

static void judge(struct family_round *side, bool literals_fail)
{
    struct enough_seen seen = enough_seen(side->enough, clock_mono_ms());

    side->result->controls.sent = seen.sent;
    side->result->controls.answered = seen.answered;
    side->result->verdict =
        evidence_judge(side->result, side->family, side->means.plan, &seen, literals_fail);
}

static void free_hosts(struct family_round *side)
{
    for (size_t i = 0; i < side->host_count; i++) {
        host_probe_free(side->hosts[i]);
        side->hosts[i] = NULL;
    }
}

static void finish(struct family_round *side, bool literals_fail)
{
    for (size_t i = 0; i < side->begun; i++)
        host_probe_cut_short(side->hosts[i]);
    for (size_t i = 0; i < side->begun; i++)
        tell_target(side, host_probe_target(side->hosts[i]), TARGET_DONE, 0);
    drop_the_rest(side);
    judge(side, literals_fail); /* before what runs is stopped, so that it counts as silent */
    free_hosts(side);
    controls_stop(side->controls);
    side->controls = NULL;
    side->done = true;
    tell_verdict(side);
}

/* The course of it */

static struct enough_action act(struct family_round *side)
{
    struct enough_action action;

    for (;;) {
        action = enough_next(side->enough, clock_mono_ms());
        if (action.what == ENOUGH_WAVE)
            send_wave(side);
        else if (action.what == ENOUGH_CONTROL)
            send_control(side, (size_t)action.candidate);
        else if (action.what == ENOUGH_CONNECT)
            host_probe_again(side->hosts[action.host]);
        else
            return action;
    }
}

int64_t family_round_advance(struct family_round *side, size_t lookups_left, bool literals_fail)
{
    for (size_t i = 0; i < side->begun; i++)
        host_probe_look(side->hosts[i]);
    begin_hosts(side, lookups_left);
    struct enough_action action = act(side);
    tell_suspicion(side);
    if (action.what == ENOUGH_DONE) {
        finish(side, literals_fail);
        return INT64_MAX;
    }
    return side->party.running > 0 ? deadline_within(action.until_ms, TICK_MS) : action.until_ms;
}

size_t family_round_hosts(const struct family_round *side)
{
    return side->host_count;
}

bool family_round_is_done(const struct family_round *side)
{
    return side->done;
}

/* The beginning */

struct family_round *family_round_new(const struct family_round_means *means, enum family family)
{
    const struct round_plan *plan = means->plan;
    struct family_round *side = memory_zero(1, sizeof *side);
    struct enough_settings settings = { .targets = plan->target_count,
                                        .quorum = plan->quorum,
                                        .timeout_ms = plan->timeout_ms };

    side->means = *means;
    side->family = family;
    side->result = &means->result->family[family];
    side->hosts = memory_zero(means->hosts_max, sizeof *side->hosts);
    side->ended = memory_zero(plan->target_count, sizeof *side->ended);
    side->states = memory_zero(plan->target_count, sizeof *side->states);
    side->enough = enough_new(&settings);
    side->party = (struct host_party){ .base = means->base,
                                       .plan = plan,
                                       .enough = side->enough,
                                       .connected = host_connected,
                                       .moved = moved,
                                       .ended = host_ended,
                                       .context = side };
    return side;
}

void family_round_free(struct family_round *side)
{
    if (side == NULL)
        return;
    free_hosts(side);
    controls_stop(side->controls);
    enough_free(side->enough);
    free(side->hosts);
    free(side->ended);
    free(side->states);
    free(side);
}
