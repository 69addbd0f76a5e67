/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one line that crosses from detourd to detour-apply: "VERSION VERB [ARGUMENT ...]\n".
 *
 *     1 facts            what is true of this Postfix
 *     1 status           the route in force, drift
 *     1 direct           go back to the owner's own configuration
 *     1 relay NAME PORT  send everything that leaves through that relay
 *     1 release          accept what others have edited of a route, and go back to direct
 *     1 rescue           free the deliveries that hang in a block, and flush; only on a relay
 *     1 install          enter the relays' services in master.cf; by hand alone
 *     1 remove           take everything out again; by hand alone
 *     1 plan direct | 1 plan relay NAME PORT    what such a request would change
 *     1 fragment direct | 1 fragment relay NAME PORT    the same for configuration management
 *     1 applied N        configuration management has applied generation N
 *     1 reload           have Postfix take up what configuration management has written
 *
 * Tokens match [a-z0-9-]{1,64} or are a decimal port, so nothing else can get through: no path,
 * no host, no text for a file.
 */
#ifndef DETOURD_REQUEST_H
#define DETOURD_REQUEST_H

#include "lib/route.h"
#include <stddef.h>

#define REQUEST_VERSION 1
/* Longest line that is read, newline included. */
#define REQUEST_MAX 256

enum verb {
    VERB_FACTS,
    VERB_STATUS,
    VERB_DIRECT,
    VERB_RELAY,
    VERB_PLAN,
    VERB_RELEASE,
    VERB_RESCUE,
    VERB_INSTALL,
    VERB_REMOVE,
    VERB_FRAGMENT,
    VERB_APPLIED,
    VERB_RELOAD
};

struct request {
    enum verb verb;
    struct route route;       /* direct, relay, plan and fragment only */
    unsigned long generation; /* applied only */
};

/* Parses LEN bytes without the newline. 0, or -1 with *WHY a constant reason. */
int request_parse(const char *line, size_t len, struct request *out, const char **why);

/* The line, newline included; OUT holds REQUEST_MAX bytes. */
void request_format(const struct request *r, char *out);

#endif
