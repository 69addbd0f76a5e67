/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second flush. When port 25 is dropped in silence, smtp(8) processes hang in connect() for up
 * to 30 s an address; the first flush after a switch passes over the messages that they hold. So
 * watch the half-open connections to port 25 and flush again when they have let go.
 */
#ifndef DETOURD_POSTFIX_LINGER_H
#define DETOURD_POSTFIX_LINGER_H

#include "lib/config.h"
#include "lib/route.h"

/* Postfix's half-open connections to port 25 in this network namespace (/proc/net/tcp and tcp6):
 * those of its mail_owner. Others have some too, detourd's probes among them. */
unsigned linger_count(const struct config *config);

/* Returns when none is left and the queue was flushed, when ROUTE is no longer the one in force, or
 * after 300 s. */
void linger(const struct config *config, const struct route *route);

#endif
