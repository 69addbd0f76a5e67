/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round: look up the targets, probe their hosts in both families at once, send controls when
 * it is silent, stop when enough was seen (decide/enough.h), and say what it means. However many
 * targets there are, only so many look-ups and connections are under way at once.
 */
#ifndef DETOURD_ROUND_H
#define DETOURD_ROUND_H

#include "daemon/probe/dns.h"
#include "daemon/round/round_plan.h"
#include "daemon/round/round_result.h"
#include <event2/event.h>
#include <stddef.h>

/* How many descriptors a round of so many targets can use at once. */
size_t round_descriptors(size_t target_count);

/* The callback owns RESULT; the round is gone when it returns. */
typedef void round_done(struct round_result *result, void *context);

struct round;

/* The callback comes once, always from the loop. DNS must outlive the round. */
struct round *round_start(struct event_base *base, struct dns *dns, const struct round_plan *plan,
                          round_done *callback, void *context);

/* Ends the round without its callback. NULL is allowed. */
void round_stop(struct round *round);

#endif
