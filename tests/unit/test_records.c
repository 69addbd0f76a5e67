/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of every type, from resolvers good, bad, hostile and absent. */
#include "tests/unit/unit.h"

#include "daemon/probe/records.h"
#include "lib/memory.h"
#include "tests/unit/loop.h"
#include "tests/unit/resolving.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIFTY "01234567890123456789012345678901234567890123456789"

static const char zone[] = "good.test A 192.0.2.1\n"
                           "good.test A 192.0.2.2\n"
                           "good.test AAAA 2001:db8::1\n"
                           "good.test MX 20 Second.good.test\n"
                           "good.test MX 10 first.good.test\n"
                           "good.test TXT v=spf1 -all\n"
                           "good.test TXT one|, two\n"
                           "1.2.0.192.in-addr.arpa PTR Mail.Good.TEST\n"
                           "alias.test CNAME good.test\n"
                           "2.2.0.192.in-addr.arpa CNAME 2.0-24.2.0.192.in-addr.arpa\n"
                           "2.0-24.2.0.192.in-addr.arpa PTR classless.test\n"
                           "null.test MX 0 .\n"
                           "odd.test TXT bell\a and \xc3\xa9\n"
                           "empty.test A 192.0.2.3\n"
                           "long.test TXT " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\n"
                           "servfail.test TXT SERVFAIL\n"
                           "refused.test TXT REFUSED\n"
                           "silent.test TXT SILENT\n"
                           "garbage.test TXT GARBAGE\n"
                           "loop.test TXT LOOP\n"
                           "short.test A SHORT\n"
                           "short.test AAAA SHORT\n"
                           "short.test MX SHORT\n"
                           "short.test TXT SHORT\n"
                           "short.test PTR SHORT\n"
                           "circle.test TXT CIRCLE\n"
                           "many.test A MANY 4000\n"
                           "many.test TXT MANY 2000\n"
                           "many.test MX MANY 33\n"
                           "full.test PTR MANY 32\n";

static struct event_base *base;
static struct fake_dns *server;
static struct dns *dns;

/* What the answer was: "ok: one, two" or "nxdomain: no such name". */
static char got[60000];
static bool answered;
static struct record_lookup *lookup;

static int set_up(void **state)
{
    (void)state;
    return resolving_begin(zone, &base, &server, &dns);
}

static void write_record(FILE *f, const struct record *r, enum record_type type)
{
    char text[ADDRESS_TEXT];

    if (type <= RECORD_AAAA) {
        address_text(&r->address, text);
        fputs(text, f);
    } else if (type == RECORD_MX) {
        fprintf(f, "%d %s", r->preference, r->text);
    } else {
        fprintf(f, "%s%s%s", r->text, r->is_odd ? " (odd)" : "", r->is_cut ? " (cut)" : "");
    }
}

static void on_answer(const struct record_answer *a, void *context)
{
    FILE *f = fmemopen(got, sizeof got, "w");
    (void)context;

    assert_false(answered);
    fprintf(f, "%s: ", dns_status_name(a->status));
    for (size_t i = 0; i < a->count; i++) {
        fputs(i > 0 ? ", " : "", f);
        write_record(f, &a->records[i], a->type);
    }
    if (a->count == 0 || a->is_cut)
        fprintf(f, "%s%s", a->is_cut ? "; " : "", a->detail);
    fclose(f);
    answered = true;
    record_lookup_stop(lookup); /* harmless in here */
}

static void ask(const char *name, enum record_type type, int64_t ms)
{
    char copy[600];

    answered = false;
    snprintf(copy, sizeof copy, "%s", name);
    lookup = record_lookup_start(dns, copy, type, soon(ms), on_answer, NULL);
    memset(copy, 'x', sizeof copy); /* nothing of it is looked at later */
    assert_false(answered);         /* never from inside the start */
    loop_until(base, &answered);
}

static void expect(const char *name, enum record_type type, const char *expected)
{
    ask(name, type, 4000);
    if (strcmp(got, expected) != 0)
        fail_msg("%s %s: \"%s\", not \"%s\"", name, record_type_name(type), got, expected);
}

