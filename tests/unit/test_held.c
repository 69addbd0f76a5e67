/* SPDX-License-Identifier: BSD-2-Clause */
/* Which messages of a queue the shield holds back, and until when; which are outside a scope. */
#include "tests/unit/unit.h"

#include "lib/config.h"
#include "postfix/queue/held.h"
#include "postfix/queue/scope.h"

#define DAY  (24 * 3600)
#define SAID "host relay.example[198.18.0.25] said: 554 x (in reply to DATA command)"
#define KEPT SAID "; kept by detourd"

static struct queue_message message(const char *sender, int64_t arrival,
                                    const struct queue_recipient *recipients, size_t count)
{
    return (struct queue_message){ .queue = "deferred",
                                   .id = "1",
                                   .sender = sender,
                                   .arrival = arrival,
                                   .recipients = recipients,
                                   .recipient_count = count,
                                   .recipients_known = true };
}

static void times_as_postfix_has_them(void **state)
{
    static const struct {
        const char *value;
        int64_t seconds;
    } cases[] = { { "5d", 5 * DAY }, { "5", 5 * DAY },  { "36h", 36 * 3600 }, { "90m", 5400 },
                  { "30s", 30 },     { "1w", 7 * DAY }, { "0", 0 },           { "", 0 },
                  { "-1d", 0 },      { "x", 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(lifetimes_parse(cases[i].value, "100d").mail, cases[i].seconds);
    assert_int_equal(lifetimes_parse("5d", "1d").report, DAY);
    assert_int_equal(lifetimes_parse("1d", "5d").report, DAY);
}

static void what_is_held(void **state)
{
    static const struct queue_recipient refused[] = { { "a@x.example", "other" },
                                                      { "b@x.example", KEPT } };
    static const struct queue_recipient waiting[] = { { "a@x.example", SAID },
                                                      { "b@x.example", NULL } };
    struct held held = { .lifetimes = { .mail = 5 * DAY, .report = DAY } };
    const struct queue_message messages[] = {
        message("a@b.example", 1000, waiting, 2),
        message("a@b.example", 3000, refused, 2),
        message("a@b.example", 2000, refused, 2),
        message("", 2500, refused, 2),
        message("", 1, NULL, 0),
    };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        held_add(&held, &messages[i]);
    assert_int_equal(held.count, 1);
    assert_int_equal(held.oldest, 3000);
    assert_int_equal(held.expires, 3000 + 5 * DAY);
    for (size_t i = 2; i < sizeof messages / sizeof messages[0]; i++)
        held_add(&held, &messages[i]);
    assert_int_equal(held.count, 3);
    assert_int_equal(held.oldest, 2000);
    /* The report came later, and goes first. */
    assert_int_equal(held.expires, 2500 + DAY);
}

static void what_is_outside_a_scope(void **state)
{
    static char domain[] = "@example.com", boss[] = "boss@example.org";
    static char *senders[] = { domain, boss };
    const struct relay relay = { .senders = senders, .sender_count = 2 };
    struct outside outside = { .relay = &relay, .delimiters = "+" };
    struct queue_message held = message("a@b.example", 1, NULL, 0);
    const struct queue_message messages[] = {
        message("a@example.com", 1, NULL, 0),        message("boss+x@example.org", 2, NULL, 0),
        message("clerk@example.org", 7000, NULL, 0), message("", 6000, NULL, 0),
        message("root@b.example", 8000, NULL, 0),
    };

    (void)state;
    json_t *members = outside_json(&outside, false);
    assert_int_equal(json_integer_value(json_object_get(members, "waiting")), 0);
    assert_true(json_is_null(json_object_get(members, "oldest")));
    json_decref(members);
    held.queue = "hold";
    outside_add(&outside, &held);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        outside_add(&outside, &messages[i]);
    members = outside_json(&outside, true);
    assert_int_equal(json_integer_value(json_object_get(members, "waiting")), 3);
    assert_int_equal(json_integer_value(json_object_get(members, "oldest")), 6000);
    assert_true(json_is_true(json_object_get(members, "partial")));
    json_decref(members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_as_postfix_has_them),
        cmocka_unit_test(what_is_held),
        cmocka_unit_test(what_is_outside_a_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
