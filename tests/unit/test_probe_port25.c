/* SPDX-License-Identifier: BSD-2-Clause */
/* One probe, from the SYN to its outcome. */
#include "tests/unit/unit.h"

#include "daemon/probe/probe.h"
#include "lib/clock.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <stdio.h>
#include <string.h>

static struct event_base *base;
static bool has_network;
static struct probe_settings settings;

static struct probe_result result;
static bool ended;
static struct probe *probe;

static int set_up(void **state)
{
    (void)state;
    base = loop_new();
    has_network = fake_net_enter();
    snprintf(settings.helo_name, sizeof settings.helo_name, "host.example");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(base);
    return 0;
}

static void on_end(const struct probe_result *r, void *context)
{
    (void)context;
    assert_false(ended);
    result = *r;
    ended = true;
    probe_stop(probe); /* harmless in here */
}

static struct probe *start(const struct address *to, const struct probe_settings *as,
                           int64_t deadline_ms)
{
    struct probe_plan plan = {
        .address = *to, .host = "mx.example", .settings = as, .deadline_ms = deadline_ms
    };

    return probe_start(base, &plan, on_end, NULL);
}

static void run(const struct address *to, int64_t deadline_ms)
{
    int64_t before = clock_mono_ms();

    ended = false;
    memset(&result, 0xee, sizeof result);
    probe = start(to, &settings, deadline_ms);
    assert_false(ended); /* never from inside the start */
    assert_int_equal(probe_connected(probe), -1);
    assert_true(probe_started(probe) >= before);
    loop_until(base, &ended);
    assert_true(address_equal(&result.address, to));
    assert_true(result.started_ms >= before);
    assert_true(result.connect_ms >= 0 && result.connect_ms <= result.total_ms);
    assert_true(result.started_ms + result.total_ms <= clock_mono_ms());
    assert_int_equal(result.connected, outcome_connected(result.outcome));
}

static void compare(const char *what, enum outcome outcome, int code, const char *detail)
{
    if (result.outcome != outcome || result.code != code || strcmp(result.detail, detail) != 0)
        fail_msg("%s: %s, code %d, \"%s\", not %s, code %d, \"%s\"", what,
                 outcome_name(result.outcome), result.code, result.detail, outcome_name(outcome),
                 code, detail);
}

#define HELLO "S: 220 mx.example ESMTP\nC: EHLO host.example\n"
#define BYE   "C: QUIT\nS: 221 bye\nCLOSE\n"

static const struct {
    const char *script;
    enum outcome outcome;
    int code;
    const char *detail, *banner;
} rows[] = {
    { HELLO "S: 250 mx.example\n" BYE, OUTCOME_OPEN, 250, "220 mx.example ESMTP",
      "mx.example ESMTP" },
    { HELLO "S: 502 what?\nC: HELO host.example\nS: 250 mx.example\n" BYE, OUTCOME_OPEN, 250,
      "220 mx.example ESMTP", "mx.example ESMTP" },
    { "S: 554 5.7.1 blocked, see http://example/\n" BYE, OUTCOME_REJECTED, 554,
      "554 5.7.1 blocked, see http://example/", "" },
    { "S: 421 4.7.0 try again later\n" BYE, OUTCOME_REJECTED, 421, "421 4.7.0 try again later",
      "" },
    { HELLO "S: 550 5.7.1 no\nC: HELO\nS: 550 5.7.1 never\n" BYE, OUTCOME_REJECTED, 550,
      "550 5.7.1 never", "mx.example ESMTP" },
    { HELLO "S: 450 4.7.1 later\n" BYE, OUTCOME_REJECTED, 450, "450 4.7.1 later",
      "mx.example ESMTP" },
    { HELLO "S: 554 blocked\nC: HELO\nCLOSE\n", OUTCOME_REJECTED, 554, "554 blocked",
      "mx.example ESMTP" },
    { "CLOSE\n", OUTCOME_NO_BANNER, 0, "connected, then connection closed by the other side", "" },
    { "RESET\n", OUTCOME_NO_BANNER, 0, "connected, then Connection reset by peer", "" },
    { "S: SSH-2.0-OpenSSH_9.2p1\n", OUTCOME_NO_BANNER, 0,
      "connected, then a line that does not begin with a reply code", "" },
    { HELLO "S: 250-mx\nS: 251 mx\n", OUTCOME_NO_BANNER, 0,
      "connected, then a reply whose lines have different codes at EHLO", "mx.example ESMTP" },
    { HELLO "CLOSE\n", OUTCOME_NO_BANNER, 0,
      "connected, then connection closed by the other side at EHLO", "mx.example ESMTP" },
};

static void servers_of_all_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", rows[i].script, NULL);
        run(fake_smtp_address(server), soon(5000));
        compare(rows[i].script, rows[i].outcome, rows[i].code, rows[i].detail);
        assert_string_equal(result.banner, rows[i].banner);
        assert_false(result.local_fault);
        fake_smtp_check(server);
        fake_smtp_free(server);
    }
}

/* It never speaks first, and never begins a transaction. */
static void manners(void **state)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", "", NULL);

    (void)state;
    run(fake_smtp_address(server), soon(200));
    compare("silent", OUTCOME_NO_BANNER, 0, "connected, then no banner in 0.2 s");
    assert_string_equal(fake_smtp_heard(server), "");
    fake_smtp_free(server);

    server = fake_smtp_new(base, "127.0.0.1", HELLO "S: 250-mx\nS: 250 STARTTLS\n" BYE, NULL);
    run(fake_smtp_address(server), soon(5000));
    assert_string_equal(fake_smtp_heard(server), "EHLO host.example\nQUIT\n");
    fake_smtp_free(server);
}