static void records_of_every_type(void **state)
{
    (void)state;
    expect("good.test", RECORD_A, "ok: 192.0.2.1, 192.0.2.2");
    expect("good.test.", RECORD_AAAA, "ok: 2001:db8::1");
    expect("good.test", RECORD_MX, "ok: 20 second.good.test, 10 first.good.test");
    expect("GOOD.test", RECORD_TXT, "ok: v=spf1 -all, one, two");
    expect("1.2.0.192.in-addr.arpa", RECORD_PTR, "ok: mail.good.test");
    expect("alias.test", RECORD_A, "ok: 192.0.2.1, 192.0.2.2");
    expect("2.2.0.192.in-addr.arpa", RECORD_PTR, "ok: classless.test"); /* RFC 2317 */
    expect("null.test", RECORD_MX, "ok: 0 ");
    expect("long.test", RECORD_TXT, "ok: " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY);
}

static void texts_are_made_printable(void **state)
{
    (void)state;
    expect("odd.test", RECORD_TXT, "ok: bell? and ?? (odd)");
}

static void answers_that_say_no(void **state)
{
    (void)state;
    expect("nowhere.test", RECORD_TXT, "nxdomain: no such name: nowhere.test");
    expect("empty.test", RECORD_TXT, "nodata: empty.test has no TXT record");
    expect("empty.test", RECORD_AAAA, "nodata: empty.test has no IPv6 address");
}

static void resolvers_that_fail(void **state)
{
    (void)state;
    expect("servfail.test", RECORD_TXT,
           "servfail: the resolver failed to look up the TXT record of servfail.test");
    expect("refused.test", RECORD_TXT,
           "servfail: the resolver failed to look up the TXT record of refused.test");
    ask("silent.test", RECORD_TXT, 200);
    assert_string_equal(got, "timeout: no answer in time for the TXT record of silent.test");
    ask("good.test", RECORD_TXT, -1000); /* a deadline that has passed */
    assert_non_null(strstr(got, "timeout: "));
}

static void no_resolver_at_all(void **state)
{
    struct fake_dns *gone = fake_dns_new(base, zone);
    struct dns *ours = dns;

    (void)state;
    dns = dns_new_with_servers(base, fake_dns_at(gone));
    fake_dns_free(gone);
    expect("good.test", RECORD_A,
           "no-resolver: no resolver can be reached (looking up the IPv4 address of good.test)");
    dns_free(dns);
    dns = ours;
}

static void hostile_answers(void **state)
{
    static const enum record_type types[] = { RECORD_A, RECORD_AAAA, RECORD_MX, RECORD_PTR,
                                              RECORD_TXT };

    (void)state;
    expect("garbage.test", RECORD_TXT,
           "malformed: the resolver's answer for the TXT record of garbage.test cannot be read");
    ask("loop.test", RECORD_TXT, 4000);
    assert_non_null(strstr(got, "malformed: "));
    ask("circle.test", RECORD_TXT, 4000);
    assert_non_null(strstr(got, "malformed: "));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        ask("short.test", types[i], 4000);
        if (strncmp(got, "malformed: ", 11) != 0)
            fail_msg("%s: %s", record_type_name(types[i]), got);
    }
}

static void huge_answers(void **state)
{
    (void)state;
    ask("many.test", RECORD_A, 4000);
    assert_non_null(strstr(got, "198.18.0.32; more than 32 IPv4 addresses for many.test"));
    assert_null(strstr(got, "198.18.0.33"));
    ask("many.test", RECORD_TXT, 4000);
    assert_non_null(strstr(got, ", mx31.many.test; more than 32 TXT records"));
    ask("many.test", RECORD_MX, 4000);
    assert_non_null(strstr(got, "more than 32"));
    ask("full.test", RECORD_PTR, 4000);
    assert_null(strstr(got, "more than"));
}

/* They are never sent: c-ares would take a backslash for an escape. */
static void names_that_cannot_be_asked_for(void **state)
{
    static const char label[] = FIFTY "01234567890123";
    char *bad[] = { memory_copy(""),
                    memory_copy("."),
                    memory_copy(".x"),
                    memory_copy("a..b"),
                    memory_copy("a b"),
                    memory_copy("a\\.b"),
                    memory_copy("\xc3\xa9.test"),
                    memory_copy(label),
                    memory_format("%s.%s.%s.%s.%s.test", FIFTY, FIFTY, FIFTY, FIFTY, FIFTY) };
    size_t before = fake_dns_questions(server);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask(bad[i], RECORD_A, 4000);
        if (strncmp(got, "unusable: ", 10) != 0)
            fail_msg("%s: %s", bad[i], got);
        for (char *p = got; *p != '\0'; p++)
            assert_in_range(*p, 0x20, 0x7e);
        free(bad[i]);
    }
    assert_int_equal(fake_dns_questions(server), before);
}

