/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a message was deferred, and whether that says something of the relay as such. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/queue/backlog_list.h"
#include "postfix/queue/defer_log.h"
#include "postfix/queue/queue.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "relay.example"
#define FROM "host relay.example[198.18.201.25] said: "

static void the_relay_as_such(void **state)
{
    static const char *const its[] = {
        FROM "421 4.7.0 Too much (in reply to MAIL FROM command)",
        FROM "451 4.3.0 Try again (in reply to end of DATA command)",
        FROM "454 Throttling failure: Maximum sending rate exceeded.",
        FROM "450-4.7.1 Error: too much mail 450 4.7.1 from you (in reply to RCPT TO command)",
        "host Relay.Example[198.18.201.25] refused to talk to me: 421 4.3.2 no",
        "delivery temporarily suspended: host relay.example[2001:db8::1] refused to talk to me: "
        "421",
        "connect to relay.example[2001:db8::1]:587: Connection refused",
        "lost connection with relay.example[198.18.201.25] while sending DATA",
        "SASL authentication failed; server relay.example[198.18.201.25] said: 454 4.7.0 later",
    };
    static const char *const others[] = {
        "",
        FROM "554 5.7.1 Email address is not verified (in reply to end of DATA command)",
        FROM "450 4.2.2 mailbox full (in reply to RCPT TO command)",
        FROM "450-4.1.1 a 450 4.1.1 b (in reply to RCPT TO command)",
        FROM "4",
        FROM "42111 4.7.0",
        "SASL authentication failed; server relay.example[198.18.201.25] said: 535 5.7.8 no",
        "host mail.example[198.18.1.1] said: 421 4.7.0 Too much (in reply to MAIL FROM command)",
        "host other-relay.example[198.18.1.1] said: 421 4.7.0 Too much",
        "connect to relay.example.net[198.18.1.1]:25: Connection timed out",
        "connect to mx.example[198.18.1.1]:25: Connection timed out",
    };

    (void)state;
    for (size_t i = 0; i < sizeof its / sizeof its[0]; i++)
        if (!defer_is_relays(its[i], HOST))
            fail_msg("%s", its[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (defer_is_relays(others[i], HOST))
            fail_msg("%s", others[i]);
    assert_false(defer_is_relays(its[0], ""));
}

static char directory[] = "/tmp/test_defer_log.XXXXXX";

static int make_queue(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL || chdir(directory) == -1)
        return -1;
    return mkdir("defer", 0700) | mkdir("defer/A", 0700) | mkdir("defer/A/B", 0700);
}

static int remove_queue(void **state)
{
    char *command = memory_format("rm -rf %s", directory);
    int rc = chdir("/") | system(command);

    (void)state;
    free(command);
    return rc;
}

static void put(const char *path, const char *bytes, size_t len)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(out);
}

static void the_last_reason(void **state)
{
    static const char two[] =
        "\n<b@x>: reason=of old\nrecipient=b@x\nstatus=4.4.1\nreason=first\n\n"
        "recipient=c@x\nreason=the \xff last\n\n";
    char reason[DEFER_REASON_MAX], *big = memory_zero(1, 100000);

    (void)state;
    put("defer/A/B/ABC", two, sizeof two - 1);
    assert_true(defer_reason(directory, "A/B/", "ABC", reason));
    assert_string_equal(reason, "the \xff last");
    assert_false(defer_reason(directory, "A/B/", "ABD", reason));
    assert_false(defer_reason(directory, "", "ABC", reason));
    assert_false(defer_reason("/nowhere", "A/B/", "ABC", reason));
    put("defer/none", "recipient=b@x\n", 14);
    assert_false(defer_reason(directory, "", "none", reason));
    /* Long, and with bytes that no text has. */
    memset(big, 'x', 90000);
    memcpy(big + 89000, "\nreason=", 8);
    big[89500] = '\0';
    put("defer/big", big, 90000);
    assert_true(defer_reason(directory, "", "big", reason));
    assert_int_equal(strlen(reason), 90000 - 89000 - 8);
    memset(big, 'x', 90000);
    memcpy(big + 85000, "\nreason=", 8);
    put("defer/big", big, 90000);
    assert_true(defer_reason(directory, "", "big", reason));
    assert_int_equal(strlen(reason), DEFER_REASON_MAX - 1);
    free(big);
}

