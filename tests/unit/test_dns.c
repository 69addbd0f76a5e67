/* SPDX-License-Identifier: BSD-2-Clause */
/* Targets to addresses, with resolvers good, bad, hostile and absent. */
#include "tests/unit/unit.h"

#include "daemon/probe/dns.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include "tests/unit/loop.h"
#include "tests/unit/resolving.h"
#include <ares.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char zone[] =
    /* well behaved */
    "good.test MX 20 mx2.good.test\n"
    "good.test MX 10 mx1.good.test\n"
    "mx1.good.test A 192.0.2.1\n"
    "mx1.good.test AAAA 2001:db8:1::1\n"
    "mx2.good.test A 192.0.2.2\n"
    "mx2.good.test A 192.0.2.3\n"
    "implicit.test A 192.0.2.10\n"
    "alias.test CNAME real.test\n"
    "real.test A 192.0.2.11\n"
    "mxalias.test CNAME good.test\n"
    /* no mail */
    "null.test MX 0 .\n"
    "null.test A 192.0.2.12\n"
    "halfnull.test MX 0 .\n"
    "halfnull.test MX 5 mx1.good.test\n"
    "empty.test TXT x\n"
    "noaddress.test MX 10 empty.test\n"
    "dangling.test MX 10 nowhere.test\n"
    "badname.test MX 10 bad!name.test\n"
    /* failing */
    "servfail.test MX SERVFAIL\n"
    "servfail.test A 192.0.2.13\n"
    "refused.test MX REFUSED\n"
    "formerr.test MX FORMERR\n"
    "silent.test MX SILENT\n"
    "slowhost.test MX 10 silenthost.test\n"
    "silenthost.test A SILENT\n"
    "silenthost.test AAAA SILENT\n"
    "half.test MX 10 mx1.good.test\n"
    "half.test MX 20 silenthost.test\n"
    "brokenhost.test MX 10 servfailhost.test\n"
    "brokenhost.test MX 20 nowhere.test\n"
    "servfailhost.test A SERVFAIL\n"
    "servfailhost.test AAAA SERVFAIL\n"
    /* hostile */
    "garbage.test MX GARBAGE\n"
    "loop.test MX LOOP\n"
    "short.test A SHORT\n"
    "runt.test MX RUNT\n"
    "many.test MX MANY 500\n"
    "*.many.test A 192.0.2.20\n"
    "toomany.test A MANY 3000\n"
    "toomany.test AAAA MANY 2000\n"
    "twice.test MX 10 mx1.good.test\n"
    "twice.test MX 10 MX1.good.TEST\n"
    "twice.test MX 20 same.test\n"
    "same.test A 192.0.2.1\n"
    "evil.test MX 10 evilhost.test\n"
    "evilhost.test A 0.0.0.0\n"
    "evilhost.test A 0.1.2.3\n"
    "evilhost.test A 127.0.0.1\n"
    "evilhost.test A 127.99.0.1\n"
    "evilhost.test A 224.0.0.1\n"
    "evilhost.test A 255.255.255.255\n"
    "evilhost.test AAAA ::\n"
    "evilhost.test AAAA ::1\n"
    "evilhost.test AAAA ff02::1\n"
    "evilhost.test AAAA fe80::1\n"
    "evilhost.test AAAA ::ffff:127.0.0.1\n"
    "mixed.test A 127.0.0.1\n"
    "mixed.test A 192.0.2.30\n"
    "mixed.test A 0.0.0.0\n"
    "local.test A 127.0.0.1\n"
    "local.test AAAA ::1\n"
    "local.test A 0.0.0.0\n";

static struct event_base *base;
static struct fake_dns *server;
static struct dns *dns;
static struct dns_answer answer;
static bool answered;

static int set_up(void **state)
{
    (void)state;
    return resolving_begin(zone, &base, &server, &dns);
}

static void on_answer(const struct dns_answer *a, void *context)
{
    assert_false(answered);
    answer = *a;
    answered = true;
    if (context != NULL)
        dns_cancel(*(struct dns_query **)context); /* harmless in here */
}

static struct endpoint endpoint(const char *text)
{
    struct endpoint e;
    const char *why;

    if (endpoint_parse(text, 25, &e, &why) == -1)
        fail_msg("%s: %s", text, why);
    return e;
}

static void resolve_with(struct dns *with, const char *target, unsigned families)
{
    struct endpoint e = endpoint(target);
    struct dns_query *query;

    answered = false;
    memset(&answer, 0xee, sizeof answer);
    query = dns_resolve(with, &e, families, on_answer, &query);
    assert_false(answered); /* never from inside the start */
    loop_until(base, &answered);
}

