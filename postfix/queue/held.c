/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/held.h"

#include "postfix/method/shield.h"
#include <stdlib.h>
#include <string.h>

static int64_t seconds(const char *value)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {
        { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 }, { 'w', 7 * 24 * 3600 }
    };
    char *end;
    long n = strtol(value, &end, 10);

    /* Postfix's own limit is an int of seconds. */
    if (n < 0 || n > INT32_MAX)
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (*end == units[i].unit)
            return n * units[i].seconds;
    return n * 24 * 3600;
}

/* qmgr(8) takes the shorter one for reports. */
struct lifetimes lifetimes_parse(const char *mail, const char *report)
{
    struct lifetimes l = { .mail = seconds(mail), .report = seconds(report) };

    if (l.report > l.mail)
        l.report = l.mail;
    return l;
}

static bool is_held(const struct queue_message *message)
{
    for (size_t i = 0; i < message->recipient_count; i++) {
        const char *reason = message->recipients[i].delay_reason;
        if (reason != NULL && shield_kept(reason))
            return true;
    }
    return false;
}

void held_add(struct held *held, const struct queue_message *message)
{
    bool is_report = message->sender[0] == '\0';

    if (!is_held(message))
        return;
    int64_t expires =
        message->arrival + (is_report ? held->lifetimes.report : held->lifetimes.mail);
    if (held->count == 0 || message->arrival < held->oldest)
        held->oldest = message->arrival;
    if (held->count == 0 || expires < held->expires)
        held->expires = expires;
    held->count++;
}

json_t *held_json(const struct held *held, bool partial)
{
    json_t *members = json_pack("{s:I, s:n, s:n, s:b}", "held", (json_int_t)held->count, "oldest",
                                "expires", "partial", (int)partial);

    if (held->count > 0) {
        json_object_set_new(members, "oldest", json_integer(held->oldest));
        json_object_set_new(members, "expires", json_integer(held->expires));
    }
    return members;
}
