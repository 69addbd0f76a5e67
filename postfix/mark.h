/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our mark on the owner's main.cf, and how it comes off again.
 *
 * A logical line that sets a parameter which a route needs stays where it is, every physical line
 * of it behind "#detourd: ", so that no name stands twice (Postfix's programs all warn of that) and
 * nothing of the owner's is lost. The mark stands between "#" and the name because tools of
 * configuration management take "# name = value" for the line they look for. Our own settings stand
 * in one block at the end of the file:
 *
 *     # detourd: begin relay ses 587 generation 7
 *     # Written by detour-apply(8); "detour-apply direct" takes it out again.
 *     relayhost = [email-smtp.eu-west-1.amazonaws.com]:587
 *     ...
 *     # detourd: end 9a3c0d6e21b7f458
 *
 * Between two routes the block may say "begin prepared generation 7" instead: all of a route but
 * its relayhost, which leaves the owner's own route in force (see change.h).
 *
 * The number at the end is a checksum of the block, so that an edit of it is noticed. Everything
 * that a return needs stands in main.cf itself.
 */
#ifndef DETOURD_POSTFIX_MARK_H
#define DETOURD_POSTFIX_MARK_H

#include "lib/route.h"
#include "postfix/main_cf.h"

/* One parameter that a route sets. Both strings, of one line each, belong to the settings. */
struct setting {
    char *name, *value;
};

struct settings {
    struct setting *item;
    size_t count;
};

/* Both are copied. */
void settings_add(struct settings *settings, const char *name, const char *value);
const char *settings_value(const struct settings *settings, const char *name);
/* All of FROM but NAME, added to SETTINGS. */
void settings_add_others(struct settings *settings, const struct settings *from, const char *name);
bool settings_equal(const struct settings *a, const struct settings *b);
void settings_free(struct settings *settings);

struct mark {
    struct route route;       /* direct where no block of ours sets one, or it is illegible */
    unsigned long generation; /* of the maps that the block refers to; 0 where there is none */
    struct settings settings; /* what the block sets; empty where there is drift */
    char **drift;             /* what somebody else changed of ours, a sentence each */
    size_t drift_count;
};

/* Never NULL; mark_free ends it. */
struct mark *mark_read(const struct main_cf *cf);
void mark_free(struct mark *mark);

/* The two texts belong to the caller; *LEN is their length. */

/* CF with every mark of ours taken off. Only for a main.cf without drift. */
char *mark_remove(const struct main_cf *cf, size_t *len);

/* CF, which must bear no mark, with the route's settings in force; direct for one that is only
 * prepared. GENERATION is at least 1. */
char *mark_set(const struct main_cf *cf, const struct route *route, unsigned long generation,
               const struct settings *settings, size_t *len);

#endif