/* Texts of many strings are cut, and say so. Made by hand, since no tool of a zone does. */
static unsigned char message[65535];

static size_t long_text(size_t strings)
{
    static const unsigned char head[] = { 0, 0, 0x81, 0x80, 0, 0, 0, 1, 0, 0, 0,
                                          0, 0, 0,    16,   0, 1, 0, 0, 0, 0 };
    size_t at = sizeof head + 2, len = strings * 256;

    memcpy(message, head, sizeof head);
    message[sizeof head] = (unsigned char)(len >> 8);
    message[sizeof head + 1] = (unsigned char)len;
    for (size_t i = 0; i < strings; i++, at += 256) {
        message[at] = 255;
        memset(message + at + 1, 'a', 255);
    }
    return at;
}

static struct record seen;
static size_t seen_count;

static void see(const struct record *record, void *context)
{
    (void)context;
    seen = *record;
    seen_count++;
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    assert_int_equal(dns_message_read(message, long_text(16), RECORD_TXT, see, NULL), DNS_OK);
    assert_false(seen.is_cut);
    assert_int_equal(strlen(seen.text), 16 * 255);
    assert_int_equal(dns_message_read(message, long_text(100), RECORD_TXT, see, NULL), DNS_OK);
    assert_true(seen.is_cut);
    assert_int_equal(strlen(seen.text), RECORD_TEXT_MAX);
}

/* Whatever byte is the last, a message that breaks off is malformed, and none of it is handed out.
 */
static void every_broken_message_is_found(void **state)
{
    size_t len = long_text(2);

    (void)state;
    seen_count = 0;
    for (size_t n = 0; n < len; n++)
        assert_int_equal(dns_message_read(message, n, RECORD_TXT, see, NULL), DNS_MALFORMED);
    assert_int_equal(seen_count, 0);
}

static void stopping(void **state)
{
    size_t before;

    (void)state;
    answered = false;
    for (int i = 0; i < 3; i++) {
        record_lookup_stop(
            record_lookup_start(dns, "silent.test", RECORD_TXT, soon(300), on_answer, NULL));
        record_lookup_stop(record_lookup_start(dns, "a b", RECORD_TXT, soon(300), on_answer, NULL));
    }
    record_lookup_stop(NULL);
    assert_false(loop_watch(base, &answered, 50)); /* what was sent arrives */
    before = fake_dns_questions(server);
    assert_false(loop_watch(base, &answered, 1300));
    assert_int_equal(fake_dns_questions(server), before); /* nothing is asked again */
}

static size_t left;
static bool all_answered;

static void one_answered(const struct record_answer *a, void *context)
{
    (void)context;
    assert_int_equal(a->status, DNS_OK);
    all_answered = --left == 0;
}

static void address_found(const struct dns_answer *a, void *context)
{
    (void)context;
    assert_int_equal(a->status, DNS_OK);
    all_answered = --left == 0;
}

/* Neither ends the other's questions. */
static void beside_lookups_of_targets(void **state)
{
    struct endpoint e = { .host = "good.test", .port = 25 };

    (void)state;
    left = 40;
    all_answered = false;
    for (int i = 0; i < 20; i++) {
        record_lookup_start(dns, "good.test", RECORD_TXT, soon(4000), one_answered, NULL);
        dns_resolve(dns, &e, DNS_IPV4, address_found, NULL);
    }
    loop_until(base, &all_answered);
}

static void reversed_names(void **state)
{
    struct address a;
    char out[RECORD_REVERSED];

    (void)state;
    assert_true(address_parse("203.0.113.5", 0, &a));
    record_reversed(&a, out);
    assert_string_equal(out, "5.113.0.203");
    assert_true(address_parse("2001:db8:1:2:3:4:567:89ab", 0, &a));
    record_reversed(&a, out);
    assert_string_equal(out, "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_type),
        cmocka_unit_test(texts_are_made_printable),
        cmocka_unit_test(answers_that_say_no),
        cmocka_unit_test(resolvers_that_fail),
        cmocka_unit_test(no_resolver_at_all),
        cmocka_unit_test(hostile_answers),
        cmocka_unit_test(huge_answers),
        cmocka_unit_test(names_that_cannot_be_asked_for),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(every_broken_message_is_found),
        cmocka_unit_test(stopping),
        cmocka_unit_test(beside_lookups_of_targets),
        cmocka_unit_test(reversed_names),
    };

    return cmocka_run_group_tests(tests, set_up, resolving_end);
}
