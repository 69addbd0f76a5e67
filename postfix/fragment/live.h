/* SPDX-License-Identifier: BSD-2-Clause */
/* What main.cf and master.cf say now, for comparing it with fragments. */
#ifndef DETOURD_POSTFIX_LIVE_H
#define DETOURD_POSTFIX_LIVE_H

#include "lib/config.h"
#include "postfix/base/findings.h"
#include "postfix/base/why.h"
#include "postfix/fragment/fragment.h"
#include "postfix/fragment/shelf.h"
#include "postfix/host/reading.h"
#include <stdint.h>

struct live {
    struct reading main_cf;
    char *services; /* "postconf -M", blanks squeezed */
};

/* 0, or -1 with a reason. live_free ends OUT either way. */
int live_read(const struct config *config, struct live *out, struct why *why);

/* An entry of master.cf as it stands in SERVICES; the caller frees it. */
char *live_one_line(const char *entry);
void live_free(struct live *live);

/* The value or entry that is there; NULL where there is none. The caller frees it. */
char *live_value(const struct live *live, const struct fragment_item *item);

/* Whether the running Postfix has taken up main.cf, and master.cf, since they were changed: 1, 0,
 * or -1 with a reason. One that is stopped reads them when it starts: 1. */
int live_is_taken_up(const struct config *config, struct why *why);

/* When the younger of the two became what it is, as clock_mono_ms() counts: 0, or -1 with a reason.
 */
int live_changed_at(const struct config *config, int64_t *at, struct why *why);

enum standing_state {
    STANDING_NONE,     /* there is no fragment */
    STANDING_WAITING,  /* nothing of it is applied, */
    STANDING_PARTLY,   /* or not all of it */
    STANDING_UNLOADED, /* all, but Postfix was not reloaded */
    STANDING_APPLIED
};

/* How it stands with the current fragment. */
struct standing {
    enum standing_state state;
    struct route route;      /* in force: of a fragment that is applied, or direct */
    struct findings missing; /* the names of what is not applied */
};

/* Whether it is an installation of the method transport. */
bool fragment_installs(const struct fragment *fragment);
/* Whether the map of senders is still to follow it: that leads mail to services that are there, and
 * have proved themselves (proof.h). */
bool fragment_awaits_map(const struct shelf *shelf, const struct fragment *fragment);
/* The route that a fragment brings: with the method transport, what the map says once it has
 * followed. */
struct route fragment_route(const struct config *config, const struct shelf *shelf,
                            const struct fragment *fragment);

const char *standing_name(enum standing_state state);

/* 0, or -1 with a reason; standing_free ends OUT either way. */
int standing_find(const struct config *config, const struct shelf *shelf, const struct live *live,
                  struct standing *out, struct why *why);
void standing_free(struct standing *standing);

#endif
