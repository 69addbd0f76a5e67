/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diagnosis/diagnosis.h"

#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdlib.h>

struct diagnosis {
    struct round_observer observer; /* the caller's */
    struct round *round;            /* NULL once it has ended */
    struct round_result *result;
    struct circumstances *circumstances;
    bool submission_begun;
    int64_t started_ms;
    struct event *end;
    diagnosis_done *callback;
    void *context;
};

void diagnosis_result_free(struct diagnosis_result *result)
{
    round_result_free(result->round);
    circumstances_free(result->circumstances);
    *result = (struct diagnosis_result){ .round = NULL };
}

static void release(struct diagnosis *d)
{
    round_stop(d->round);
    round_result_free(d->result);
    circumstances_free(d->circumstances);
    event_free(d->end);
    free(d);
}

void diagnosis_stop(struct diagnosis *diagnosis)
{
    if (diagnosis != NULL)
        release(diagnosis);
}

/* Also the timer's: whichever ends last, the round or its circumstances. */
static void end_if_done(struct diagnosis *d)
{
    if (d->round == NULL && !circumstances_busy(d->circumstances))
        deadline_soon(d->end);
}

static void finish(evutil_socket_t fd, short events, void *context)
{
    struct diagnosis *d = context;
    struct diagnosis_result result = { .round = d->result,
                                       .circumstances = d->circumstances,
                                       .ms = clock_mono_ms() - d->started_ms };

    (void)fd;
    (void)events;
    circumstances_leave(d->circumstances);
    d->result = NULL;
    d->circumstances = NULL;
    d->callback(&result, d->context);
    release(d);
}

static void idle(void *context)
{
    end_if_done(context);
}

static void begin_submission(struct diagnosis *d)
{
    if (!d->submission_begun)
        circumstances_submission(d->circumstances);
    d->submission_begun = true;
}

static void changed(const struct round_event *event, void *context)
{
    struct diagnosis *d = context;

    if (d->observer.changed != NULL)
        d->observer.changed(event, d->observer.context);
}

static void suspected(enum family family, const struct round_result *so_far, void *context)
{
    struct diagnosis *d = context;

    circumstances_trace(d->circumstances, family, so_far);
    begin_submission(d);
}

static void round_ended(struct round_result *result, void *context)
{
    struct diagnosis *d = context;

    d->round = NULL;
    d->result = result;
    /* Mail needs another way, and there is a network that may have one. */
    if (round_has_verdict(result, VERDICT_SET(VERDICT_BLOCKED) | VERDICT_SET(VERDICT_INTERCEPTED) |
                                      VERDICT_SET(VERDICT_UNSTABLE)))
        begin_submission(d);
    circumstances_round(d->circumstances, result);
    end_if_done(d);
}

struct diagnosis *diagnosis_start(struct event_base *base, struct dns *dns,
                                  const struct diagnosis_plan *plan, diagnosis_done *callback,
                                  void *context)
{
    struct diagnosis *d = memory_zero(1, sizeof *d);
    struct round_plan round = plan->round;

    d->observer = plan->round.observer;
    d->callback = callback;
    d->context = context;
    d->started_ms = clock_mono_ms();
    d->end = deadline_timer(base, finish, d);
    d->circumstances = circumstances_new(base, dns, &plan->circumstances, idle, d);
    circumstances_reputation(d->circumstances);
    round.observer = (struct round_observer){ changed, suspected, d };
    d->round = round_start(base, dns, &round, round_ended, d);
    return d;
}
