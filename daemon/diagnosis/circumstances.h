/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tells more than a verdict: where port 25 ends (a hop trace), which submission ports work
 * instead, what mail operators would hold against this host, whose network it stands in. Each is
 * looked for when it is asked for, beside the rounds, and the latest that was seen is kept.
 */
#ifndef DETOURD_CIRCUMSTANCES_H
#define DETOURD_CIRCUMSTANCES_H

#include "daemon/decide/hop.h"
#include "daemon/decide/provider.h"
#include "daemon/diagnosis/submission.h"
#include "daemon/probe/reputation.h"
#include "daemon/round/round.h"
#include "lib/machine.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* Copied; what it points to must outlive the circumstances. */
struct circumstances_plan {
    struct probe_settings settings;
    bool trace;                                 /* false: circumstances_trace does nothing */
    const struct reputation_plan *reputation;   /* NULL: the same of circumstances_reputation */
    const struct submission_plan *submission;   /* NULL: the same of circumstances_submission */
    const struct provider_catalogue *providers; /* NULL: nobody is recognised */
    const struct machine *machine;              /* NULL where nothing is known of it */
};

/* Times are wall clock, 0 where it was not seen yet. */
struct circumstances_seen {
    int64_t traced[FAMILIES];
    struct hop_trace_result trace[FAMILIES];
    int64_t reputation_at;
    struct reputation_result reputation;
    int64_t submission_at;
    struct submission_result submission;
    bool is_recognised;
    struct recognised provider; /* of the catalogue in the plan */
};

/* Nothing is under way any more. It may look for more. */
typedef void circumstances_idle(void *context);

struct circumstances;

/* CALLBACK (NULL is allowed) always comes from the loop. DNS must outlive them. Never NULL. */
struct circumstances *circumstances_new(struct event_base *base, struct dns *dns,
                                        const struct circumstances_plan *plan,
                                        circumstances_idle *callback, void *context);
/* Also ends what is under way. NULL is allowed. */
void circumstances_free(struct circumstances *circumstances);

/* What is under way already is not begun again. */

/* From a round's observer: to the suspect that SO_FAR has in FAMILY, beside the control that
 * answered; nothing where either is missing. */
void circumstances_trace(struct circumstances *circumstances, enum family family,
                         const struct round_result *so_far);
void circumstances_forget_trace(struct circumstances *circumstances, enum family family);
void circumstances_submission(struct circumstances *circumstances);
/* What hangs on this host's public address waits for circumstances_round. */
void circumstances_reputation(struct circumstances *circumstances);

/* A round has ended: the mail servers in it may have shown this host's address. */
void circumstances_round(struct circumstances *circumstances, const struct round_result *round);

/* No callback any more: whoever waited for it has gone. */
void circumstances_leave(struct circumstances *circumstances);

bool circumstances_busy(const struct circumstances *circumstances);

/* Valid until the loop goes on. */
const struct circumstances_seen *circumstances_seen(const struct circumstances *circumstances);

#endif
