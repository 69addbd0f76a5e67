/* SPDX-License-Identifier: BSD-2-Clause */
/* What a log of trace(8)'s says, whose it is, and what it proves; the sender of a probe. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/proof/proof.h"
#include "postfix/proof/proof_judge.h"
#include "postfix/proof/trace_log.h"
#include "postfix/proof/trace_watch.h"
#include "postfix/queue/queue_file.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SENDER    "double-bounce@[127.0.0.1]"
#define RECIPIENT "postmaster@relay.example"
#define VIA       "delivery via relay.example[198.18.201.25]:587: "
#define HOST      "host relay.example[198.18.201.25] said: "

static const struct proof_plan plan = { .sender = SENDER,
                                        .recipient = RECIPIENT,
                                        .host = "relay.example",
                                        .port = 587,
                                        .service = "detour-office" };

/* As Postfix 3.7 writes it. */
static const char sample[] = "\n<postmaster@relay.example>: delivery via "
                             "relay.example[198.18.201.25]:587: 250 2.1.5 Ok\n"
                             "recipient=postmaster@relay.example\n"
                             "offset=226\n"
                             "dsn_orig_rcpt=rfc822;postmaster@relay.example\n"
                             "status=2.1.5\n"
                             "action=deliverable\n"
                             "diag_type=smtp\n"
                             "diag_text=250 2.1.5 Ok\n"
                             "mta_type=dns\n"
                             "mta_mname=relay.example\n"
                             "reason=delivery via relay.example[198.18.201.25]:587: 250 2.1.5 Ok\n"
                             "\n";

static bool find(const char *text, struct trace_record *out)
{
    return trace_log_find(text, strlen(text), RECIPIENT, out);
}

static void a_log_of_postfix(void **state)
{
    struct trace_record r;

    (void)state;
    assert_true(find(sample, &r));
    assert_string_equal(r.action, "deliverable");
    assert_string_equal(r.reason, VIA "250 2.1.5 Ok");
    assert_false(trace_log_find(sample, strlen(sample), "other@relay.example", &r));
    assert_true(trace_log_find(sample, strlen(sample), "Postmaster@RELAY.example", &r));
    /* Half of it: whole records count alone. */
    for (size_t n = 0; n < strlen(sample); n++)
        assert_false(trace_log_find(sample, n, RECIPIENT, &r));
}

static void the_record_of_our_recipient(void **state)
{
    struct trace_record r;

    (void)state;
    assert_true(find("\nrecipient=archive@a.example\naction=deliverable\nreason=x\n\n"
                     "\nrecipient=ops@b.example\noriginal_recipient=" RECIPIENT
                     "\naction=undeliverable\nreason=y\n\n",
                     &r));
    assert_string_equal(r.reason, "y");
    /* One record says nothing of the next. */
    assert_false(find("\nrecipient=" RECIPIENT "\n\n\naction=deliverable\nreason=x\n\n", &r));
}

static void a_reply_is_no_record(void **state)
{
    struct trace_record r;

    (void)state;
    assert_true(find("\nrecipient=" RECIPIENT "\naction=undeliverable\nreason=" VIA HOST
                     "554 reason=x action=deliverable \r\x1b[2J\xff recipient=a@b\n\n",
                     &r));
    assert_string_equal(r.action, "undeliverable");
    assert_string_equal(r.reason, VIA HOST "554 reason=x action=deliverable ??[2J? recipient=a@b");
    /* An old-style line, whatever is in it. */
    assert_true(find("\n<a>: x\n<action=deliverable>: y\nrecipient=" RECIPIENT
                     "\naction=undeliverable\nreason=z\n\n",
                     &r));
    assert_string_equal(r.action, "undeliverable");
}

static void values_without_end(void **state)
{
    struct trace_record r;
    char *fill = memory_zero(1, 100001);

    (void)state;
    memset(fill, 'a', 100000);
    char *text = memory_format("\nrecipient=" RECIPIENT "\naction=%s\nreason=%s\n\n", fill, fill);
    assert_true(find(text, &r));
    assert_int_equal(strlen(r.reason), sizeof r.reason - 1);
    assert_int_equal(strlen(r.action), sizeof r.action - 1);
    free(text);
    free(fill);
}

static enum proof_result judge(const char *action, const char *reason, const char *sender)
{
    struct trace_record record = { .recipient = RECIPIENT };
    struct queue_file head = { .sender = "" };
    struct why why = { "" };

