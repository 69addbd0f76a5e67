/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts and routes in an answer. */
#ifndef DETOURD_POSTFIX_JSON_TEXT_H
#define DETOURD_POSTFIX_JSON_TEXT_H

#include "lib/route.h"
#include <jansson.h>
#include <stddef.h>

/* {"name": "ses", "port": 587} or {"name": "direct"}. */
json_t *route_json(const struct route *route);
/* json_string() takes UTF-8 alone, but a main.cf may hold any bytes: those become "?". */
json_t *text_json(const char *text);
json_t *texts_json(char *const texts[], size_t count);

#endif
