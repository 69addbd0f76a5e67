/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast a backlog may leave by a relay. Pure: the clock is passed in, so that hours are
 * simulated in a moment.
 *
 * Postfix sends what it is given in the order in which it comes, as fast as the relay takes it. So
 * whatever is released stands in front of fresh mail; and what the relay refuses for now waits
 * minimal_backoff_time (300 s) or more. Hence two bounds: as much is under way as the relay takes
 * in a short time (its pace is measured, and a little more than fills the way to it is tried); and
 * once it has refused because it was too much, no faster than what it took, over the whole time
 * from when it first took something until it took something again. A relay that refuses is asked
 * by one message at a time, more and more rarely. What is tried for the first time grows with what
 * the relay has already taken, so that little is refused when its limit is met.
 */
#ifndef DETOURD_POSTFIX_PACE_H
#define DETOURD_POSTFIX_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace;

/* RATE (messages an hour) and CONCURRENCY (connections at once) of the relay; 0: not known. */
struct pace *pace_new(int rate, int concurrency, int64_t now_ms);
void pace_free(struct pace *pace);

/* What such a relay takes in a few seconds needs no pace. */
size_t pace_small(int rate, int concurrency);

/* Since the look before. Each message that was released is in one of the three counts once. */
struct pace_seen {
    size_t under_way;   /* all that Postfix has in hand now, fresh mail too */
    size_t own;         /* of those, what was released */
    size_t delivered;   /* left the queue */
    size_t refused;     /* came back because the relay had too much */
    size_t failed;      /* came back for another reason */
    int64_t fastest_ms; /* the shortest time from release to departure; of what was delivered */
};

struct pace_order {
    size_t release; /* now */
    int wait_ms;    /* until the next look */
};

struct pace_order pace_look(struct pace *pace, const struct pace_seen *seen, int64_t now_ms);

/* Whether the relay took something since it last refused: then a message may have its last try. */
bool pace_is_open(const struct pace *pace);

#endif