    snprintf(record.action, sizeof record.action, "%s", action);
    snprintf(record.reason, sizeof record.reason, "%s", reason);
    snprintf(head.sender, sizeof head.sender, "%s", sender == NULL ? "" : sender);
    enum proof_result result = proof_judge(&record, sender == NULL ? NULL : &head, &plan, &why);
    if (result != PROOF_GOOD)
        assert_int_not_equal(why.text[0], '\0');
    return result;
}

#define MAIL_FROM " (in reply to MAIL FROM command)"
#define RCPT_TO   " (in reply to RCPT TO command)"

static void what_it_proves(void **state)
{
    static const struct {
        const char *reason;
        enum proof_result deliverable, undeliverable;
    } cases[] = {
        { VIA "250 2.1.5 Ok", PROOF_GOOD, PROOF_FAILED },
        { "delivery via Relay.Example[2001:db8:1201::25]:587: 250 Ok", PROOF_GOOD, PROOF_FAILED },
        { "delivery via relay.example[198.18.201.25]:25: 250 Ok", PROOF_FAILED, PROOF_FAILED },
        { "delivery via mx.relay.example[198.18.201.25]:587: 250", PROOF_FAILED, PROOF_FAILED },
        { "delivery via local: delivers to mailbox", PROOF_FAILED, PROOF_FAILED },
        { "delivery via relay.example[198.18.201.25]", PROOF_FAILED, PROOF_FAILED },
        { "", PROOF_FAILED, PROOF_FAILED },
        { VIA HOST "550 5.1.8 no such sender" MAIL_FROM, PROOF_GOOD, PROOF_REFUSED },
        { VIA HOST "450 4.2.0 greylisted" RCPT_TO, PROOF_GOOD, PROOF_REFUSED },
        { VIA HOST "501 <[127.0.0.1]>: bad" MAIL_FROM, PROOF_GOOD, PROOF_REFUSED },
        /* Where no AUTH was offered. */
        { VIA HOST "530 5.7.0 Authentication required" MAIL_FROM, PROOF_GOOD, PROOF_FAILED },
        { VIA HOST "554 5.7.1 <x>: Relay access denied" RCPT_TO, PROOF_GOOD, PROOF_FAILED },
        { VIA HOST "554 5.7.1 <x>: Recipient address rejected: Access denied" RCPT_TO, PROOF_GOOD,
          PROOF_FAILED },
        /* The relay's words at places that it may write to. */
        { VIA HOST "554 no" MAIL_FROM " (in reply to EHLO command)", PROOF_GOOD, PROOF_FAILED },
        { VIA "host relay.example[198.18.201.25] refused to talk to me: 554 [x] said: 550" RCPT_TO,
          PROOF_GOOD, PROOF_FAILED },
        { VIA "SASL authentication failed; server relay.example[198.18.201.25] said: 535" RCPT_TO,
          PROOF_GOOD, PROOF_FAILED },
        { VIA "lost connection with relay.example[198.18.201.25] while sending MAIL FROM",
          PROOF_GOOD, PROOF_FAILED },
        { "connect to relay.example[198.18.201.25]:587: Connection refused", PROOF_FAILED,
          PROOF_FAILED },
        { "connect to mx.relay.example[198.18.1.1]:25: Connection timed out", PROOF_FAILED,
          PROOF_FAILED },
        { "unknown mail transport error", PROOF_FAILED, PROOF_FAILED },
        { HOST "550 no" MAIL_FROM, PROOF_FAILED, PROOF_FAILED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (judge("deliverable", cases[i].reason, SENDER) != cases[i].deliverable ||
            judge("undeliverable", cases[i].reason, NULL) != cases[i].undeliverable)
            fail_msg("%s", cases[i].reason);
        assert_int_equal(judge("deliverable", cases[i].reason, "ops@sender.example"), PROOF_FAILED);
    }
}

/* A message of "sendmail -bv" in the active queue, up to its text. */
static const char queue_file[] = "T\x11"
                                 "1763848936 123456"
                                 "A\x15rewrite_context=local"
                                 "A\x11"
                                 "envelope_id=mark7"
                                 "A\x0ftrace_flags=512"
                                 "F\x04root"
                                 "S\x19" SENDER "R\x18" RECIPIENT "M\x00"
                                 "S\x01x";

static void whose_message(void **state)
{
    struct queue_file f;
    const size_t head = sizeof queue_file - 1;

    (void)state;
    assert_true(queue_file_parse(queue_file, head, &f));
    assert_string_equal(f.sender, SENDER);
    assert_string_equal(f.envelope_id, "mark7");
    for (size_t n = 0; n < head; n++)
        if (queue_file_parse(queue_file, n, &f))
            assert_string_equal(f.sender, SENDER);
    assert_true(queue_file_parse("S\x00", 2, &f));
    assert_string_equal(f.sender, "");
}

static void hostile_queue_files(void **state)
{
    struct queue_file f;
    char bytes[2048];

    (void)state;
    assert_false(queue_file_parse("", 0, &f));
    assert_false(queue_file_parse("S", 1, &f));
    assert_false(queue_file_parse("S\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, &f));
    assert_false(queue_file_parse("S\x05"
                                  "ab",
                                  4, &f));
    assert_false(queue_file_parse("S\x03"
                                  "a\0b",
                                  5, &f));
    memset(bytes, 'a', sizeof bytes); /* a sender of 1,000 bytes */
    memcpy(bytes, "S\xe8\x07", 3);
    assert_false(queue_file_parse(bytes, sizeof bytes, &f));
    for (unsigned n = 0; n < 20000; n++) {
        for (size_t i = 0; i < 64; i++)
            bytes[i] = (char)(rand() >> 4);
        queue_file_parse(bytes, 64, &f);
    }
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static char *make_place(void)
{
    char *top = memory_copy("/tmp/test_proof.XXXXXX");

    assert_non_null(mkdtemp(top));
    for (const char *const *name =
             (const char *const[]){ "trace", "active", "incoming", "hold", "maildrop", "deferred",
                                    "deferred/A", NULL };
         *name != NULL; name++) {
        char *path = memory_format("%s/%s", top, *name);
        assert_int_equal(mkdir(path, 0700), 0);
        free(path);
    }
    return top;
}

static void remove_place(char *top)
{
    char *command = memory_format("rm -rf '%s'", top);

    assert_int_equal(system(command), 0);
    free(command);
    free(top);
}

static void found_in_the_queue(void **state)
{
    char *top = make_place(), id[QUEUE_ID_MAX];
    char *path = memory_format("%s/deferred/A/ABC", top);
    struct queue_file f;

    (void)state;
    assert_null(queue_file_find(top, "mark7", NULL, 0, id));
    write_file(path, queue_file, sizeof queue_file - 1);
    assert_string_equal(queue_file_find(top, "mark7", NULL, 0, id), "deferred");
    assert_string_equal(id, "ABC");
    assert_null(queue_file_find(top, "mark", NULL, 0, id));
    assert_null(queue_file_find(top, "mark7", NULL, time(NULL) + 60, id));
    assert_null(queue_file_find(top, "mark", RECIPIENT, 0, id));
    assert_true(queue_file_read(top, "deferred", "ABC", &f));
    assert_string_equal(f.recipient, RECIPIENT);
    assert_false(queue_file_read(top, "active", "ABC", &f));
    free(path);
    path = memory_format("%s/incoming/DEF", top); /* a report */
    write_file(path, "S\x00R\x18" RECIPIENT "M\x00", 30);
    assert_string_equal(queue_file_find(top, "mark", RECIPIENT, 0, id), "incoming");
    assert_null(queue_file_find(top, "mark", SENDER, 0, id));
    free(path);
    remove_place(top);
}

struct seen {
    unsigned count, with_head;
    char text[2048];
};

static void see(void *context, const char *text, size_t len, const struct queue_file *head)
{
    struct seen *seen = context;

    seen->count++;
    seen->with_head += head != NULL;
    snprintf(seen->text, sizeof seen->text, "%.*s", (int)len, text);
}

static void log_at(const char *top, const char *name)
{
    char *path = memory_format("%s/trace/%s", top, name);

    write_file(path, sample, strlen(sample));
    free(path);
}

static void unlink_log(const char *top, const char *name)
{
    char *path = memory_format("%s/trace/%s", top, name);

    assert_int_equal(unlink(path), 0);
    free(path);
}

static void make_directory(const char *top, const char *name)
{
    char *path = memory_format("%s/trace/%s", top, name);

    assert_int_equal(mkdir(path, 0700), 0);
    free(path);
}

static void logs_are_read(void **state)
{
    char *top = make_place();
    char *path = memory_format("%s/active/ABC1", top);
    struct seen seen = { 0 };
    struct why why;

    (void)state;
    make_directory(top, "A");
    struct trace_watch *watch = trace_watch_begin(top, &why);
    assert_non_null(watch);
    write_file(path, queue_file, sizeof queue_file - 1);
    log_at(top, "ABC1");
    trace_watch_take(watch, see, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.with_head, 1);
    assert_string_equal(seen.text, sample);
    log_at(top, "A/ABC2"); /* hashed */
    trace_watch_take(watch, see, &seen);
    assert_int_equal(seen.count, 2);
    assert_int_equal(trace_watch_missed(watch), 0);
    make_directory(top, "B"); /* hashed, and new */
    trace_watch_take(watch, see, &seen);
    log_at(top, "B/BBC3");
    trace_watch_take(watch, see, &seen);
    assert_int_equal(seen.count, 3);
    assert_int_equal(trace_watch_missed(watch), 1); /* what may have been in the new one */
    log_at(top, "BBC4");
    unlink_log(top, "BBC4");
    trace_watch_take(watch, see, &seen);
    assert_int_equal(seen.count, 3);
    assert_int_equal(trace_watch_missed(watch), 2);
    trace_watch_free(watch);
    free(path);
    remove_place(top);
}

/* Not a regular file: it could be anybody's, or hang us. */
static void other_things_are_left_alone(void **state)
{
    char *top = make_place(), *fifo = memory_format("%s/trace/FIFO", top);
    char *link = memory_format("%s/trace/LINK", top);
    struct seen seen = { 0 };
    struct why why;

    (void)state;
    struct trace_watch *watch = trace_watch_begin(top, &why);
    assert_non_null(watch);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    unlink_log(top, "FIFO");
    unlink_log(top, "LINK");
    trace_watch_take(watch, see, &seen);
    assert_int_equal(seen.count, 0);
    trace_watch_free(watch);
    free(fifo);
    free(link);
    remove_place(top);
    assert_null(trace_watch_begin("/nonexistent", &why));
}

static char *sender(const char *text)
{
    struct view_texts texts = { .expanded = memory_copy(text) };
    struct view *view = view_new(&texts);
    struct why why;
    char *found = proof_sender(view, &why);

    view_free(view);
    return found;
}

static void expect_sender(const char *text, const char *expected)
{
    char *found = sender(text);

    if (expected == NULL ? found != NULL : found == NULL || strcmp(found, expected) != 0)
        fail_msg("%s: %s", text, found == NULL ? "none" : found);
    free(found);
}

#define NAME "double_bounce_sender = double-bounce\n"

static void senders(void **state)
{
    (void)state;
    expect_sender(NAME "inet_interfaces = all\ninet_protocols = all\n", SENDER);
    expect_sender(NAME "inet_interfaces = loopback-only\ninet_protocols = ipv4\n", SENDER);
    expect_sender(NAME "inet_interfaces = localhost\ninet_protocols = ipv6\n",
                  "double-bounce@[IPv6:::1]");
    expect_sender(NAME "inet_interfaces = 198.51.100.10, 127.0.0.1\ninet_protocols = all\n",
                  "double-bounce@[198.51.100.10]");
    expect_sender(NAME "inet_interfaces = [2001:db8::1]\ninet_protocols = ipv4, ipv6\n",
                  "double-bounce@[IPv6:2001:db8::1]");
    expect_sender(NAME "inet_interfaces = 2001:db8::1 198.51.100.10\ninet_protocols = ipv4\n",
                  "double-bounce@[198.51.100.10]");
    expect_sender(NAME "inet_interfaces = no.such.host.invalid\ninet_protocols = all\n"
                       "proxy_interfaces = 203.0.113.5\n",
                  "double-bounce@[203.0.113.5]");
    expect_sender(NAME "inet_interfaces = \ninet_protocols = all\nproxy_interfaces = \n", NULL);
    expect_sender("double_bounce_sender = devnull\ninet_interfaces = all\ninet_protocols = all\n",
                  "devnull@[127.0.0.1]");
    expect_sender("double_bounce_sender = a@b\ninet_interfaces = all\ninet_protocols = all\n",
                  NULL);
    expect_sender("double_bounce_sender = \ninet_interfaces = all\ninet_protocols = all\n", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_of_postfix),
        cmocka_unit_test(the_record_of_our_recipient),
        cmocka_unit_test(a_reply_is_no_record),
        cmocka_unit_test(values_without_end),
        cmocka_unit_test(what_it_proves),
        cmocka_unit_test(whose_message),
        cmocka_unit_test(hostile_queue_files),
        cmocka_unit_test(found_in_the_queue),
        cmocka_unit_test(logs_are_read),
        cmocka_unit_test(other_things_are_left_alone),
        cmocka_unit_test(senders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
