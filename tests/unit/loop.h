/* SPDX-License-Identifier: BSD-2-Clause */
/* An event loop for a test: it turns until something has happened, and fails when it does not. */
#ifndef DETOURD_TEST_LOOP_H
#define DETOURD_TEST_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* Also ignores SIGPIPE, as every program of ours does. */
struct event_base *loop_new(void);

/* Lets libevent finish what it put off, and frees. */
void loop_free(struct event_base *base);

/* Turns until *HAPPENED; the test fails after ten seconds. */
void loop_until(struct event_base *base, const bool *happened);

/* Turns for MS milliseconds at most or until *HAPPENED; says whether it did. For what must NOT
 * happen. */
bool loop_watch(struct event_base *base, const bool *happened, int ms);

/* libevent's timers go by a coarse clock (CLOCK_MONOTONIC_COARSE) and may be early by so many ms.
 */
#define COARSE 20

/* Now plus MS, for deadlines. */
int64_t soon(int64_t ms);

#endif
