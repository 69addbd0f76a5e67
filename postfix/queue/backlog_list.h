/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits for a relay: the deferred messages whose sender it takes, oldest first. */
#ifndef DETOURD_POSTFIX_BACKLOG_LIST_H
#define DETOURD_POSTFIX_BACKLOG_LIST_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More are left for later. */
#define BACKLOG_MAX 200000

struct waiting {
    char *id;
    int64_t arrival; /* seconds since 1970 */
    unsigned tries;  /* how often it was released */
};

/* Taken from the front, added at the end. All zero is an empty list; ended by waiting_list_free. */
struct waiting_list {
    struct waiting *item;
    size_t first, last, room;
};

size_t waiting_list_count(const struct waiting_list *list);
/* The id becomes the list's. */
void waiting_list_add(struct waiting_list *list, const struct waiting *waiting);
/* The oldest; its id is the caller's. The list must not be empty. */
struct waiting waiting_list_take(struct waiting_list *list);
void waiting_list_free(struct waiting_list *list);

/* How long Postfix tries, in seconds: maximal_queue_lifetime, and bounce_queue_lifetime for the
 * null sender. */
struct lifetimes {
    int64_t mail, bounce;
};

/* 0, or -1 with a reason. */
int lifetimes_read(const struct config *config, struct lifetimes *lifetimes, struct why *why);

/* The seconds of a time value of Postfix's such as "5d", of which the unit is a day unless it says
 * otherwise; -1 when it is none. */
int64_t lifetime_parse(const char *text);

struct backlog_list {
    struct waiting_list young;
    struct waiting_list aged; /* the next attempt is the last one: a 4xx reply then bounces them */
    bool partial;             /* there are more */
};

/* Those that arrived up to BEFORE and whose sender RELAY (NULL: any) takes: 0, or -1 with a reason.
 * backlog_list_free ends LIST either way. */
int backlog_list_read(const struct config *config, const struct relay *relay,
                      const struct lifetimes *lifetimes, int64_t before, struct backlog_list *list,
                      struct why *why);
void backlog_list_free(struct backlog_list *list);

#endif
