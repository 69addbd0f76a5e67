/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One family of a round: hosts are probed as they are found, controls are sent while nobody
 * connects, and decide/enough.h says when it is over. Then a verdict stands.
 */
#ifndef DETOURD_FAMILY_ROUND_H
#define DETOURD_FAMILY_ROUND_H

#include "daemon/probe/dns.h"
#include "daemon/round/round_plan.h"
#include "daemon/round/round_result.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct family_round_means {
    struct event_base *base;
    struct dns *dns;
    const struct round_plan *plan;
    struct round_result *result;  /* of the round */
    size_t hosts_max;             /* that can be found */
    size_t connections_max;       /* at once, further ones to the same host aside */
    void (*moved)(void *context); /* from the loop: family_round_advance() has something to do */
    void *context;
};

struct family_round;

/* MEANS is copied, what it points to must outlive the family's round. Never NULL. */
struct family_round *family_round_new(const struct family_round_means *means, enum family family);
/* Ends what is under way. NULL is allowed. */
void family_round_free(struct family_round *side);

/* TARGET (its place in the plan) is being looked up; ANSWER has come. */
void family_round_looking_up(struct family_round *side, size_t target);
void family_round_found(struct family_round *side, size_t target, const struct dns_answer *answer);

/* Hosts that were found so far. */
size_t family_round_hosts(const struct family_round *side);

/* What comes next; it returns when to call it again, or INT64_MAX where only an event helps.
 * LOOKUPS_LEFT: look-ups that may find further hosts. LITERALS_FAIL: see evidence.h. */
int64_t family_round_advance(struct family_round *side, size_t lookups_left, bool literals_fail);

/* The verdict stands. */
bool family_round_is_done(const struct family_round *side);

#endif
