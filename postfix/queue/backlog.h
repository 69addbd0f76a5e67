/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backlog leaves by a relay, oldest first, at the relay's pace (pace.h): by "postqueue -i", which
 * moves a message from deferred to incoming and clears the mark of a dead destination for it.
 *
 * Nothing depends on it: a message that is not released yet waits for its own next attempt, so
 * whoever ends this at any instant loses nothing but the pace. The latest release is the one that
 * counts; an earlier one that still goes on finds that out and ends.
 *
 * Messages older than maximal_queue_lifetime are released only while the relay takes what it is
 * given, since qmgr(8) returns them to their senders at the next 4xx reply.
 */
#ifndef DETOURD_POSTFIX_BACKLOG_H
#define DETOURD_POSTFIX_BACKLOG_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/base/why.h"
#include "postfix/queue/put_off.h"
#include <stddef.h>

struct backlog;

/* Before the reload that puts a relay in force: what is in Postfix's hands is put off, until
 * put_off_end(). NULL when there is little, or the queue is not to be found. */
struct put_off *backlog_hold(const struct config *config, struct why *why);

/* Flushes the queue for ROUTE. Direct, or a queue that the relay takes in a few seconds: all of it
 * at once. Else the first portion, and *BACKLOG is the rest (NULL: none). DETAIL, of WHY_MAX bytes,
 * says what was done. 0, or -1 with a reason. */
int backlog_flush(const struct config *config, const struct route *route, struct backlog **backlog,
                  char *detail, struct why *why);

/* Looks what became of what was released and releases more; the time until the next look in
 * milliseconds, or -1 when it is over: nothing is left, Postfix was stopped, the relay has taken
 * nothing for an hour, or a later release has begun. */
int backlog_look(struct backlog *backlog);

/* Also what has come to wait since it began, such as deliveries that hung. */
void backlog_renew(struct backlog *backlog);

/* How many are still to be released. */
size_t backlog_left(const struct backlog *backlog);

/* NULL is allowed. */
void backlog_free(struct backlog *backlog);

#endif