static void resolve(const char *target, unsigned families)
{
    resolve_with(dns, target, families);
}

/* "name preference address, name preference address" */
static void expect(const char *target, unsigned families, const char *expected)
{
    char text[4096] = "", where[ADDRESS_TEXT];

    resolve(target, families);
    if (answer.status != DNS_OK)
        fail_msg("%s: %s, %s", target, dns_status_name(answer.status), answer.detail);
    for (size_t i = 0; i < answer.count; i++) {
        address_text(&answer.hosts[i].address, where);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %d %s", i > 0 ? ", " : "",
                 answer.hosts[i].name, answer.hosts[i].preference, where);
        assert_int_equal(address_port(&answer.hosts[i].address), endpoint(target).port);
    }
    if (strcmp(text, expected) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", target, text, expected);
    assert_true(answer.server_answered || endpoint(target).is_literal);
}

static void expect_failure(const char *target, unsigned families, enum dns_status status,
                           const char *detail)
{
    resolve(target, families);
    if (answer.status != status || strstr(answer.detail, detail) == NULL)
        fail_msg("%s: %s, \"%s\", not %s, \"%s\"", target, dns_status_name(answer.status),
                 answer.detail, dns_status_name(status), detail);
    assert_int_equal(answer.count, 0);
}

static void good_answers(void **state)
{
    (void)state;
    expect("good.test", DNS_ANY_FAMILY,
           "mx1.good.test 10 192.0.2.1, mx1.good.test 10 2001:db8:1::1, mx2.good.test 20 "
           "192.0.2.2, mx2.good.test 20 192.0.2.3");
    expect("good.test:2525", DNS_IPV4,
           "mx1.good.test 10 192.0.2.1, mx2.good.test 20 192.0.2.2, mx2.good.test 20 192.0.2.3");
    expect("good.test", DNS_IPV6, "mx1.good.test 10 2001:db8:1::1");
    expect("implicit.test", DNS_ANY_FAMILY, "implicit.test 0 192.0.2.10");
    expect("alias.test", DNS_ANY_FAMILY, "alias.test 0 192.0.2.11");
    expect("mxalias.test", DNS_IPV6, "mx1.good.test 10 2001:db8:1::1");
    expect("[mx2.good.test]", DNS_ANY_FAMILY,
           "mx2.good.test 0 192.0.2.2, mx2.good.test 0 192.0.2.3");
    expect("[real.test]:587", DNS_IPV4, "real.test 0 192.0.2.11");
    expect("halfnull.test", DNS_IPV4, "mx1.good.test 5 192.0.2.1");
    expect("twice.test", DNS_IPV4, "mx1.good.test 10 192.0.2.1");
}

static void literals_need_no_resolver(void **state)
{
    size_t before = fake_dns_questions(server);

    (void)state;
    expect("[192.0.2.7]:2525", DNS_ANY_FAMILY, "192.0.2.7 0 192.0.2.7");
    expect("[2001:db8::7]", DNS_IPV6, "2001:db8::7 0 2001:db8::7");
    expect("[127.0.0.1]", DNS_IPV4, "127.0.0.1 0 127.0.0.1");
    expect_failure("[192.0.2.7]", DNS_IPV6, DNS_NODATA, "192.0.2.7 has no IPv6 address");
    expect_failure("[2001:db8::7]", DNS_IPV4, DNS_NODATA, "2001:db8::7 has no IPv4 address");
    assert_int_equal(fake_dns_questions(server), before);
}

static void answers_that_say_no(void **state)
{
    (void)state;
    expect_failure("nowhere.test", DNS_ANY_FAMILY, DNS_NXDOMAIN, "no such domain: nowhere.test");
    assert_true(answer.server_answered);
    expect_failure("[nowhere.test]", DNS_ANY_FAMILY, DNS_NXDOMAIN, "no such domain: nowhere.test");
    expect_failure("empty.test", DNS_ANY_FAMILY, DNS_NODATA, "empty.test has no address");
    expect_failure("implicit.test", DNS_IPV6, DNS_NODATA, "implicit.test has no IPv6 address");
    expect_failure("noaddress.test", DNS_IPV4, DNS_NODATA,
                   "no MX host of noaddress.test has an IPv4 address");
    expect_failure("dangling.test", DNS_ANY_FAMILY, DNS_NXDOMAIN,
                   "no MX host of dangling.test exists");
    expect_failure("null.test", DNS_ANY_FAMILY, DNS_NULL_MX, "null.test takes no mail");
    expect_failure("badname.test", DNS_ANY_FAMILY, DNS_UNUSABLE,
                   "badname.test leads to no address");
    expect_failure("good.test", 0, DNS_NODATA, "good.test has an address");
}

