/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/scope.h"

#include "lib/memory.h"
#include "lib/relay.h"
#include "postfix/host/view.h"
#include <string.h>

char *scope_delimiters(const struct config *config, const struct relay *relay, struct why *why)
{
    if (relay == NULL || relay->sender_count == 0)
        return memory_copy("");
    return view_one(config->postfix.config_directory, "recipient_delimiter", why);
}

void outside_add(struct outside *outside, const struct queue_message *message)
{
    if (strcmp(message->queue, "hold") == 0 ||
        relay_takes(outside->relay, message->sender, outside->delimiters))
        return;
    if (outside->count == 0 || message->arrival < outside->oldest)
        outside->oldest = message->arrival;
    outside->count++;
}

json_t *outside_json(const struct outside *outside, bool partial)
{
    return json_pack("{s:I, s:o, s:b}", "waiting", (json_int_t)outside->count, "oldest",
                     outside->count == 0 ? json_null() : json_integer(outside->oldest), "partial",
                     (int)partial);
}
