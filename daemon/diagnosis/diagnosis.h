/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A diagnosis: a round, and its circumstances. At the first suspicion a hop trace goes to a host
 * that is silent and the submission ports are tried, so that both have ended when the round has, or
 * soon after; how this host looks to mail operators is looked up meanwhile. While port 25 is open,
 * nothing but port 25 and the DNS is touched.
 */
#ifndef DETOURD_DIAGNOSIS_H
#define DETOURD_DIAGNOSIS_H

#include "daemon/diagnosis/circumstances.h"
#include "daemon/round/round.h"
#include <event2/event.h>
#include <stdint.h>

/* Copied by diagnosis_start; what it points to must outlive the diagnosis and its result. */
struct diagnosis_plan {
    struct round_plan round; /* its observer's "changed" is kept */
    struct circumstances_plan circumstances;
};

struct diagnosis_result {
    struct round_result *round;
    struct circumstances *circumstances; /* nothing of them is under way */
    int64_t ms;                          /* how long all of it took */
};

void diagnosis_result_free(struct diagnosis_result *result);

/* RESULT is the callback's, which frees its members; the diagnosis is gone when it returns. */
typedef void diagnosis_done(const struct diagnosis_result *result, void *context);

struct diagnosis;

/* The callback comes once, always from the loop. DNS must outlive it and its result. Never NULL. */
struct diagnosis *diagnosis_start(struct event_base *base, struct dns *dns,
                                  const struct diagnosis_plan *plan, diagnosis_done *callback,
                                  void *context);

/* Ends it without its callback. NULL is allowed. */
void diagnosis_stop(struct diagnosis *diagnosis);

#endif
