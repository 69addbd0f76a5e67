/* SPDX-License-Identifier: BSD-2-Clause */
/* How many messages wait: counted by their files, since asking Postfix for a large queue takes long
 * and reads every one of them. */
#ifndef DETOURD_POSTFIX_QUEUE_H
#define DETOURD_POSTFIX_QUEUE_H

/* Counting stops here. */
#define QUEUE_MAX 1000000L

/* The messages in incoming, active, deferred, hold and maildrop below QUEUE_DIRECTORY, QUEUE_MAX at
 * most; -1 when that is no queue directory. */
long queue_count(const char *queue_directory);

#endif
