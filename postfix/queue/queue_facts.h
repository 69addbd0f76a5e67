/* SPDX-License-Identifier: BSD-2-Clause */
/* What of the queue waits for another reason than its next attempt: one reading for all of it. */
#ifndef DETOURD_POSTFIX_QUEUE_FACTS_H
#define DETOURD_POSTFIX_QUEUE_FACTS_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/queue/held.h"
#include <jansson.h>
#include <stdbool.h>

struct queue_question {
    const struct route *route; /* in force */
    bool by_transport;         /* by that method, so that the relay's scope counts */
    long queued;               /* messages in the queue */
    const struct lifetimes *lifetimes;
};

/* Sets the members "shield" (held.h) and "outside" (scope.h). Each is null where nobody has to
 * know, and {"held": null, "reason": "..."} or {"waiting": null, "reason": "..."} where the queue
 * cannot be read. Takes no longer than a second or so. */
void queue_facts(const struct config *config, const struct queue_question *question,
                 json_t *members);

#endif
