/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outlives the process: since when the route is in force, the switches of the last hour, an
 * operator's hold. Which route it is says detour-apply alone.
 */
#ifndef DETOURD_STATE_FILE_H
#define DETOURD_STATE_FILE_H

#include "daemon/decide/health.h"
#include "lib/route.h"

struct state {
    struct route route; /* in force when this was written */
    struct health health;
};

/* Takes the lock of DIRECTORY, which lasts as long as the process. 0, or -1 with a reason: most
 * of all, another detourd that works there already. */
int state_lock(const char *directory, char *why, size_t whylen);

/* Reads DIRECTORY/state.json. 0; 1 where there is none; -1 with a reason, and STATE empty. */
int state_load(const char *directory, struct state *state, char *why, size_t whylen);

/* Replaces it so that a crash leaves the old or the new one whole. 0, or -1 with a reason. */
int state_save(const char *directory, const struct state *state, char *why, size_t whylen);

#endif
