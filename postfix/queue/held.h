/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the bounce shield holds back: messages in the queue of which a relay has refused a
 * recipient. They leave when another way takes them, or when the relay does; at the latest the
 * first attempt after their time in the queue returns them to their senders (qmgr(8),
 * maximal_queue_lifetime and bounce_queue_lifetime).
 */
#ifndef DETOURD_POSTFIX_HELD_H
#define DETOURD_POSTFIX_HELD_H

#include "postfix/queue/queue_reader.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a message may wait, in seconds. */
struct lifetimes {
    int64_t mail;
    int64_t report; /* from the null sender */
};

/* Of the two parameters as Postfix has them: "5d", "36h"; a number alone is days. What cannot be
 * read counts as 0. */
struct lifetimes lifetimes_parse(const char *mail, const char *report);

struct held {
    struct lifetimes lifetimes;
    long count;
    int64_t oldest;  /* seconds since 1970: its arrival */
    int64_t expires; /* when the first one's time is over */
};

/* Counts MESSAGE if it is held. One that is being tried at the moment is not: postqueue(1) has no
 * reasons then. */
void held_add(struct held *held, const struct queue_message *message);

/* {"held": N, "oldest": S, "expires": S, "partial": B}: the times are null where N is 0, and
 * "partial" is true when the queue was too large to be read to its end. */
json_t *held_json(const struct held *held, bool partial);

#endif
