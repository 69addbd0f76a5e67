/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request would change, worked out without changing anything: main.cf is read, Postfix is
 * asked, refusals are looked for, and the new main.cf and its maps are rendered in memory. A switch
 * from one relay to another starts from the owner's main.cf, never from the first relay's. Where
 * somebody else has edited what is ours (mark.h), the only change is the one to direct, which keeps
 * every edit.
 *
 * A running Postfix takes a change in steps, each a whole main.cf that fits the one before: what
 * the relay demands (password, TLS) comes before the route to it and goes after it. For the route
 * counts at once, for any trivial-rewrite(8) that starts, while an smtp(8) goes on by what it has
 * read; in one step messages would reach the relay without a password, and bounce.
 */
#ifndef DETOURD_POSTFIX_CHANGE_H
#define DETOURD_POSTFIX_CHANGE_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/findings.h"
#include "postfix/home.h"
#include "postfix/render.h"
#include "postfix/view.h"

enum change_kind {
    CHANGE_NEEDED,
    CHANGE_NONE, /* the route is in force already, with just this content */
    CHANGE_REFUSED,
    CHANGE_FAILED
};

#define CHANGE_STEPS 2

struct change_step {
    char *main_cf;
    size_t len;
};

struct change {
    struct route route;
    struct main_cf_now now;
    char *original; /* the owner's main.cf */
    size_t original_len;
    struct view *view;        /* of the owner's configuration */
    struct findings refusals; /* of the host; in a preview all of them */
    struct findings notes;
    struct findings exceptions;               /* findings.h */
    struct rendering rendering;               /* empty for direct */
    unsigned long generation;                 /* 0 for direct */
    struct change_step between[CHANGE_STEPS]; /* on the way */
    size_t between_count;
    char *after; /* main.cf to be */
    size_t after_len;
};

/* What is asked for. */
struct change_request {
    struct route route;
    bool release; /* to direct, but only where there is drift */
    bool preview; /* for a plan: all that speaks against it is gathered in refusals, and the change
                     is worked out all the same where that is possible, else AFTER is NULL */
};

/* Fills CHANGE, which change_free ends in every case. WORKSPACE is for stage.h. WHY holds the
 * reason of a refusal or failure. */
enum change_kind change_prepare(const struct config *config, const struct change_request *request,
                                const char *workspace, struct change *change, struct why *why);
void change_free(struct change *change);

/* The map type that generations are built with. */
const char *change_map_type(const struct change *change);

/* The parameters that CHANGE touches, with their values before and after (NULL where main.cf does
 * not set them), for each in turn. */
typedef void change_visit(void *context, const char *name, const char *before, const char *after);
int change_each(const struct config *config, const struct change *change, change_visit *visit,
                void *context, struct why *why);

#endif
