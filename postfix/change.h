/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request would change, worked out without changing anything: main.cf is read, Postfix is
 * asked, refusals are looked for, and the new main.cf and its maps are rendered in memory. A switch
 * from one relay to another starts from the owner's main.cf, never from the first relay's.
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
    CHANGE_NONE,   /* the route is in force already, with just this content */
    CHANGE_REFUSED,
    CHANGE_FAILED
};

struct change {
    struct route route;
    struct main_cf_now now;
    char *original; /* the owner's main.cf */
    size_t original_len;
    struct view *view; /* of the owner's configuration */
    struct findings notes;
    struct rendering rendering; /* empty for direct */
    unsigned long generation;   /* 0 for direct */
    char *after;                /* main.cf to be */
    size_t after_len;
};

/* Fills CHANGE, which change_free ends in every case. WHY holds the reason of a refusal or failure. */
enum change_kind change_prepare(const struct config *config, const struct route *route,
                                struct change *change, struct why *why);
void change_free(struct change *change);

/* The map type that generations are built with. */
const char *change_map_type(const struct change *change);

/* The parameters that CHANGE touches, with their values before and after (NULL where main.cf does
 * not set them), for each in turn. */
typedef void change_visit(void *context, const char *name, const char *before, const char *after);
int change_each(const struct config *config, const struct change *change, change_visit *visit,
                void *context, struct why *why);

#endif