/* The directories are Postfix's, not root's: nothing is followed out of them, nothing waited for.
 */
static void what_is_no_file_of_defers(void **state)
{
    char reason[DEFER_REASON_MAX];

    (void)state;
    put("secret", "\nreason=secret\n", 15);
    assert_int_equal(symlink("../secret", "defer/link"), 0);
    assert_int_equal(symlink("../..", "defer/up"), 0);
    assert_int_equal(mkfifo("defer/fifo", 0600), 0);
    assert_false(defer_reason(directory, "", "link", reason));
    assert_false(defer_reason(directory, "up/", "secret", reason));
    assert_false(defer_reason(directory, "", "fifo", reason));
    assert_false(defer_reason(directory, "", "A", reason));
}

static bool note(void *context, int fd, const char *below, const char *id)
{
    char *seen = context;

    assert_int_equal(faccessat(fd, id, F_OK, 0), 0);
    strcat(strcat(strcat(seen, below), id), " ");
    return strcmp(id, "stop") != 0;
}

static void a_walk(void **state)
{
    char seen[256] = "";

    (void)state;
    assert_int_equal(mkdir("deferred", 0700), 0);
    assert_int_equal(mkdir("deferred/A", 0700), 0);
    assert_int_equal(mkdir("deferred/A/B", 0700), 0);
    put("deferred/A/B/ABC", "", 0);
    assert_int_equal(symlink("..", "deferred/A/up"), 0);
    assert_int_equal(queue_walk(directory, "deferred", note, seen), 0);
    assert_string_equal(seen, "A/B/ABC ");
    assert_int_equal(queue_count(directory), 1);
    assert_int_equal(queue_walk(directory, "active", note, seen), -1);
    assert_int_equal(mkdir("active", 0700), 0);
    put("active/stop", "", 0);
    seen[0] = '\0';
    assert_int_equal(queue_walk(directory, "active", note, seen), 0);
    assert_string_equal(seen, "stop ");
}

static void lifetimes(void **state)
{
    (void)state;
    assert_int_equal(lifetime_parse("5d"), 5 * 86400);
    assert_int_equal(lifetime_parse("5"), 5 * 86400);
    assert_int_equal(lifetime_parse("0"), 0);
    assert_int_equal(lifetime_parse("90s"), 90);
    assert_int_equal(lifetime_parse("2h"), 7200);
    assert_int_equal(lifetime_parse("3w"), 21 * 86400);
    assert_int_equal(lifetime_parse(""), -1);
    assert_int_equal(lifetime_parse("d"), -1);
    assert_int_equal(lifetime_parse("-1d"), -1);
    assert_int_equal(lifetime_parse("5 d"), -1);
    assert_int_equal(lifetime_parse("5dd"), -1);
    assert_int_equal(lifetime_parse("99999999999999999999w"), -1);
}

static void a_list(void **state)
{
    struct waiting_list list = { 0 };

    (void)state;
    /* One goes, one comes: it does not grow. */
    for (int i = 0; i < 10000; i++) {
        waiting_list_add(&list, &(struct waiting){ .id = memory_format("%d", i), .arrival = i });
        if (i < 100)
            continue;
        struct waiting w = waiting_list_take(&list);
        assert_int_equal(w.arrival, i - 100);
        assert_int_equal(atoi(w.id), i - 100);
        free(w.id);
    }
    assert_int_equal(waiting_list_count(&list), 100);
    assert_true(list.room < 1000);
    waiting_list_free(&list);
    assert_int_equal(waiting_list_count(&list), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_relay_as_such),
        cmocka_unit_test(the_last_reason),
        cmocka_unit_test(what_is_no_file_of_defers),
        cmocka_unit_test(a_walk),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(a_list),
    };

    return cmocka_run_group_tests_name("defer_log", tests, make_queue, remove_queue);
}
