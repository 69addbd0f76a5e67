/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop, a resolver with a zone, and a DNS that asks it: what tests of names begin with. */
#ifndef DETOURD_TEST_RESOLVING_H
#define DETOURD_TEST_RESOLVING_H

#include "daemon/probe/dns.h"
#include "tests/unit/fake_dns.h"
#include <event2/event.h>

/* ZONE as for fake_dns_new. For cmocka's set-up; 0 or -1. */
int resolving_begin(const char *zone, struct event_base **base, struct fake_dns **server,
                    struct dns **dns);
/* Ends the last one. For cmocka. */
int resolving_end(void **state);

#endif
