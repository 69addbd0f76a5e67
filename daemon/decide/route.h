/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of the configured relays takes the mail. Pure.
 *
 * Candidates stand in the operator's order of preference, every port of the first relay before the
 * second relay. One that has not just proved itself is never chosen, and a later one only when all
 * before it have failed.
 */
#ifndef DETOURD_DECIDE_ROUTE_H
#define DETOURD_DECIDE_ROUTE_H

#include <stddef.h>

enum candidate_state { CANDIDATE_PENDING, CANDIDATE_PROVEN, CANDIDATE_FAILED };

#define CHOICE_WAIT ((size_t)-1) /* an earlier candidate is still being proved */
#define CHOICE_NONE ((size_t)-2) /* all have failed */

/* The index of the candidate to take, or one of the above. */
size_t choose_route(const enum candidate_state *candidates, size_t count);

#endif
