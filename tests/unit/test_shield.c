/* SPDX-License-Identifier: BSD-2-Clause */
/* What smtp(8) says of a failure, as Postfix 3.5 to 3.12 say it, asked of the shield's table by
 * Postfix's own regular expressions: what waits, and what bounces as ever. */
#include "tests/unit/unit.h"

#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/host/table.h"
#include "postfix/method/shield.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HOST   "relay.example"
#define SERVER HOST "[198.18.0.25]"
#define OTHER  "mx.other.example[198.18.1.25]"
#define RCPT   " (in reply to RCPT TO command)"
#define KEPT   "; kept by detourd"

/* The relay's failures. */
static const char *const kept[] = {
    /* what it says */
    "5.0.0 host " SERVER " said: 554 Message rejected: Email address is not verified. (in reply to "
    "end of DATA command)",
    "5.7.1 host " SERVER
    " said: 554 5.7.1 <a@b.example>: Sender address rejected: not verified" RCPT,
    "5.7.1 host " SERVER " said: 550-5.7.1 account 550-5.7.1 suspended 550 5.7.1 see "
    "https://relay.example/ (in reply to MAIL FROM command)",
    "5.5.4 host " SERVER " said: 501 5.5.4 null sender <> refused (in reply to MAIL FROM command)",
    "5.3.4 host " SERVER " said: 552 5.3.4 too big (in reply to MAIL FROM command)",
    "5.0.0 host " SERVER " said: 552 quota exceeded (in reply to DATA command)",
    "5.5.1 host " SERVER " said: 503 5.5.1 need RCPT (in reply to DATA command)",
    "5.7.0 host " SERVER " said: 530 5.7.0 Authentication required (in reply to MAIL FROM command)",
    "5.7.8 host " SERVER " said: 535 5.7.8 bad credentials (in reply to RCPT TO command)",
    "5.0.0 host " SERVER " said: 550" RCPT,
    "5.0.0 host " SERVER " said: 550 No such user" RCPT,
    "5.5.0 Protocol error: host " SERVER " said: 354 go on (in reply to RCPT TO command)",
    "5.5.0 host " SERVER " said: 650 what (in reply to end of DATA command)",
    "5.7.606 host " SERVER " said: 550 5.7.606 banned (in reply to MAIL FROM command)",
    /* a recipient's code where it is none of a recipient's */
    "5.1.1 host " SERVER " said: 550 5.1.1 sender unknown (in reply to MAIL FROM command)",
    "5.1.1 host " SERVER
    " said: 550 5.1.1 x (in reply to RCPT TO command) (in reply to DATA command)",
    "5.1.1 host " SERVER " said: 550 5.1.1 x (in reply to end of DATA command)",
    "5.2.2 host " SERVER " said: 552 5.2.2 your quota (in reply to end of DATA command)",
    "5.1.1 host " SERVER " refused to talk to me: 550 5.1.1 go away",
    "5.1.0 host " SERVER " said: 550 5.1.0 sender rejected" RCPT,
    "5.2.2 host " SERVER " said: 552 5.2.2 <a@b.example>: Sender address rejected: quota" RCPT,
    "5.1.1 host " SERVER " said: 550 5.1.1 <m.example>: Helo command rejected: who" RCPT,
    "5.1.1 host " SERVER " said: 550 5.1.1 <m[192.0.2.1]>: Client host rejected: no" RCPT,
    "5.1.8 host " SERVER " said: 550 5.1.8 sender's domain" RCPT,
    "5.1.11 host " SERVER " said: 550 5.1.11 x" RCPT,
    "5.1.100 host " SERVER " said: 550 5.1.100 x" RCPT,
    "5.12.1 host " SERVER " said: 550 5.12.1 x" RCPT,
    "5.21.1 host " SERVER " said: 550 5.21.1 x" RCPT,
    /* before any mail */
    "5.0.0 host " SERVER " refused to talk to me: 554 no service for you",
    "5.5.2 host " SERVER " refused to talk to me: 501 5.5.2 HELO refused",
    "5.7.0 TLS is required, but host " SERVER " refused to start TLS: 501 5.7.0 no [TLS] here",
    "5.7.8 SASL authentication failed; server " SERVER " said: 535 5.7.8 Error: wrong",
    "5.7.8 SASL [CACHED] authentication failed; server " HOST " said: 535 5.7.8 Error: wrong",
    "5.0.0 SASL authentication failed; server RELAY.Example[2001:db8::25] said: 535",
    /* Postfix's own conclusions */
    "5.3.4 message size 2048 exceeds size limit 1000 of server " SERVER,
    "5.6.7 SMTPUTF8 is required, but was not offered by host " SERVER,
    "5.6.7 message requires SMTPUTF8, but no server was found that supports SMTPUTF8. The last "
    "attempted server was " SERVER,
    "5.7.30 Sender requested REQUIRETLS, but no server was found that supports REQUIRETLS. The "
    "last attempted server was " SERVER,
    "5.7.10 Sender requested REQUIRETLS, but host " SERVER " refused to start TLS: 501 no",
    "5.7.30 Sender requested REQUIRETLS, but TLS service was not offered by host " SERVER,
    "5.7.10 Sender requested REQUIRETLS, but no matching server certificate was found. The last "
    "attempted server was " SERVER,
    "5.7.10 Sender requested REQUIRETLS, but my configured TLS security level 'encrypt' disables "
    "certificate matching. The last attempted server was " HOST,
    "5.4.6 mail for " HOST " loops back to myself",
    "5.4.6 mail for [" HOST "]:25 loops back to myself",
    "5.4.4 Host or domain name not found. Name service error for name=" HOST
    " type=AAAA: Host not found",
    "5.4.3 Name service error for name=" HOST " type=A: Malformed or unexpected name server reply",
    "5.4.4 Name service error for " HOST ": invalid host or domain name",
    "5.4.4 Name server loop for " HOST,
    "5.4.4 unable to look up host " HOST ": No address associated with hostname",
    "5.4.4 " HOST ": host not found",
};

