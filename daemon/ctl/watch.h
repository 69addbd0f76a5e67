/* SPDX-License-Identifier: BSD-2-Clause */
/* A round that goes on, as rows of a live view: one a target and family. */
#ifndef DETOURD_CTL_WATCH_H
#define DETOURD_CTL_WATCH_H

#include "daemon/ctl/live.h"
#include "daemon/round/round.h"

struct watch;

/* Sets PLAN's observer, and shows on FD what it hears; TARGETS of the plan must outlive it. NULL,
 * and nothing is set, where FD is no terminal that can do it. */
struct watch *watch_start(struct event_base *base, int fd, struct round_plan *plan);

/* Takes the rows away. NULL is allowed. */
void watch_stop(struct watch *watch);

#endif
