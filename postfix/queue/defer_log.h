/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a message was deferred: the file that defer(8) keeps for it in the queue "defer", where
 * showq(8) has its reasons from (Postfix's bounce_append_service.c: "reason=..." is the last line
 * of each recipient). For the few messages of a large queue of which the reason matters;
 * postqueue(1) would open them all.
 */
#ifndef DETOURD_POSTFIX_DEFER_LOG_H
#define DETOURD_POSTFIX_DEFER_LOG_H

#include <stdbool.h>

/* Bytes of a reason that are looked at. */
#define DEFER_REASON_MAX 1024

/* The reason of the last recipient that was deferred into OUT, which holds DEFER_REASON_MAX bytes;
 * false when there is none to be read. BELOW is as queue_walk() says it. */
bool defer_reason(const char *queue_directory, const char *below, const char *id, char *out);

/* Whether the relay HOST as such is the reason, so that it would have been the same for any other
 * message: a 4xx reply that is no verdict on the mailbox of a recipient (RFC 3463: X.1.X, X.2.X),
 * or a session that did not come about. Of several addresses the reason names the last one that was
 * tried, which may have failed otherwise than the one that said 421. */
bool defer_is_relays(const char *reason, const char *host);

#endif
