/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What detour-apply says is true of Postfix: asked again and again, and the last answer kept. It is
 * the only source of the route in force.
 */
#ifndef DETOURD_INQUIRY_H
#define DETOURD_INQUIRY_H

#include "daemon/round/identity.h"
#include "lib/route.h"
#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define INQUIRY_PROBLEM 512

struct inquiry;

/* Called from the loop after each answer, good or not. */
typedef void inquiry_answered(void *context);

struct inquiry *inquiry_new(struct event_base *base, inquiry_answered *callback, void *context);
void inquiry_free(struct inquiry *inquiry);

/* Asks on SOCKET, unless a question is under way: for everything when that is wanted (as at the
 * beginning), else for what changes. */
void inquiry_ask(struct inquiry *inquiry, const char *socket);
void inquiry_want_all(struct inquiry *inquiry);
bool inquiry_wants_all(const struct inquiry *inquiry);

/* Drops the question under way. */
void inquiry_stop(struct inquiry *inquiry);

/* The members of the answers so far, or NULL; the inquiry's own. */
json_t *inquiry_members(const struct inquiry *inquiry);
int64_t inquiry_at(const struct inquiry *inquiry);          /* wall clock; 0 before the first */
const char *inquiry_problem(const struct inquiry *inquiry); /* "" after a good answer */

/* The route in MEMBERS; false where there is none. */
bool inquiry_route(const json_t *members, struct route *out);

/* What waits for configuration management, or was applied by it, as MEMBERS say; false where there
 * is nothing of the kind. */
struct inquiry_fragment {
    unsigned long generation;
    struct route route;
    bool applied;   /* it is in force, */
    bool confirmed; /* and what follows a switch was done */
};
bool inquiry_fragment(const json_t *members, struct inquiry_fragment *out);

/* What was said of how Postfix goes out; points into the members. */
void inquiry_identity(const struct inquiry *inquiry, struct postfix_identity *out);

#endif
