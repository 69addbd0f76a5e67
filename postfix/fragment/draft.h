/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fragment that a route needs, worked out without changing anything.
 *
 * A main.cf that configuration management has written a route into holds no mark of ours. What is
 * the owner's in it is found with the fragments that were handed out: a value of theirs is ours,
 * and the owner's is what they have noted beside it; every other value is the owner's now.
 */
#ifndef DETOURD_POSTFIX_DRAFT_H
#define DETOURD_POSTFIX_DRAFT_H

#include "lib/config.h"
#include "postfix/change/change.h"
#include "postfix/change/home_now.h"
#include "postfix/fragment/fragment.h"
#include "postfix/fragment/live.h"
#include "postfix/fragment/shelf.h"

struct draft {
    struct shelf shelf; /* empty unless mode is fragment */
    struct live live;
    struct home_now now;
    struct standing standing;
    struct change change;      /* to a relay; AFTER is NULL otherwise */
    struct fragment *fragment; /* NULL where the current one says it already */
};

/* How things are: 0, or -1 with a reason. draft_free ends OUT either way. */
int draft_look(const struct config *config, struct draft *out, struct why *why);

/* draft_look, and what ROUTE needs. CHANGE_NONE: the current fragment, or none at all. WORKSPACE is
 * for stage.h. draft_free ends OUT in every case. */
enum change_kind draft_prepare(const struct config *config, const struct route *route,
                               const char *workspace, struct draft *out, struct why *why);
void draft_free(struct draft *draft);

/* Whether main.cf holds a block of mode switch, or what is left of one. */
bool draft_has_block(const struct draft *draft);

/* The owner's main.cf and master.cf; the caller frees them. */
char *draft_owner(const struct draft *draft);
char *draft_owner_master(const struct draft *draft);

#endif