/* After an error in the MX lookup the domain's own address must not be used (RFC 5321 5.1). */
static void resolvers_that_fail(void **state)
{
    (void)state;
    expect_failure("servfail.test", DNS_ANY_FAMILY, DNS_SERVFAIL,
                   "failed to look up servfail.test");
    assert_true(answer.server_answered);
    expect_failure("refused.test", DNS_ANY_FAMILY, DNS_SERVFAIL, "failed to look up");
    expect_failure("formerr.test", DNS_ANY_FAMILY, DNS_SERVFAIL, "failed to look up");
    expect_failure("brokenhost.test", DNS_ANY_FAMILY, DNS_SERVFAIL, "failed to look up");
    assert_true(answer.server_answered);
}

/* Older versions of c-ares wait for an answer that they can read. */
#ifdef ARES_OPT_QUERY_CACHE
#define RUNT DNS_MALFORMED, "the resolver's answer for runt.test cannot be read"
#else
#define RUNT DNS_TIMEOUT, "no complete answer for runt.test in 4.0 s"
#endif

static const struct silence {
    const char *target;
    bool server_answered;
    enum dns_status status;
    const char *detail;
} silences[] = {
    { "silent.test", false, DNS_TIMEOUT, "no answer from any resolver for silent.test in 4.0 s" },
    { "slowhost.test", true, DNS_TIMEOUT, "no complete answer for slowhost.test in 4.0 s" },
    { "runt.test", true, RUNT },
    { "half.test", true, DNS_OK, "2 addresses for half.test" }, /* what came until then counts */
};
#define SILENCES (sizeof silences / sizeof silences[0])

static size_t silences_left;
static bool all_silences_ended;

static void on_silence(const struct dns_answer *a, void *context)
{
    const struct silence *s = context;

    if (a->status != s->status || a->server_answered != s->server_answered ||
        strcmp(a->detail, s->detail) != 0)
        fail_msg("%s: %s, \"%s\"", s->target, dns_status_name(a->status), a->detail);
    all_silences_ended = --silences_left == 0;
}

static void silence_ends(void **state)
{
    struct dns *each[SILENCES];
    int64_t before = clock_mono_ms();

    (void)state;
    silences_left = SILENCES;
    for (size_t i = 0; i < SILENCES; i++) {
        struct endpoint e = endpoint(silences[i].target);
        each[i] = dns_new_with_servers(base, fake_dns_at(server));
        dns_resolve(each[i], &e, DNS_ANY_FAMILY, on_silence, (void *)(uintptr_t)&silences[i]);
    }
    loop_until(base, &all_silences_ended);
    assert_true(clock_mono_ms() - before >= DNS_DEADLINE_MS - COARSE);
    assert_true(clock_mono_ms() - before < DNS_DEADLINE_MS + 2000);
    for (size_t i = 0; i < SILENCES; i++)
        dns_free(each[i]);
}

static void hostile_answers(void **state)
{
    (void)state;
    expect_failure("garbage.test", DNS_ANY_FAMILY, DNS_MALFORMED, "garbage.test cannot be read");
    assert_true(answer.server_answered);
    expect_failure("loop.test", DNS_ANY_FAMILY, DNS_MALFORMED, "loop.test cannot be read");
    expect_failure("[short.test]", DNS_IPV4, DNS_MALFORMED, "short.test cannot be read");
}

static void huge_answers(void **state)
{
    size_t tcp = fake_dns_by_tcp(server);

    (void)state;
    expect("[toomany.test]", DNS_ANY_FAMILY,
           "toomany.test 0 198.18.0.1, toomany.test 0 198.18.0.2, toomany.test 0 198.18.0.3, "
           "toomany.test 0 198.18.0.4, toomany.test 0 2001:db8::1, toomany.test 0 2001:db8::2, "
           "toomany.test 0 2001:db8::3, toomany.test 0 2001:db8::4");
    assert_int_equal(fake_dns_by_tcp(server), tcp + 2);

    size_t before = fake_dns_questions(server);
    resolve("many.test", DNS_ANY_FAMILY);
    assert_int_equal(answer.status, DNS_OK);
    /* Its own MX question twice, by UDP and by TCP, and two for each of eight hosts. */
    assert_int_equal(fake_dns_questions(server) - before, 2 + 2 * DNS_MX_MAX);
    assert_int_equal(answer.count, 1);                            /* they all have one address */
    assert_string_equal(answer.hosts[0].name, "mx499.many.test"); /* the most preferred of 500 */
    assert_int_equal(answer.hosts[0].preference, 1);
}

