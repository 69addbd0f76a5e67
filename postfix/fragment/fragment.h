/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What configuration management applies in the place of detour-apply: the parameters of main.cf and
 * the services of master.cf that a route sets, and what goes on the way. Whatever the method.
 *
 * A fragment says what every item is to be, what it takes the place of, and what it was before any
 * route of ours, so that the next fragment knows what to give back: main.cf itself does not tell,
 * once it has been written over.
 */
#ifndef DETOURD_POSTFIX_FRAGMENT_H
#define DETOURD_POSTFIX_FRAGMENT_H

#include "lib/route.h"
#include "postfix/base/why.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All strings are the item's own, each of one line. */
struct fragment_item {
    bool is_service; /* of master.cf, otherwise a parameter of main.cf */
    char *name;      /* "relayhost", or "detour-ses/unix" */
    char *value;     /* as "postconf -n" has it, or the entry; NULL: it is to be taken out */
    char *before;    /* what it takes the place of, when it was written; NULL: not set */
    char *owner;     /* without any route of ours; NULL: not set */
    char **stale;    /* what earlier fragments have set, and must not stay */
    size_t stale_count;
    bool restores; /* the value is the owner's: given back only where a stale one stands */
    bool leads;    /* it sends mail to the relay: first to go, last to come */
};

struct fragment {
    unsigned long generation;
    struct route route;
    char *method;           /* "relayhost" */
    char *config_directory; /* of Postfix */
    char *maps;             /* the directory that the values refer to; NULL where they need none */
    char *program;          /* detour-apply, */
    char *configuration;    /* and its configuration file */
    int64_t written;        /* wall clock */
    struct fragment_item *item;
    size_t count;
};

/* An item with copies of the strings, to be filled in further; valid until the next one. */
struct fragment_item *fragment_add(struct fragment *fragment, const char *name, const char *value,
                                   const char *before, const char *owner);
/* Takes the last item out again. */
void fragment_drop(struct fragment *fragment);
/* Unless it is there, or is the item's value. */
void fragment_item_add_stale(struct fragment_item *item, const char *value);
bool fragment_item_is_stale(const struct fragment_item *item, const char *value);

/* The item of that name, or NULL. */
const struct fragment_item *fragment_parameter(const struct fragment *fragment, const char *name);
const struct fragment_item *fragment_service(const struct fragment *fragment, const char *name);

bool fragment_has_services(const struct fragment *fragment);

/* Whether configuration management has done with ITEM what it should, where VALUE is in force
 * (NULL: it is not set). */
bool fragment_item_is_applied(const struct fragment_item *item, const char *value);

/* "name = value", as "postconf -n" prints it; the caller frees it. */
char *fragment_line(const char *name, const char *value);

/* What is written down; a new reference. */
json_t *fragment_json(const struct fragment *fragment);
/* NULL with a reason where it is not what fragment_json makes. */
struct fragment *fragment_parse(const char *text, size_t len, struct why *why);

/* NULL is allowed. */
void fragment_free(struct fragment *fragment);

#endif
