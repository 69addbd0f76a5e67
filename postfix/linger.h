/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second flush, for deliveries that the rescue (rescue.h) may not or could not free. When port
 * 25 is dropped in silence, smtp(8) processes hang in connect() for up to 30 s an address; the
 * first flush after a switch passes over the messages that they hold. Each ends with its delivery,
 * since its queue manager is gone: so wait for their ends and flush again.
 */
#ifndef DETOURD_POSTFIX_LINGER_H
#define DETOURD_POSTFIX_LINGER_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/processes.h"

/* Returns when all processes of HUNG have ended and the queue was flushed, when ROUTE is no longer
 * the one in force, or after 300 s. */
void linger(const struct config *config, const struct route *route, const struct processes *hung);

#endif
