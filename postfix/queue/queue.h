/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue by its files: quick, since none is opened, also where asking Postfix for a large queue
 * takes long and reads every one of them. */
#ifndef DETOURD_POSTFIX_QUEUE_H
#define DETOURD_POSTFIX_QUEUE_H

#include <stdbool.h>

/* Counting and walking stop here. */
#define QUEUE_MAX 1000000L

/* The messages in incoming, active, deferred, hold and maildrop below QUEUE_DIRECTORY, QUEUE_MAX at
 * most; -1 when that is no queue directory. */
long queue_count(const char *queue_directory);

/* A file of a queue: ID is its name, DIRECTORY is open where it lies, and BELOW is that place in
 * the queue, "" or such as "A/" (hash_queue_names). False ends the walk. */
typedef bool queue_file(void *context, int directory, const char *below, const char *id);

/* Visits the files of QUEUE ("deferred"). What is moved there or away meanwhile may be missed. 0,
 * or -1 with errno when there is no such queue. */
int queue_walk(const char *queue_directory, const char *queue, queue_file *visit, void *context);

#endif
