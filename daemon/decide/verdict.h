/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one round of probes says about outbound port 25, for one address family. Pure.
 *
 * The rows of the table are tried in this order, and the first that fits is the verdict:
 *
 *   unknown      no addresses (DNS), or nobody connects and fewer than quorum operators were probed
 *   intercepted  something between answers in the place of most operators
 *   unstable     open and silent by turns, over rounds or within this one
 *   remote       a minority of the operators refuses or is silent, the others are open
 *   open         every operator answers as itself
 *   reputation   most operators take the connection and then reject it
 *   blocked      no operator of at least quorum connects, and controls around it answered
 *   offline      nothing answers, controls included
 *
 * What fits no row is unknown.
 */
#ifndef DETOURD_VERDICT_H
#define DETOURD_VERDICT_H

#include "daemon/decide/operators.h"
#include <stdbool.h>
#include <stddef.h>

enum verdict_kind {
    VERDICT_UNKNOWN,
    VERDICT_INTERCEPTED,
    VERDICT_UNSTABLE,
    VERDICT_REMOTE,
    VERDICT_OPEN,
    VERDICT_REPUTATION,
    VERDICT_BLOCKED,
    VERDICT_OFFLINE,
};
#define VERDICTS 8

/* "unknown", "intercepted", ... */
const char *verdict_name(enum verdict_kind kind);

struct evidence {
    const struct target_evidence *targets;
    size_t count;
    size_t quorum;
    /* Controls that answered at the beginning of the silence, and at its end. */
    size_t controls_before, controls_after;
    /* Without an address to probe: the host has no route, or not even its resolvers' hosts answer.
     */
    bool network_down;
};

struct verdict {
    enum verdict_kind kind;
    double confidence; /* from 0 to 1 */
    size_t operators;  /* that had an address to probe */
    size_t open;       /* of them */
    size_t connected;  /* of them, open or not */
};

struct verdict verdict_decide(const struct evidence *evidence);

#endif
