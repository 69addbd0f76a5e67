/* SPDX-License-Identifier: BSD-2-Clause */
/* A route: "direct", or a relay of the configuration's and one of its ports. */
#ifndef DETOURD_ROUTE_H
#define DETOURD_ROUTE_H

#include "lib/endpoint.h"
#include <stdbool.h>
#include <stdint.h>

struct route {
    char name[TOKEN_MAX + 1]; /* "direct" or a relay's name */
    uint16_t port;            /* 0 for direct */
};

#define ROUTE_TEXT (TOKEN_MAX + 8)

struct route route_direct(void);
/* NAME must be a valid token. */
struct route route_relay(const char *name, uint16_t port);
bool route_is_direct(const struct route *r);
/* Whether R leads to the relay NAME, by whatever port. */
bool route_is_of(const struct route *r, const char *name);
bool route_equal(const struct route *a, const struct route *b);
/* "direct" or "ses:587"; OUT holds ROUTE_TEXT bytes. */
void route_text(const struct route *r, char *out);

#endif
