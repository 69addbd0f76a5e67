/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping a backlog out of Postfix's hands until its turn comes.
 *
 * A reload puts it all in front of fresh mail: the new qmgr(8) takes up again what was active,
 * which in a block may be thousands of messages, and what is deferred and due. But what it finds
 * locked it takes for a delivery that goes on, and puts it off (qmgr_active.c: "the file is locked,
 * defer delivery by a minimal amount of time"). So their queue files are locked, as smtp(8) locks
 * them (shared: deliveries go on), until it has seen them all. And a file whose time stamp lies
 * ahead is not due: that is how qmgr(8) itself lets messages wait (qmgr(8), deferred queue), so it
 * is set again from time to time until the message's turn has come.
 *
 * Both end by themselves when this program is killed: the locks at once, the time stamps after
 * PUT_OFF_S, and the messages then leave with Postfix's own retries.
 */
#ifndef DETOURD_POSTFIX_PUT_OFF_H
#define DETOURD_POSTFIX_PUT_OFF_H

#include <stdbool.h>

/* As long as minimal_backoff_time is by default. */
#define PUT_OFF_S 300

/* Fewer are in nobody's way. */
#define PUT_OFF_LEAST 30

struct put_off;

/* Before a reload. NULL when there is nothing to put off. */
struct put_off *put_off_begin(const char *queue_directory);

/* After it: where RELOADED, waits until qmgr(8) has seen them, for 20 s at most; and lets go. NULL
 * is allowed. */
void put_off_end(struct put_off *put_off, bool reloaded);

/* Puts off, of what is deferred or put off already, each message that WANTED wants and that would
 * be due within half of PUT_OFF_S. */
void put_off_again(const char *queue_directory, bool (*wanted)(void *context, const char *id),
                   void *context);

#endif
