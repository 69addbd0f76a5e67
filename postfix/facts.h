/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of this Postfix, for the answers to `facts` and `status`. */
#ifndef DETOURD_POSTFIX_FACTS_H
#define DETOURD_POSTFIX_FACTS_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/why.h"
#include <jansson.h>
#include <stddef.h>

/* The path of a file in the configuration directory; the caller frees it. */
/* Whether master(8) runs: 1, 0, or -1 with a reason. */
int postfix_running(const struct config *config, const char *daemon_directory,
                    const char *queue_directory, struct why *why);

/* The members of an answer; the caller owns them. NULL with a reason. */
json_t *status_members(const struct config *config, struct why *why);
json_t *facts_members(const struct config *config, struct why *why);

/* {"name": "ses", "port": 587} or {"name": "direct"}. */
json_t *route_json(const struct route *route);
/* json_string() takes UTF-8 alone, but a main.cf may hold any bytes: those become "?". */
json_t *text_json(const char *text);
json_t *texts_json(char *const texts[], size_t count);

#endif
