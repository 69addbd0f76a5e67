/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controls of a round in one family, and what they enclose. Pure; times are ms on one clock.
 *
 * A control that was answered before its own SYN could be sent again says that the network was up
 * when it left. Two such controls that left at most BRACKET_MS apart enclose a bracket: what left
 * within it met a network that was up just before and just after. Any outage that is longer than
 * that swallows a control. A later answer says that the network is up, but not when it came back,
 * and encloses nothing.
 */
#ifndef DETOURD_BRACKETS_H
#define DETOURD_BRACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BRACKET_MS         500
#define CONTROL_IN_TIME_MS 1000 /* the first retransmission (RFC 6298 2.1) */

#define BRACKET_CONTROLS_MAX   256
#define BRACKET_CANDIDATES_MAX 32

struct control_seen {
    int64_t sent;
    int candidate;
    bool repeated; /* to an address that had answered before: its loss counts */
    bool ended, in_time;
};

struct brackets {
    struct control_seen controls[BRACKET_CONTROLS_MAX];
    size_t count, running;
    size_t answered;                  /* at whatever time */
    int64_t up[BRACKET_CONTROLS_MAX]; /* when the network was up, in order */
    size_t up_count;
    int64_t slowest; /* answer in time */
    int candidates;  /* the highest number seen, and one */
    bool heard[BRACKET_CANDIDATES_MAX];
};

bool brackets_full(const struct brackets *b);

/* A control to CANDIDATE (below BRACKET_CANDIDATES_MAX) left; its number. Not when full. */
size_t brackets_sent(struct brackets *b, int candidate, int64_t now);

/* It ended at NOW, once. */
void brackets_ended(struct brackets *b, size_t control, bool answered, int64_t now);

/* The bracket in which something left that left at FROM or up to SLACK ms later; where that may
 * have been in the next one as well, all of them must stand. -1: in none. Numbers hold until the
 * next brackets_ended(). */
int brackets_find(const struct brackets *b, int64_t from, int64_t slack);

/* Repeated controls of which it is known at NOW, and how many of them were lost. */
struct control_loss {
    int known, lost;
};
struct control_loss brackets_loss(const struct brackets *b, int64_t now);

/* Whose turn it is after candidate LAST: one that has answered, or any while none has. -1: nobody.
 */
int brackets_turn(const struct brackets *b, int last);

#endif