/* Its verdicts on a recipient. */
static const char *const verdicts[] = {
    "5.1.1 host " SERVER " said: 550 5.1.1 <x@y.example>: User unknown" RCPT,
    "5.1.1 host " SERVER " said: 550-5.1.1 no such [mailbox] 550 5.1.1 see (this)" RCPT,
    "5.1.1 host " SERVER " said: 550 5.1.1 <x@y.example>: Recipient address rejected: none" RCPT,
    "5.1.2 host " SERVER " said: 550 5.1.2 <x@y.example>: Domain not found" RCPT,
    "5.1.10 host " SERVER " said: 556 5.1.10 null MX" RCPT,
    "5.2.0 host " SERVER " said: 550 5.2.0 mailbox" RCPT,
    "5.2.1 host " SERVER " said: 550 5.2.1 disabled" RCPT,
    "5.2.2 host " SERVER " said: 552 5.2.2 Mailbox full" RCPT,
    "5.2.3 host " SERVER " said: 552 5.2.3 too long for this mailbox" RCPT,
    "5.2.16 host " SERVER " said: 552 5.2.16 x" RCPT,
    /* in the owner's words, from their filter */
    "5.1.1 there is nobody of that name",
};

/* What is over others, or cannot be told apart. */
static const char *const others[] = {
    "5.7.1 host " OTHER " said: 554 5.7.1 spam (in reply to end of DATA command)",
    "5.7.1 host " OTHER " said: 554 host " SERVER " said: 554 (in reply to MAIL FROM command)",
    "5.0.0 host " OTHER " said: 554 ask host " HOST " or " SERVER " (in reply to DATA command)",
    "5.0.0 host my" SERVER " said: 554 x (in reply to DATA command)",
    "5.0.0 host my-" SERVER " said: 554 x (in reply to DATA command)",
    "5.0.0 host my." SERVER " said: 554 x (in reply to DATA command)",
    "5.0.0 host " HOST ".org[198.18.0.25] said: 554 x (in reply to DATA command)",
    "5.0.0 host relay-example[198.18.0.25] said: 554 x (in reply to DATA command)",
    "5.0.0 host 198.18.0.25[198.18.0.25] said: 554 x (in reply to DATA command)",
    "5.0.0 host " OTHER " refused to talk to me: 554 " HOST ": no",
    "5.7.8 SASL authentication failed; server " OTHER " said: 535 from " SERVER,
    "5.7.8 SASL [CACHED] authentication failed; server mx.other.example said: 535 " SERVER " x",
    "5.3.4 message size 2048 exceeds size limit 1000 of server " OTHER,
    "5.6.7 SMTPUTF8 is required, but was not offered by host " OTHER,
    "5.4.6 mail for other.example loops back to myself",
    "5.4.6 mail for [mx." HOST "]:25 loops back to myself",
    "5.4.4 Host or domain name not found. Name service error for name=no.example type=AAAA: Host "
    "not found",
    "5.1.0 Domain other.example does not accept mail (nullMX)",
    "5.6.0 improper use of 8-bit data in message header",
    "5.3.0 unreadable mail queue entry",
};

