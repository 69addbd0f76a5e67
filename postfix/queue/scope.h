/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sender scope of the relay in force (lib/relay.h) and the queue: what is outside goes on as
 * before, and waits while port 25 is closed.
 */
#ifndef DETOURD_POSTFIX_SCOPE_H
#define DETOURD_POSTFIX_SCOPE_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/queue/queue_reader.h"
#include <jansson.h>
#include <stdint.h>

/* For relay_takes(): the recipient_delimiter, asked only where RELAY (NULL: any mail) names
 * senders. The caller frees it. NULL with a reason. */
char *scope_delimiters(const struct config *config, const struct relay *relay, struct why *why);

struct outside {
    const struct relay *relay;
    const char *delimiters;
    long count;
    int64_t oldest; /* seconds since 1970: its arrival */
};

/* Counts MESSAGE if the relay does not take its sender. What is on hold waits for its postmaster
 * alone. */
void outside_add(struct outside *outside, const struct queue_message *message);

/* {"waiting": N, "oldest": S, "partial": B}; "oldest" is null where N is 0. */
json_t *outside_json(const struct outside *outside, bool partial);

#endif
