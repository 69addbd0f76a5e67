/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one round of probes says about outbound port 25, for one address family. Pure.
 *
 * The rows of the table are tried in this order, and the first that fits is the verdict:
 *
 *   unknown      no addresses (DNS), or nobody connects and fewer than quorum operators were probed
 *   intercepted  something between answers in the place of most operators
 *   unstable     open and silent by turns, over rounds or within this one; where nobody connects,
 *                most operators by turns over rounds, the last of them silent
 *   remote       a minority of the operators refuses or is silent, the others are open
 *   open         every operator answers as itself
 *   reputation   most operators take the connection and then reject it
 *   blocked      no operator of at least quorum connects, and no loss explains it (enough.h)
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

/* Of some of them, a set. */
#define VERDICT_SET(kind) (1U << (kind))

/* "unknown", "intercepted", ... */
const char *verdict_name(enum verdict_kind kind);

struct evidence {
    const struct target_evidence *targets;
    size_t count;
    size_t quorum;
    /* What the controls say, as enough_seen() has it. */
    struct control_evidence {
        bool answered; /* any of them */
        bool proven;   /* nobody connects, and no loss explains it */
        double loss;   /* seen on them */
        double q;      /* taken into account */
        int counted;   /* SYNs without an answer between answered controls */
    } controls;
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
    /* Of the controls, from 0 to 1; 0 where none was repeated. With "unstable", loss speaks for a
     * path that loses packets, and none for a filter. */
    double loss;
    int counted_syns; /* silent between answered controls; a refusal counts for several */
};

struct verdict verdict_decide(const struct evidence *evidence);

#endif
