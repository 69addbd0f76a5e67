/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map that says which senders' mail goes by a relay: all that a change of the route changes
 * with the method transport. Its directory is detourd/routes/NUMBER, and what main.cf refers to is
 * the symbolic link "now" beside it, which is replaced by rename(2): so a change of the route is
 * whole for every map type, and one look at the link tells the route in force. Debian's "postfix
 * check" warns of a link whose target has a slash in it.
 *
 * Each number's content never changes. Postfix takes a new one up with the next reload.
 */
#ifndef DETOURD_POSTFIX_SENDERS_H
#define DETOURD_POSTFIX_SENDERS_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/base/contents.h"
#include "postfix/base/paths.h"
#include "postfix/base/why.h"
#include "postfix/host/view.h"
#include <stdint.h>

#define ROUTES     OUR_DIRECTORY "/routes"
#define ROUTE_NOW  "now"
#define ROUTE_LINK ROUTES "/" ROUTE_NOW

/* The value of the map in main.cf, "hash:/etc/postfix/detourd/routes/now/senders"; the caller frees
 * it.
 */
char *senders_map(const struct config *config, const char *map_type);

#define PROOF_SENDER_MAX 256

struct senders {
    struct route route;
    struct route proof;                  /* where the proof's sender leads; direct: nowhere */
    char proof_sender[PROOF_SENDER_MAX]; /* its address */
};

/* What the directory is to hold; the relays must be in the configuration. VIEW is of the owner's,
 * and not looked at where the route is direct. contents_free ends OUT. */
void senders_contents(const struct config *config, const struct view *view,
                      const struct senders *senders, struct contents *out);

/* The map type that SETTING, the value in main.cf, has our map of; the caller frees it. */
char *senders_type(const struct config *config, const char *setting);

/* The one in force, by its link: 0, or -1 with a reason, since a map that cannot be read is not
 * one that leads nowhere. */

/* What it says; direct where there is none, or one that is not ours. */
int senders_now(const struct config *config, struct senders *out, struct why *why);

/* Its number, 0 for none. */
int senders_number(const struct config *config, unsigned long *number, struct why *why);

/* When that one was built, as clock_mono_ms() counts; 0 where there is none. */
int64_t senders_built(const struct config *config);

/* Builds the next number: that, or 0 with a reason. */
unsigned long senders_build(const struct config *config, const char *map_type,
                            const struct contents *contents, struct why *why);

/* Whether NUMBER holds just this. */
bool senders_hold(const struct config *config, unsigned long number, const char *map_type,
                  const struct contents *contents);

/* Puts NUMBER in force; 0 takes the link away. 0, -1 with a reason, or 1 with a reason when it is
 * in force, but may not survive a power failure. */
int senders_put(const struct config *config, unsigned long number, struct why *why);

/* Removes every number but the one in force. */
int senders_clean(const struct config *config, struct why *why);

#endif
