/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left to be done when a change has been answered.
 *
 * The second flush, for deliveries that the rescue (rescue.h) may not or could not free. When port
 * 25 is dropped in silence, smtp(8) processes hang in connect() for up to 30 s an address; the
 * first flush after a switch passes over the messages that they hold. Each ends with its delivery,
 * since its queue manager is gone: so wait for their ends and flush again.
 *
 * And a backlog, which leaves at the relay's pace (backlog.h): that may take hours.
 */
#ifndef DETOURD_POSTFIX_LINGER_H
#define DETOURD_POSTFIX_LINGER_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/queue/rest.h"

/* Returns when all hung processes have ended, or 300 s are over, and the queue was flushed; and the
 * backlog has left, or does not go on to. At once when ROUTE is no longer the one in force. */
void linger(const struct config *config, const struct route *route, struct rest *rest);

#endif
