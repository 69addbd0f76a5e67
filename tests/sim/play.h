/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round on a simulated network, decided by the code that decides detourd's. There is neither a
 * socket nor a clock; the same seed plays the same round.
 */
#ifndef DETOURD_SIM_PLAY_H
#define DETOURD_SIM_PLAY_H

#include "daemon/decide/verdict.h"
#include "tests/sim/network.h"

enum truth { TRUTH_OPEN, TRUTH_DROPPED, TRUTH_REFUSED };

struct scenario {
    const char *name;
    enum truth truth;
    size_t targets_min, targets_max; /* each an operator of its own, of one or two hosts */
    double share;                    /* of the rounds that are asked for */
    bool innocent;                   /* a single false "blocked" is one too many */
    struct weather weather;
};

struct played {
    enum verdict_kind verdict;
    int64_t ms; /* until the verdict */
    size_t connections, controls;
};

void play(const struct scenario *scenario, uint64_t seed, struct played *out);

/* Those that make sim prints; ended by one without a name. */
extern const struct scenario scenarios[];

#endif
