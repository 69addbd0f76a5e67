/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where no target has an address, a dead DNS must be told from a dead network. On a network that is
 * up, the resolvers' hosts or two of the root name servers answer a TCP connection, if only with a
 * refusal; all are known without a look-up.
 */
#ifndef DETOURD_LITERALS_H
#define DETOURD_LITERALS_H

#include "daemon/probe/dns.h"
#include "daemon/probe/probe.h"
#include "lib/address.h"
#include <event2/event.h>
#include <stdbool.h>

/* TRIED: somebody off-link could be asked. */
typedef void literals_done(bool tried, bool answered, void *context);

struct literals;

/* The callback comes once, always from the loop. Never NULL. */
struct literals *literals_start(struct event_base *base, struct dns *dns, enum family family,
                                const struct probe_settings *settings, literals_done *callback,
                                void *context);

/* Ends it without its callback. NULL is allowed; so is the call inside the callback. */
void literals_stop(struct literals *literals);

#endif
