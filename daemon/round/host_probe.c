/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/host_probe.h"

#include "daemon/decide/silence.h"
#include "daemon/probe/deadline.h"
#include "daemon/probe/probe.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

/* Less time than that would be no second attempt. */
#define ATTEMPT_MIN_MS 1000

struct attempt {
    struct host_probe *of;
    struct probe *probe;
    size_t number; /* as decide/enough.h knows it */
    bool connected;
    LIST_ENTRY(attempt) next;
};

struct host_probe {
    struct host_party *party;
    size_t target;
    struct host_result *result;
    LIST_HEAD(, attempt) attempts;
    size_t number; /* as decide/enough.h knows it */
    int64_t deadline_ms;
    bool ended, has_result;
};

struct host_probe *host_probe_new(struct host_party *party, size_t target,
                                  struct host_result *result)
{
    struct host_probe *h = memory_zero(1, sizeof *h);

    h->party = party;
    h->target = target;
    h->result = result;
    LIST_INIT(&h->attempts);
    return h;
}

size_t host_probe_target(const struct host_probe *h)
{
    return h->target;
}

const struct host_result *host_probe_result(const struct host_probe *h)
{
    return h->result;
}

int64_t host_probe_deadline(const struct host_probe *h)
{
    return h->deadline_ms;
}

/* The end */

static void forget_attempt(struct attempt *a)
{
    LIST_REMOVE(a, next);
    a->of->party->running--;
    free(a);
}

static void stop_attempts(struct host_probe *h)
{
    struct attempt *a;

    while ((a = LIST_FIRST(&h->attempts)) != NULL) {
        probe_stop(a->probe);
        enough_ended(h->party->enough, a->number, ENOUGH_ENDED, clock_mono_ms());
        forget_attempt(a);
    }
}

void host_probe_free(struct host_probe *h)
{
    if (h == NULL)
        return;
    stop_attempts(h);
    free(h);
}

/* The result stands. */
static void conclude(struct host_probe *h)
{
    struct host_result *result = h->result;

    if (result->probe.outcome == OUTCOME_TIMEOUT)
        result->silent_syns = syns_sent(result->probe.total_ms);
    h->ended = true;
    h->party->ended(h, h->party->context);
}

void host_probe_cut_short(struct host_probe *h)
{
    struct probe_result *probe = &h->result->probe;
    const struct attempt *a;
    int64_t ms = clock_mono_ms() - probe->started_ms;

    if (h->ended)
        return;
    LIST_FOREACH(a, &h->attempts, next)
    {
        probe->fate = syn_fate_of_both(probe->fate, probe_fate(a->probe));
    }
    probe->outcome = OUTCOME_TIMEOUT;
    probe->total_ms = probe->connect_ms = ms;
    snprintf(probe->detail, sizeof probe->detail, "no answer to SYN in %.1f s", (double)ms / 1000);
    conclude(h);
}

/* Attempts */

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
    struct host_party *party = a->of->party;

    if (a->connected)
        return;
    a->connected = true;
    enough_connected(party->enough, a->number);
    party->connected(a->of, party->context);
}

static void keep(struct host_probe *h, const struct probe_result *result)
{
    struct probe_result *kept = &h->result->probe;
    int64_t started = kept->started_ms; /* of the first attempt */
    enum syn_fate fate = syn_fate_of_both(kept->fate, result->fate);

    if (!h->has_result || outcome_better(kept->outcome, result->outcome) != kept->outcome)
        *kept = *result;
    kept->started_ms = started;
    kept->fate = fate;
    h->has_result = true;
}

static void probe_ended(const struct probe_result *result, void *context)
{
    struct attempt *a = context;
    struct host_probe *h = a->of;
    struct host_party *party = h->party;

    if (result->connected)
        note_connected(a);
    enough_ended(party->enough, a->number, end_of(result), clock_mono_ms());
    forget_attempt(a);
    keep(h, result);
    if (LIST_EMPTY(&h->attempts) || !may_be_outdone(result->outcome)) {
        stop_attempts(h);
        conclude(h);
    }
    party->moved(party->context);
}

/* A further attempt has the first one's deadline, or its own where that is over soon. */
static int64_t attempt_deadline(const struct host_probe *h)
{
    return deadline_left(h->deadline_ms) > ATTEMPT_MIN_MS
               ? h->deadline_ms
               : clock_mono_ms() + h->party->plan->timeout_ms;
}

void host_probe_again(struct host_probe *h)
{
    struct host_party *party = h->party;
    const struct round_plan *plan = party->plan;
    struct attempt *attempt = memory_zero(1, sizeof *attempt);

    attempt->of = h;
    attempt->number = enough_connect(party->enough, h->number, clock_mono_ms());
    LIST_INSERT_HEAD(&h->attempts, attempt, next);
    party->running++;
    struct probe_plan probe = { .address = h->result->probe.address,
                                .host =
                                    plan->targets[h->target].is_literal ? NULL : h->result->host,
                                .tls = plan->tls != NULL ? plan->tls[h->target] : PROBE_TLS_MAY,
                                .trust = plan->trust,
                                .settings = &plan->settings,
                                .deadline_ms = attempt_deadline(h) };
    attempt->probe = probe_start(party->base, &probe, probe_ended, attempt);
}

void host_probe_begin(struct host_probe *h, size_t number)
{
    h->number = number;
    h->result->probe.started_ms = clock_mono_ms();
    h->deadline_ms = h->result->probe.started_ms + h->party->plan->timeout_ms;
    host_probe_again(h);
}

void host_probe_look(struct host_probe *h)
{
    struct attempt *a;

    LIST_FOREACH(a, &h->attempts, next)
    {
        if (probe_connected(a->probe) != -1)
            note_connected(a);
    }
}