static void addresses_that_point_at_us(void **state)
{
    (void)state;
    expect_failure("evil.test", DNS_ANY_FAMILY, DNS_UNUSABLE, "evil.test leads to no address");
    expect_failure("local.test", DNS_ANY_FAMILY, DNS_UNUSABLE, "local.test leads to no address");
    expect("mixed.test", DNS_ANY_FAMILY, "mixed.test 0 192.0.2.30");
    /* Where the operator has named the host itself, it may be this one: a tunnel's end, say. */
    expect("[local.test]", DNS_ANY_FAMILY, "local.test 0 127.0.0.1, local.test 0 ::1");
}

static void no_resolver_at_all(void **state)
{
    /* A port that was free a moment ago: ICMP says so. */
    struct fake_dns *gone = fake_dns_new(base, zone);
    struct dns *other = dns_new_with_servers(base, fake_dns_at(gone));

    (void)state;
    fake_dns_free(gone);
    resolve_with(other, "good.test", DNS_ANY_FAMILY);
    assert_int_equal(answer.status, DNS_NO_RESOLVER);
    assert_false(answer.server_answered);
    assert_int_equal(answer.count, 0);
    dns_free(other);
}

static void the_second_resolver_helps(void **state)
{
    static const char refusing[] = "good.test MX REFUSED\n*.good.test AAAA SERVFAIL\n";
    struct fake_dns *bad = fake_dns_new(base, refusing);
    char *servers = memory_format("%s,%s", fake_dns_at(bad), fake_dns_at(server));
    struct dns *both = dns_new_with_servers(base, servers);

    (void)state;
    resolve_with(both, "good.test", DNS_IPV6);
    assert_int_equal(answer.status, DNS_OK);
    assert_true(fake_dns_questions(bad) > 0);
    dns_free(both);
    fake_dns_free(bad);
    free(servers);
}

