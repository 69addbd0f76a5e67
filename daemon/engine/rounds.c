/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/engine/rounds.h"

#include "daemon/decide/rotation.h"
#include "daemon/probe/deadline.h"
#include "daemon/round/descriptors.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdlib.h>

#define HISTORY_ROUNDS 8

struct rounds {
    struct rounds_means means;
    struct rounds_events events;
    struct event *timer;
    int64_t due;
    struct round *round; /* under way, or NULL */
    struct round_result *last;
    struct target_history *history[FAMILIES];
    struct rotation *rotation;
    size_t *operators; /* of each target, by the last round of all */
    int unstable;      /* rounds in a row, the last one included */
};

/* The end of one */

static void log_verdict(struct verdicts_logged *logged, enum family family, const struct verdict *v)
{
    int priority = v->kind == VERDICT_OPEN ? LOG_NOTICE : LOG_WARNING;

    if (logged->is_logged[family] && logged->kind[family] == v->kind)
        return;
    /* A host without IPv6 is no news. */
    if (family == FAMILY_IPV6 && v->kind == VERDICT_OFFLINE && !logged->is_logged[family])
        priority = LOG_INFO;
    log_at(priority, "port 25 over %s: %s (%zu of %zu operators connect, confidence %.6f)",
           family_name(family), verdict_name(v->kind), v->connected, v->operators, v->confidence);
    logged->kind[family] = v->kind;
    logged->is_logged[family] = true;
}

static void log_result(struct rounds *r, const struct round_result *result)
{
    if (rounds_alarmed(r)) {
        log_info("not all of a few targets are as before; all are probed next");
        return;
    }
    for (enum family f = FAMILY_IPV4; f <= FAMILY_IPV6; f++)
        if (result->family[f].probed)
            log_verdict(r->means.logged, f, &result->family[f].verdict);
}

/* Whether it was tried at all, which this host may not have been able to. */
static bool tells(const struct target_result *target)
{
    if (target->outcome == OUTCOME_DNS_FAILED || target->untried)
        return false;
    for (size_t h = 0; h < target->host_count; h++)
        if (!target->hosts[h].probe.local_fault)
            return true;
    return false;
}

static void remember_target(struct target_history *h, const struct target_result *target)
{
    if (!tells(target))
        return;
    h->bits = (h->bits << 1 | (target->outcome == OUTCOME_OPEN)) & ((1u << HISTORY_ROUNDS) - 1);
    h->rounds += h->rounds < HISTORY_ROUNDS - 1;
}

/* A network that was down says nothing about port 25. */
static bool is_remembered(const struct family_result *family)
{
    return family->probed && family->verdict.kind != VERDICT_OFFLINE &&
           family->verdict.kind != VERDICT_UNKNOWN;
}

static void remember(struct rounds *r, const struct round_result *result)
{
    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; is_remembered(&result->family[f]) && i < result->target_count; i++)
            remember_target(&r->history[f][i], &result->family[f].targets[i]);
    r->unstable = round_has_verdict(result, VERDICT_SET(VERDICT_UNSTABLE)) ? r->unstable + 1 : 0;
}

static void note_rotation(struct rounds *r, const struct round_result *result)
{
    const enum verdict_kind *kinds[FAMILIES];

    for (int f = 0; f < FAMILIES; f++)
        kinds[f] = result->family[f].probed ? &result->family[f].verdict.kind : NULL;
    rotation_note(r->rotation, result->is_sample, kinds);
    if (!result->is_sample)
        round_operators(result, r->operators);
}

static void round_ended(struct round_result *result, void *context)
{
    struct rounds *r = context;

    r->round = NULL;
    remember(r, result);
    if (result->is_sample)
        round_result_complete(result, r->last);
    round_result_free(r->last);
    r->last = result;
    note_rotation(r, result);
    log_result(r, result);
    r->events.ended(result, r->events.context);
}

/* The beginning of one */

/* A fault of this host's is seen only where several operators are asked that are known to have good
 * certificates. OUT holds as many as there are targets. */
