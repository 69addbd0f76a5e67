/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue is read message by message, whatever stands in it and however it is cut into pieces. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/queue/queue_reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD(ID, SENDER)                                                                      \
    "{\"queue_name\": \"deferred\", \"queue_id\": \"" ID "\", \"arrival_time\": 1700000000, " \
    "\"message_size\": 321, \"forced_expire\": false, \"sender\": \"" SENDER "\", "           \
    "\"recipients\": ["
#define WHY "{\"address\": \"b@example.net\", \"delay_reason\": \"timed out\"}"

/* What was visited, a line a message. */
struct seen {
    char text[4096];
    size_t count, enough;
};

static bool note(void *context, const struct queue_message *m)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text), left = sizeof seen->text - used;

    if (seen->count < 8) {
        snprintf(seen->text + used, left, "%s %s <%s> %lld %lld %s%zu", m->queue, m->id, m->sender,
                 (long long)m->arrival, (long long)m->size, m->recipients_known ? "" : "?",
                 m->recipient_count);
        for (size_t i = 0; i < m->recipient_count && i < 8; i++) {
            used = strlen(seen->text);
            snprintf(seen->text + used, sizeof seen->text - used, " %s=%s",
                     m->recipients[i].address,
                     m->recipients[i].delay_reason ? m->recipients[i].delay_reason : "-");
        }
        used = strlen(seen->text);
        snprintf(seen->text + used, sizeof seen->text - used, "\n");
    }
    return ++seen->count != seen->enough;
}

/* Fed in pieces of PIECE bytes; how many lines could not be read. */
static size_t read_all(const char *text, size_t len, size_t piece, struct seen *seen)
{
    struct queue_reader *r = queue_reader_new("MAILER-DAEMON", note, seen);
    bool going = true;

    for (size_t at = 0; going && at < len; at += piece)
        going = queue_reader_feed(r, text + at, len - at < piece ? len - at : piece);
    size_t unreadable = queue_reader_unreadable(r);
    queue_reader_free(r);
    return unreadable;
}

static void assert_read(const char *text, const char *expected, size_t unreadable)
{
    for (size_t piece = 1; piece < 70; piece += 4) {
        struct seen seen = { 0 };
        assert_int_equal(read_all(text, strlen(text), piece, &seen), unreadable);
        assert_string_equal(seen.text, expected);
    }
}

static void messages(void **state)
{
    (void)state;
    assert_read("", "", 0);
    assert_read(HEAD("4XyZ_1z", "a@example.com") WHY
                ", {\"address\": \"c@example.net\"}]}\n" HEAD("ABC", "MAILER-DAEMON") "]}\n",
                "deferred 4XyZ_1z <a@example.com> 1700000000 321 2 b@example.net=timed out "
                "c@example.net=-\n"
                "deferred ABC <> 1700000000 321 0\n",
                0);
    /* Postfix 3.1 has no forced_expire, later versions may have more. */
    assert_read("{\"queue_name\": \"active\", \"queue_id\": \"A\", \"arrival_time\": 1, "
                "\"message_size\": 2, \"sender\": \"x\", \"news\": [{}], \"recipients\": []}\n",
                "active A <x> 1 2 0\n", 0);
}

static void any_text(void **state)
{
    (void)state;
    assert_read(HEAD("A", "\\\"recipients\\\": [@\\u0001\\u00e9\xc3\xa9") "{\"address\": \"\\\\\", "
                                                                          "\"delay_reason\": \"}], "
                                                                          "{\\\"queue_id\\\": "
                                                                          "\\\"B\\\"\\n\"}]}\n",
                "deferred A <\"recipients\": [@\x01\xc3\xa9\xc3\xa9> 1700000000 321 1 "
                "\\=}], {\"queue_id\": \"B\"\n\n",
                0);
    /* Not UTF-8. */
    assert_read(HEAD("A", "\xff\xfe@x") "]}\n", "deferred A <\?\?@x> 1700000000 321 0\n", 0);
}

static void what_is_no_message(void **state)
{
    (void)state;
    assert_read("postqueue: fatal: malformed showq server response\n", "", 1);
    assert_read("\n[]\n{}\nnull\n7\n", "", 5);
    assert_read(HEAD("../../x", "a") "]}\n" HEAD("-f", "a") "]}\n" HEAD("", "a") "]}\n", "", 3);
    assert_read("{\"queue_name\": 1, \"queue_id\": [\"A\"]}\n", "", 1);
    /* Fields of another kind than expected are empty ones. */
    assert_read("{\"queue_name\": \"hold\", \"queue_id\": \"A\", \"arrival_time\": \"1\", "
                "\"sender\": 1, \"recipients\": [1, {}, []]}\n",
                "hold A <> 0 0 3 =- =- =-\n", 0);
    /* The last line was cut off. */
    assert_read(HEAD("A", "a") "]}\n" HEAD("B", "a") "]}", "deferred A <a> 1700000000 321 0\n", 1);
}

static void a_line_too_long(void **state)
{
    struct seen seen = { 0 };
    size_t many = 3 * QUEUE_LINE_MAX / strlen(WHY);
    char *text = memory_zero(1, 5 * QUEUE_LINE_MAX), *p = text;

    (void)state;
    p = stpcpy(p, HEAD("A", "a"));
    for (size_t i = 0; i < many; i++)
        p = stpcpy(stpcpy(p, i == 0 ? "" : ", "), WHY);
    p = stpcpy(p, "]}\n" HEAD("B", "b") "]}\n");
    /* And one that holds nothing else. */
    memset(p, 'x', QUEUE_LINE_MAX);
    p += QUEUE_LINE_MAX;
    p = stpcpy(p, "\n" HEAD("C", "c") "]}\n");
    assert_int_equal(read_all(text, (size_t)(p - text), 4096, &seen), 1);
    assert_string_equal(seen.text, "deferred A <a> 1700000000 321 ?0\n"
                                   "deferred B <b> 1700000000 321 0\n"
                                   "deferred C <c> 1700000000 321 0\n");
    free(text);
}

static void enough(void **state)
{
    const char *text = HEAD("A", "a") "]}\n" HEAD("B", "b") "]}\n" HEAD("C", "c") "]}\n";
    struct seen seen = { .enough = 2 };

    (void)state;
    assert_int_equal(read_all(text, strlen(text), 4096, &seen), 0);
    assert_int_equal(seen.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(any_text),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(a_line_too_long),
        cmocka_unit_test(enough),
    };

    return cmocka_run_group_tests_name("queue_reader", tests, NULL, NULL);
}
