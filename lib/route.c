/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/route.h"

#include <stdio.h>
#include <string.h>

struct route route_direct(void)
{
    return (struct route){ .name = "direct", .port = 0 };
}

struct route route_relay(const char *name, uint16_t port)
{
    struct route r = { .port = port };

    snprintf(r.name, sizeof r.name, "%s", name);
    return r;
}

bool route_is_direct(const struct route *r)
{
    return strcmp(r->name, "direct") == 0;
}

bool route_is_of(const struct route *r, const char *name)
{
    return strcmp(r->name, name) == 0;
}

bool route_equal(const struct route *a, const struct route *b)
{
    return strcmp(a->name, b->name) == 0 && a->port == b->port;
}

void route_text(const struct route *r, char *out)
{
    if (route_is_direct(r))
        snprintf(out, ROUTE_TEXT, "direct");
    else
        snprintf(out, ROUTE_TEXT, "%s:%u", r->name, r->port);
}
