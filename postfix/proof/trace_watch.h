/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the logs below $queue_directory/trace before trace(8) removes them.
 *
 * A log is there from when a delivery agent reports a recipient until trace(8) has sent its report,
 * some milliseconds later. So a log is opened as soon as inotify(7) tells that it was made; an open
 * descriptor outlives the name. The directory may be hashed (postconf(5) hash_queue_names).
 */
#ifndef DETOURD_POSTFIX_TRACE_WATCH_H
#define DETOURD_POSTFIX_TRACE_WATCH_H

#include "postfix/base/why.h"
#include "postfix/queue/queue_file.h"
#include <stddef.h>

struct trace_watch;

/* A log as it was written just now. HEAD is its message's; NULL where that could not be read any
 * more. Called again when more is written. */
typedef void (*trace_seen)(void *context, const char *text, size_t len,
                           const struct queue_file *head);

/* NULL with a reason. QUEUE_DIRECTORY must outlive the watch. */
struct trace_watch *trace_watch_begin(const char *queue_directory, struct why *why);

/* Readable when there is something to take. */
int trace_watch_fd(const struct trace_watch *watch);

/* Hands on what has been written since, without waiting. */
void trace_watch_take(struct trace_watch *watch, trace_seen seen, void *context);

/* How many logs were, or may have been, gone before they could be opened. */
unsigned trace_watch_missed(const struct trace_watch *watch);

/* NULL is allowed. */
void trace_watch_free(struct trace_watch *watch);

#endif