static void silence_after_the_banner(void **state)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", HELLO, NULL);

    (void)state;
    run(fake_smtp_address(server), soon(200));
    compare("no EHLO", OUTCOME_NO_BANNER, 0, "connected, then no reply to EHLO in 0.2 s");
    assert_string_equal(result.banner, "mx.example ESMTP");
    fake_smtp_free(server);
}

/* The outcome is known before QUIT, and so is how long it took. */
static void quit_does_not_count(void **state)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", HELLO "S: 250 mx\nC: QUIT\n", NULL);

    (void)state;
    run(fake_smtp_address(server), soon(5000));
    assert_int_equal(result.outcome, OUTCOME_OPEN);
    assert_true(result.total_ms < 900);
    assert_true(clock_mono_ms() - result.started_ms >= 900);
    fake_smtp_free(server);
}

static void long_banners_are_cut(void **state)
{
    struct fake_smtp *server =
        fake_smtp_new(base, "127.0.0.1", "R: 220 \nF: 600 x\nS: \nC: EHLO\nS: 250 mx\n" BYE, NULL);

    (void)state;
    run(fake_smtp_address(server), soon(5000));
    assert_int_equal(result.outcome, OUTCOME_OPEN);
    assert_int_equal(strlen(result.banner), PROBE_BANNER - 1);
    fake_smtp_free(server);
}

static void connected_is_seen_at_once(void **state)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", HELLO, NULL);
    int64_t before = clock_mono_ms();

    (void)state;
    ended = false;
    probe = start(fake_smtp_address(server), &settings, soon(5000));
    loop_until(base, fake_smtp_finished(server));
    assert_false(ended);
    assert_true(probe_connected(probe) >= before && probe_connected(probe) <= clock_mono_ms());
    probe_stop(probe);
    fake_smtp_free(server);
}

static void expect_at(const char *where, enum outcome outcome, const char *detail)
{
    struct address to;

    if (!has_network)
        skip(); /* needs the right to make network namespaces, and ip(8) */
    to = fake_net_address(where, 25);
    run(&to, soon(300));
    compare(where, outcome, 0, detail);
    assert_false(result.local_fault);
    assert_string_equal(result.banner, "");
}

static void no_connection(void **state)
{
    (void)state;
    expect_at("198.18.1.1", OUTCOME_REFUSED, "connection refused");
    expect_at("2001:db8:1::1", OUTCOME_REFUSED, "connection refused");
    expect_at("198.18.2.1", OUTCOME_TIMEOUT, "no answer to SYN in 0.3 s");
    expect_at("2001:db8:2::1", OUTCOME_TIMEOUT, "no answer to SYN in 0.3 s");
    expect_at("198.18.3.1", OUTCOME_PROHIBITED, "ICMP administratively prohibited from 10.99.0.2");
    expect_at("2001:db8:3::1", OUTCOME_PROHIBITED,
              "ICMPv6 administratively prohibited from fd99::2");
    expect_at("198.18.4.1", OUTCOME_UNREACHABLE, "ICMP host unreachable from 10.99.0.2");
    expect_at("198.18.6.1", OUTCOME_PROHIBITED, "this host forbids it: Permission denied");
    expect_at("198.18.7.1", OUTCOME_UNREACHABLE, "No route to host");
}

static void from_postfix_address(void **state)
{
    struct probe_settings own = settings;
    struct fake_smtp *server;

    (void)state;
    if (!has_network)
        skip();
    own.has_source[FAMILY_IPV4] = true;
    own.source[FAMILY_IPV4] = fake_net_address("198.18.100.1", 0);
    own.helo_name[0] = '\0';
    fake_net_to_internet();
    /* Without a name, EHLO shows which address it came from. */
    server = fake_smtp_new(base, "198.18.1.1", "S: 220 mx\nC: EHLO [198.18.100.1]\nS: 250 mx\n" BYE,
                           NULL);
    fake_net_to_host();
    ended = false;
    probe = start(fake_smtp_address(server), &own, soon(5000));
    memset(&own, 0xee, sizeof own); /* the settings were copied */
    loop_until(base, &ended);
    fake_smtp_check(server);
    assert_int_equal(result.outcome, OUTCOME_OPEN);
    fake_smtp_free(server);
}

static void a_fault_of_this_host(void **state)
{
    struct probe_settings own = settings;
    struct address to = fake_net_address("198.18.1.1", 25);

    (void)state;
    if (!has_network)
        skip();
    own.has_source[FAMILY_IPV4] = true;
    own.source[FAMILY_IPV4] = fake_net_address("192.0.2.99", 0);
    ended = false;
    probe = start(&to, &own, soon(5000));
    loop_until(base, &ended);
    compare("source", OUTCOME_UNREACHABLE, 0, "Cannot assign requested address");
    assert_true(result.local_fault);
}

static void stopping(void **state)
{
    static const char *const scripts[] = { "", HELLO, HELLO "S: 250 mx\nC: QUIT\n" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", scripts[i], NULL);
        ended = false;
        probe = start(fake_smtp_address(server), &settings, soon(5000));
        loop_until(base, fake_smtp_finished(server));
        probe_stop(probe);
        assert_false(loop_watch(base, &ended, 20));
        probe_stop(start(fake_smtp_address(server), &settings, soon(10)));
        assert_false(loop_watch(base, &ended, 30));
        fake_smtp_free(server);
    }
    probe_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_of_all_kinds),
        cmocka_unit_test(manners),
        cmocka_unit_test(silence_after_the_banner),
        cmocka_unit_test(quit_does_not_count),
        cmocka_unit_test(long_banners_are_cut),
        cmocka_unit_test(connected_is_seen_at_once),
        cmocka_unit_test(no_connection),
        cmocka_unit_test(from_postfix_address),
        cmocka_unit_test(a_fault_of_this_host),
        cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
