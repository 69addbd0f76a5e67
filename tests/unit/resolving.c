/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/resolving.h"

#include "tests/unit/loop.h"

static struct event_base *own_base;
static struct fake_dns *own_server;
static struct dns *own_dns;

int resolving_begin(const char *zone, struct event_base **base, struct fake_dns **server,
                    struct dns **dns)
{
    *base = own_base = loop_new();
    *server = own_server = fake_dns_new(own_base, zone);
    *dns = own_dns = dns_new_with_servers(own_base, fake_dns_at(own_server));
    return own_dns != NULL ? 0 : -1;
}

int resolving_end(void **state)
{
    (void)state;
    dns_free(own_dns);
    fake_dns_free(own_server);
    loop_free(own_base);
    return 0;
}
