/* SPDX-License-Identifier: BSD-2-Clause */
/* Every message of this Postfix's queues, by "postqueue -j"; also while Postfix is stopped, since
 * root may then look for itself (postqueue(1)). It opens each queue file, so a hundred thousand
 * messages take many seconds. */
#ifndef DETOURD_POSTFIX_QUEUE_LIST_H
#define DETOURD_POSTFIX_QUEUE_LIST_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/queue/queue_reader.h"

/* For whoever has time: the whole of a very large queue. */
#define QUEUE_LIST_PATIENCE_MS 600000

/* Visits the messages, queue by queue in the order of their files. 0 when it was all of them, or as
 * many as VISIT wanted; 1 when only a part could be read, with the reason (LIMIT_MS are over, a
 * line is no message); -1 with a reason when nothing could be. */
int queue_list(const struct config *config, int limit_ms, queue_visit *visit, void *context,
               struct why *why);

#endif