/* No failures for good at all. */
static const char *const soft[] = {
    "4.7.1 host " SERVER " said: 454 4.7.1 throttled (in reply to RCPT TO command)",
    "4.7.8 SASL authentication failed; server " SERVER " said: 535 5.7.8 wrong",
    "4.4.1 connect to " SERVER ":587: Connection refused",
    "4.7.5 Server certificate not verified",
    "2.0.0 250 2.0.0 Ok: queued as 5.1.1",
    "2.1.5 host " SERVER " said: 554",
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static char directory[64];

static void path_of(char out[96], const char *name)
{
    snprintf(out, 96, "%s/%s", directory, name);
}

static void put(const char *name, const char *text)
{
    char path[96];
    struct why why;

    path_of(path, name);
    if (file_replace(path, 0600, text, strlen(text), &why) == -1)
        fail_msg("%s", why.text);
}

static int make_directory(void **state)
{
    struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    char path[96];

    (void)state;
    snprintf(directory, sizeof directory, "/tmp/detourd-shield-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    put("main.cf", "compatibility_level = 3.6\n");
    /* Postfix's programs wait until it is two seconds old. */
    path_of(path, "main.cf");
    return utimensat(AT_FDCWD, path, long_ago, 0);
}

static int remove_directory(void **state)
{
    struct why why;

    (void)state;
    return tree_remove(directory, &why);
}

static void put_table(const char *name, const char *host)
{
    char *table = shield_table(host);

    put(name, table);
    free(table);
}

/* The answers to all of KEYS, a line each; no line where there is none. */
static char *ask_all(const char *table, const char *const keys[], size_t count)
{
    char *command, *lines = NULL, path[96];
    struct command_result result;
    struct why why;
    size_t len;
    FILE *out = open_memstream(&lines, &len);

    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\n", keys[i]);
    fclose(out);
    put("keys", lines);
    path_of(path, table);
    assert_true(asprintf(&command, "postmap -c %s -q - regexp:%s <%s/keys", directory, path,
                         directory) > 0);
    const char *const argv[] = { "sh", "-c", command, NULL };
    if (command_run(argv, COMMAND_TIMEOUT_MS, &result, &why) == -1)
        fail_msg("%s", why.text);
    assert_string_equal(result.err, "");
    char *answers = strdup(result.out);
    command_result_free(&result);
    free(command);
    free(lines);
    return answers;
}

static void expect_kept(const char *table, const char *const keys[], size_t count)
{
    char *answers = ask_all(table, keys, count), *rest = answers;

    for (size_t i = 0; i < count; i++) {
        char *expected, *line = strsep(&rest, "\n");
        assert_int_equal(keys[i][0], '5');
        assert_true(asprintf(&expected, "%s\t4%s" KEPT, keys[i], keys[i] + 1) > 0);
        if (line == NULL || strcmp(line, expected) != 0)
            fail_msg("\"%s\" is not kept: %s", keys[i], line == NULL ? "" : line);
        free(expected);
    }
    assert_string_equal(rest, "");
    free(answers);
}

static void expect_untouched(const char *table, const char *const keys[], size_t count)
{
    char *answers = ask_all(table, keys, count);

    assert_string_equal(answers, "");
    free(answers);
}

static void a_service_that_others_use_too(void **state)
{
    (void)state;
    put_table("shield", HOST);
    expect_kept("shield", kept, COUNT(kept));
    expect_untouched("shield", verdicts, COUNT(verdicts));
    expect_untouched("shield", others, COUNT(others));
    expect_untouched("shield", soft, COUNT(soft));
}

static void a_service_of_its_own(void **state)
{
    (void)state;
    put_table("shield", NULL);
    expect_kept("shield", kept, COUNT(kept));
    expect_kept("shield", others, COUNT(others));
    expect_untouched("shield", verdicts, COUNT(verdicts));
    expect_untouched("shield", soft, COUNT(soft));
}

static void relays_that_are_addresses(void **state)
{
    static const char *const four[] = {
        "5.0.0 host 192.0.2.1[192.0.2.1] said: 554 (in reply to X)"
    };
    static const char *const six[] = {
        "5.0.0 host 2001:db8::1[2001:db8::1] said: 554 (in reply to X)",
        "5.4.6 mail for [2001:db8::1]:25 loops back to myself",
    };
    static const char *const not_four[] = { "5.0.0 host 192.0.211[192.0.2.1] said: 554 (x)",
                                            "5.0.0 host 192.0.2.11[192.0.2.1] said: 554 (x)" };

    (void)state;
    put_table("shield", "192.0.2.1");
    expect_kept("shield", four, COUNT(four));
    expect_untouched("shield", not_four, COUNT(not_four));
    put_table("shield", "ipv6:2001:db8::1");
    expect_kept("shield", six, COUNT(six));
    put_table("shield", "2001:db8::1");
    expect_kept("shield", six, COUNT(six));
}

/* As maps_find() asks a list: the first answer counts. */
static char *ask_filter(const char *filter, const char *key)
{
    struct names names = tables_split(filter);
    char *answer = NULL;

    for (size_t i = 0; answer == NULL && i < names.count; i++) {
        const char *const argv[] = { "postmap", "-c", directory, "-q", key, names.name[i], NULL };
        struct command_result result;
        struct why why;
        if (command_run(argv, COMMAND_TIMEOUT_MS, &result, &why) == -1)
            fail_msg("%s", why.text);
        assert_string_equal(result.err, "");
        if (result.status == 0)
            answer = strndup(result.out, strlen(result.out) - 1);
        command_result_free(&result);
    }
    names_free(&names);
    return answer;
}

static void expect_answer(const char *filter, const char *key, const char *expected)
{
    char *answer = ask_filter(filter, key);

    if (expected == NULL)
        assert_null(answer);
    else
        assert_string_equal(answer == NULL ? "(nothing)" : answer, expected);
    free(answer);
}

/* Replies to AUTH keep their line ends. */
static void a_reply_of_several_lines(void **state)
{
    char path[96], *filter;

    (void)state;
    put_table("shield", HOST);
    path_of(path, "shield");
    filter = shield_filter(path, path, "");
    expect_answer(
        filter, "5.7.8 SASL authentication failed; server " SERVER " said: 535-5.7.8 a\n535 b",
        "4.7.8 SASL authentication failed; server " SERVER " said: 535-5.7.8 a\n535 b" KEPT);
    free(filter);
}

static void put_marks(const char *name, const char *host)
{
    char *table = shield_marks(host);

    put(name, table);
    free(table);
}

static void the_owners_filter_counts_for_the_rest(void **state)
{
    static const char owners[] = "/^4(.*certificate.*|.* (gone|full).*)$/ 5${1}\n"
                                 "/^4\\.7\\.1 / 4.7.1 be patient\n"
                                 "/^4\\.2\\.4 / 5.2.4 a list of nobody's\n"
                                 "/^4\\.7\\.9 / 5.7.9 hidden\n"
                                 "/^5\\.1\\.1 / 5.1.1 there is nobody of that name\n"
                                 "/^5\\.2\\.1 / 4.2.1 they come back\n"
                                 "/^5\\.7\\.1 / 5.7.1 undeliverable\n"
                                 "/^2/ 2.0.0 gone\n";
    char path[96], marks[96], theirs[200], *filter;

    (void)state;
    put_table("shield", HOST);
    put_marks("marks", HOST);
    put("first", "/^2\\.0\\.9 / 2.0.9 early\n");
    put("owners", owners);
    path_of(path, "shield");
    path_of(marks, "marks");
    snprintf(theirs, sizeof theirs, "regexp:%s/first, regexp:%s/owners", directory, directory);
    filter = shield_filter(path, marks, theirs);
    /* of others: all theirs */
    expect_answer(filter, "5.7.1 host " OTHER " said: 554", "5.7.1 undeliverable");
    expect_answer(filter, "4.7.9 host " OTHER " said: 454 (x)", "5.7.9 hidden");
    expect_answer(filter, "4.7.9 host " OTHER " said: 454 " SERVER ",5.7.9 (x)", "5.7.9 hidden");
    expect_answer(filter, "4.7.5 host " OTHER " certificate", "5.7.5 host " OTHER " certificate");
    expect_answer(filter, "2.0.0 Ok", "2.0.0 gone");
    expect_answer(filter, "2.0.9 x", "2.0.9 early");
    expect_answer(filter, "5.3.0 other", NULL);
    /* of the relay: what they would bounce is kept */
    expect_answer(filter, "5.7.1 host " SERVER " said: 554 (x)",
                  "4.7.1 host " SERVER " said: 554 (x)" KEPT);
    expect_answer(filter, "4.7.5 host " SERVER " certificate",
                  "4.7.5 host " SERVER " certificate" KEPT);
    expect_answer(filter, "4.7.9 host " SERVER " said: 454 (x)",
                  "4.7.9 host " SERVER " said: 454 (x)" KEPT);
    expect_answer(filter, "4.7.9 mail for [" HOST "]:587 loops back to myself",
                  "4.7.9 mail for [" HOST "]:587 loops back to myself" KEPT);
    expect_answer(filter, "4.7.1 host " SERVER " said: 454 (x)", "4.7.1 be patient");
    expect_answer(filter, "4.3.0 host " SERVER " said: 454 (x)", NULL);
    expect_answer(filter, "4.3.0 host " SERVER " said: 454 ,5.7.9 (x)", NULL);
    /* and verdicts are theirs to judge */
    expect_answer(filter, "4.2.4 host " SERVER " said: 452 (x)", "5.2.4 a list of nobody's");
    expect_answer(filter, "5.1.1 host " SERVER " said: 550 5.1.1 x" RCPT,
                  "5.1.1 there is nobody of that name");
    expect_answer(filter, "4.2.2 host " SERVER " said: 452 4.2.2 full" RCPT,
                  "5.2.2 host " SERVER " said: 452 4.2.2 full" RCPT);
    expect_answer(filter, "5.2.1 host " SERVER " said: 550 5.2.1 x" RCPT, "4.2.1 they come back");
    free(filter);
    /* on a service of our own, whatever they put in the place of the text */
    put_table("shield", NULL);
    filter = shield_filter(path, NULL, theirs);
    expect_answer(filter, "4.7.9 host " SERVER " said: 454 (x)", "4.7.9 hidden" KEPT);
    expect_answer(filter, "4.7.5 Server certificate not verified",
                  "4.7.5 Server certificate not verified" KEPT);
    expect_answer(filter, "5.1.1 host " SERVER " said: 550 5.1.1 x" RCPT,
                  "5.1.1 there is nobody of that name");
    expect_answer(filter, "2.0.0 Ok", "2.0.0 gone");
    free(filter);
}

/* A lookup that fails ends the list: so nothing may stand before ours. */
static void the_value(void **state)
{
    char *filter = shield_filter("/d/shield", "/d/marks", "");

    (void)state;
    assert_string_equal(filter, "regexp:/d/shield");
    free(filter);
    filter = shield_filter("/d/shield", NULL, "regexp:/a,  pcre:{{/x$/ 5.0.0 a, b}}");
    assert_string_equal(filter, "regexp:/d/shield, pipemap:{regexp:/a,regexp:/d/shield}, "
                                "regexp:/a, "
                                "pipemap:{pcre:{{/x$$/ 5.0.0 a, b}},regexp:/d/shield}, "
                                "pcre:{{/x$$/ 5.0.0 a, b}}");
    free(filter);
    filter = shield_filter("/d/shield", "/d/marks", "regexp:/a");
    assert_string_equal(filter, "regexp:/d/shield, "
                                "pipemap:{unionmap:{regexp:/d/marks,regexp:/a},regexp:/d/shield}, "
                                "pipemap:{regexp:/a,regexp:/d/shield}, regexp:/a");
    free(filter);
}

static void what_the_queue_says(void **state)
{
    (void)state;
    assert_true(shield_kept("host " SERVER " said: 554 x (in reply to DATA command)" KEPT));
    assert_false(shield_kept("host " SERVER " said: 454 x (in reply to DATA command)"));
    assert_false(shield_kept("host " SERVER " said: 454" KEPT " (in reply to DATA command)"));
    assert_false(shield_kept("kept by detourd"));
    assert_false(shield_kept(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_that_others_use_too),
        cmocka_unit_test(a_service_of_its_own),
        cmocka_unit_test(relays_that_are_addresses),
        cmocka_unit_test(a_reply_of_several_lines),
        cmocka_unit_test(the_owners_filter_counts_for_the_rest),
        cmocka_unit_test(the_value),
        cmocka_unit_test(what_the_queue_says),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
