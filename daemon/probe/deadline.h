/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines are moments on clock_mono_ms(), in milliseconds; libevent wants the time until then. */
#ifndef DETOURD_DEADLINE_H
#define DETOURD_DEADLINE_H

#include <event2/event.h>
#include <stdint.h>

/* The time left, never below 0. */
int64_t deadline_left(int64_t deadline_ms);

/* The earlier of DEADLINE_MS and SPAN_MS from now. */
int64_t deadline_within(int64_t deadline_ms, int64_t span_ms);

/* (Re)arms TIMER for DEADLINE_MS; one that has passed fires in the next turn of the loop. */
void deadline_arm(struct event *timer, int64_t deadline_ms);

/* Has TIMER fire in the next turn of the loop: how a result that is known at once still reaches
 * its callback from the loop. */
void deadline_soon(struct event *timer);

/* event_new() that ends the program when there is no memory left. TIMER is not armed. */
struct event *deadline_timer(struct event_base *base, event_callback_fn callback, void *context);

#endif