static void servers_are_named(void **state)
{
    struct address out[4];
    char text[ADDRESS_TEXT], at[ADDRESS_TEXT + 8];
    struct dns *other = dns_new_with_servers(base, "192.0.2.53,[2001:db8::53]:5353");

    (void)state;
    assert_int_equal(dns_servers(dns, out, 4), 1);
    address_text(&out[0], text);
    snprintf(at, sizeof at, "%s:%u", text, address_port(&out[0]));
    assert_string_equal(at, fake_dns_at(server));

    assert_int_equal(dns_servers(other, out, 4), 2);
    address_text(&out[0], text);
    assert_string_equal(text, "192.0.2.53");
    assert_int_equal(address_port(&out[0]), 53);
    address_text(&out[1], text);
    assert_string_equal(text, "2001:db8::53");
    assert_int_equal(address_port(&out[1]), 5353);
    assert_int_equal(dns_servers(other, out, 1), 1);
    dns_free(other);

    assert_null(dns_new_with_servers(base, "not an address"));
    dns_free(NULL);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

static void expect_server(struct dns *with, const char *expected)
{
    struct address out[4];
    char text[ADDRESS_TEXT];

    assert_int_equal(dns_servers(with, out, 4), 1);
    address_text(&out[0], text);
    assert_string_equal(text, expected);
}

static void resolv_conf_is_read_again(void **state)
{
    char path[] = "/tmp/detourd-resolv-XXXXXX";
    struct dns *other;

    (void)state;
    close(mkstemp(path));
    write_file(path, "nameserver 192.0.2.53\n");
    other = dns_new_with_file(base, path);
    expect_server(other, "192.0.2.53");
    write_file(path, "# longer\nnameserver 192.0.2.54\n");
    resolve_with(other, "[192.0.2.1]", DNS_IPV4);
    expect_server(other, "192.0.2.54");
    /* Replaced by a file of the same size, as DHCP clients do. */
    char *aside = memory_format("%s.new", path);
    write_file(aside, "# longer\nnameserver 192.0.2.55\n");
    assert_int_equal(rename(aside, path), 0);
    expect_server(other, "192.0.2.55");
    /* Without the file it is this host's own, as resolv.conf(5) has it. */
    unlink(path);
    expect_server(other, "127.0.0.1");
    write_file(path, "nameserver 192.0.2.56\n");
    expect_server(other, "192.0.2.56");
    unlink(path);
    dns_free(other);
    free(aside);
}

static void cancelling(void **state)
{
    static const char *const targets[] = { "good.test", "silent.test", "[192.0.2.1]",
                                           "slowhost.test", "many.test" };
    struct dns_query *queries[5];
    size_t before;

    (void)state;
    answered = false;
    for (size_t i = 0; i < 5; i++) {
        struct endpoint e = endpoint(targets[i]);
        queries[i] = dns_resolve(dns, &e, DNS_ANY_FAMILY, on_answer, NULL);
    }
    for (size_t i = 0; i < 5; i++)
        dns_cancel(queries[i]);
    dns_cancel(NULL);
    assert_false(loop_watch(base, &answered, 50));
    /* Nothing is asked again on their behalf. */
    before = fake_dns_questions(server);
    assert_false(loop_watch(base, &answered, 1300));
    assert_int_equal(fake_dns_questions(server), before);
    expect("implicit.test", DNS_IPV4, "implicit.test 0 192.0.2.10");
}

static struct dns_query *victim;

static void cancel_victim(const struct dns_answer *a, void *context)
{
    dns_cancel(victim);
    on_answer(a, context);
}

static void cancelling_another_inside_a_callback(void **state)
{
    struct endpoint fast = endpoint("good.test"), slow = endpoint("slowhost.test");
    bool victim_answered = false;

    (void)state;
    answered = false;
    dns_resolve(dns, &fast, DNS_ANY_FAMILY, cancel_victim, NULL);
    victim = dns_resolve(dns, &slow, DNS_ANY_FAMILY, on_answer, NULL);
    loop_until(base, &answered);
    assert_int_equal(answer.count, 4);
    assert_false(loop_watch(base, &victim_answered, 50));
}

static void free_all(const struct dns_answer *a, void *context)
{
    dns_free(context);
    on_answer(a, NULL);
}

static void freeing_inside_a_callback(void **state)
{
    struct dns *other = dns_new_with_servers(base, fake_dns_at(server));
    struct endpoint fast = endpoint("good.test"), slow = endpoint("silent.test"),
                    literal = endpoint("[192.0.2.1]");

    (void)state;
    answered = false;
    dns_resolve(other, &slow, DNS_ANY_FAMILY, on_answer, NULL);
    dns_resolve(other, &fast, DNS_ANY_FAMILY, free_all, other);
    loop_until(base, &answered);

    other = dns_new_with_servers(base, fake_dns_at(server));
    answered = false;
    dns_resolve(other, &literal, DNS_ANY_FAMILY, free_all, other);
    loop_until(base, &answered);
}

static void freeing_with_queries_under_way(void **state)
{
    struct dns *other = dns_new_with_servers(base, fake_dns_at(server));
    struct endpoint e = endpoint("slowhost.test");

    (void)state;
    answered = false;
    dns_resolve(other, &e, DNS_ANY_FAMILY, on_answer, NULL);
    assert_false(loop_watch(base, &answered, 50));
    dns_resolve(other, &e, DNS_ANY_FAMILY, on_answer, NULL);
    dns_free(other);
    assert_false(loop_watch(base, &answered, 20));
}

static unsigned count;
static bool all_answered;

static void count_answer(const struct dns_answer *a, void *context)
{
    (void)context;
    assert_int_equal(a->status, DNS_OK);
    all_answered = ++count == 50;
}

static void many_at_once(void **state)
{
    struct endpoint e = endpoint("good.test");

    (void)state;
    count = 0;
    all_answered = false;
    for (int i = 0; i < 50; i++)
        dns_resolve(dns, &e, DNS_ANY_FAMILY, count_answer, NULL);
    loop_until(base, &all_answered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers),
        cmocka_unit_test(literals_need_no_resolver),
        cmocka_unit_test(answers_that_say_no),
        cmocka_unit_test(resolvers_that_fail),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(hostile_answers),
        cmocka_unit_test(huge_answers),
        cmocka_unit_test(addresses_that_point_at_us),
        cmocka_unit_test(no_resolver_at_all),
        cmocka_unit_test(the_second_resolver_helps),
        cmocka_unit_test(servers_are_named),
        cmocka_unit_test(resolv_conf_is_read_again),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(cancelling_another_inside_a_callback),
        cmocka_unit_test(freeing_inside_a_callback),
        cmocka_unit_test(freeing_with_queries_under_way),
        cmocka_unit_test(many_at_once),
    };

    return cmocka_run_group_tests(tests, set_up, resolving_end);
}