static void take_sample(struct rounds *r, size_t *out, struct round_plan *plan)
{
    size_t wanted = plan->quorum + 1;

    if (!rotation_is_calm(r->rotation) || round_own_fault(r->last) != OWN_FAULT_NONE ||
        r->events.wants_all(r->events.context))
        return;
    plan->sample = out;
    plan->sample_count = rotation_pick(
        r->rotation, r->operators, wanted < plan->target_count ? wanted : plan->target_count, out);
}

static void begin(struct rounds *r)
{
    const struct probe_config *probe = &r->means.config->probe;
    const struct identity *identity = r->means.identity;
    size_t *sample = memory_zero(probe->target_count, sizeof *sample);
    struct round_plan plan = {
        .targets = probe->targets,
        .target_count = probe->target_count,
        .quorum = (size_t)probe->quorum,
        .families = { identity->families[FAMILY_IPV4], identity->families[FAMILY_IPV6] },
        .timeout_ms = probe->timeout * INT64_C(1000),
        .settings = identity->settings,
        .control_hosts = r->means.controls->hosts,
        .control_host_count = r->means.controls->count,
        .history = { r->history[FAMILY_IPV4], r->history[FAMILY_IPV6] },
        .observer = { .suspected = r->events.suspected, .context = r->events.context },
    };

    target_knowledge_fill_in(r->means.knowledge, &plan);
    take_sample(r, sample, &plan);
    r->round = round_start(r->means.base, r->means.dns, &plan, round_ended, r);
    free(sample);
}

static void on_due(evutil_socket_t fd, short events, void *context)
{
    struct rounds *r = context;

    (void)fd;
    (void)events;
    if (r->round != NULL)
        return;
    r->due = 0;
    begin(r);
}

/* From -SPAN to SPAN. */
static int64_t jitter(int64_t span)
{
    uint32_t random;

    evutil_secure_rng_get_bytes(&random, sizeof random);
    return (int64_t)(random % (uint32_t)(2 * span + 1)) - span;
}

void rounds_next(struct rounds *r, int64_t pause_ms)
{
    pause_ms += jitter(pause_ms / 10);
    r->due = clock_wall() + (pause_ms + 500) / 1000;
    deadline_arm(r->timer, clock_mono_ms() + pause_ms);
}

void rounds_now(struct rounds *r)
{
    deadline_soon(r->timer);
}

/* What is known */

int64_t rounds_due(const struct rounds *r)
{
    return r->due;
}

const struct round_result *rounds_last(const struct rounds *r)
{
    return r->last;
}

bool rounds_alarmed(const struct rounds *r)
{
    return r->last != NULL && r->last->is_sample && !rotation_is_calm(r->rotation);
}

bool rounds_unsettled(const struct rounds *r)
{
    return r->unstable > 0 && r->unstable <= HISTORY_ROUNDS;
}

/* Life */

/* Each host's order is its own. */
static struct rotation *new_rotation(size_t targets)
{
    uint64_t seed;

    evutil_secure_rng_get_bytes(&seed, sizeof seed);
    return rotation_new(targets, seed);
}

struct rounds *rounds_new(const struct rounds_means *means, const struct rounds_events *events)
{
    struct rounds *r = memory_zero(1, sizeof *r);
    size_t targets = means->config->probe.target_count;

    r->means = *means;
    r->events = *events;
    r->timer = deadline_timer(means->base, on_due, r);
    r->rotation = new_rotation(targets);
    r->operators = memory_zero(targets, sizeof *r->operators);
    for (int f = 0; f < FAMILIES; f++)
        r->history[f] = memory_zero(targets, sizeof *r->history[f]);
    descriptors_raise(round_descriptors(targets));
    return r;
}

void rounds_free(struct rounds *r)
{
    if (r == NULL)
        return;
    round_stop(r->round);
    round_result_free(r->last);
    rotation_free(r->rotation);
    free(r->operators);
    for (int f = 0; f < FAMILIES; f++)
        free(r->history[f]);
    event_free(r->timer);
    free(r);
}
