/* SPDX-License-Identifier: BSD-2-Clause */
/* What counts as a sign of life from the network, and what does not. */
#include "tests/unit/unit.h"

#include "daemon/probe/control.h"
#include "lib/clock.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <stdio.h>
#include <string.h>

static struct event_base *base;
static bool has_network;
static struct fake_smtp *server4, *server6, *neighbour, *self;

static struct control_result result;
static bool ended;
static struct control *control;

static int set_up(void **state)
{
    (void)state;
    base = loop_new();
    has_network = fake_net_enter();
    if (has_network) {
        fake_net_to_internet();
        server4 = fake_smtp_new(base, "198.18.1.1", "", NULL);
        server6 = fake_smtp_new(base, "2001:db8:1::1", "", NULL);
        neighbour = fake_smtp_new(base, "10.99.0.2", "", NULL);
        fake_net_to_host();
        self = fake_smtp_new(base, "198.18.100.1", "", NULL);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (has_network) {
        fake_smtp_free(server4);
        fake_smtp_free(server6);
        fake_smtp_free(neighbour);
        fake_smtp_free(self);
    }
    loop_free(base);
    return 0;
}

static void on_end(const struct control_result *r, void *context)
{
    (void)context;
    assert_false(ended);
    result = *r;
    ended = true;
    control_stop(control); /* harmless in here */
}

static void run(const struct address *to, const struct address *source, int64_t deadline_ms)
{
    int64_t before = clock_mono_ms();

    ended = false;
    control = control_start(base, to, source, deadline_ms, on_end, NULL);
    assert_false(ended); /* never from inside the start */
    loop_until(base, &ended);
    assert_true(address_equal(&result.address, to));
    assert_true(result.sent_ms >= before && result.answered_ms >= result.sent_ms);
    assert_true(result.answered_ms <= clock_mono_ms());
}

static void expect(const char *where, uint16_t port, enum control_end end)
{
    struct address to;

    if (!has_network)
        skip(); /* needs the right to make network namespaces, and ip(8) */
    to = fake_net_address(where, port);
    run(&to, NULL, soon(300));
    if (result.end != end)
        fail_msg("%s: end %d, not %d: %s", where, result.end, end, result.detail);
}

static bool hung_up;

static void an_answer(void **state)
{
    struct fake_smtp *servers[] = { server4, server6 };

    (void)state;
    if (!has_network)
        skip();
    for (size_t i = 0; i < 2; i++) {
        run(fake_smtp_address(servers[i]), NULL, soon(3000));
        assert_int_equal(result.end, CONTROL_ANSWERED);
        /* It has hung up by then: the server sees that. */
        hung_up = false;
        for (int turn = 0; turn < 100 && fake_smtp_open(servers[i]) > 0; turn++)
            loop_watch(base, &hung_up, 20);
        assert_int_equal(fake_smtp_connections(servers[i]), 1);
        assert_int_equal(fake_smtp_open(servers[i]), 0);
    }
}

static void a_refusal_is_an_answer(void **state)
{
    (void)state;
    expect("198.18.1.1", 1, CONTROL_ANSWERED);
    expect("2001:db8:1::1", 1, CONTROL_ANSWERED);
}

static void an_icmp_message_is_none(void **state)
{
    (void)state;
    expect("198.18.3.1", 25, CONTROL_SILENT);
    expect("198.18.4.1", 25, CONTROL_SILENT);
    expect("2001:db8:3::1", 25, CONTROL_SILENT);
    expect("2001:db8:4::1", 25, CONTROL_SILENT);
    if (!fake_net_filter(
            "add table inet t; add chain inet t c { type filter hook input priority 0; };"
            "add rule inet t c tcp dport 1004 reject with icmpx type port-unreachable"))
        skip(); /* needs nft(8) as well */
    /* What SO_ERROR shows of this one is ECONNREFUSED, as for a RST. */
    expect("198.18.1.1", 1004, CONTROL_SILENT);
    assert_non_null(strstr(result.detail, "ICMP port unreachable"));
    expect("2001:db8:1::1", 1004, CONTROL_SILENT);
}

static void silence_is_none(void **state)
{
    (void)state;
    expect("198.18.2.1", 587, CONTROL_SILENT);
    assert_string_equal(result.detail, "no answer to SYN in 0.3 s");
    expect("198.18.6.1", 587, CONTROL_SILENT); /* a prohibition of this host's own */
}

/* A neighbour or this host itself answers whatever the provider does. */
static void on_link_is_none(void **state)
{
    struct fake_smtp *servers[] = { neighbour, self };

    (void)state;
    if (!has_network)
        skip();
    for (size_t i = 0; i < 2; i++) {
        run(fake_smtp_address(servers[i]), NULL, soon(3000));
        assert_int_equal(result.end, CONTROL_ON_LINK);
        hung_up = false;
        loop_watch(base, &hung_up, 50);
        assert_int_equal(fake_smtp_connections(servers[i]), 0);
    }
    expect("127.0.0.1", 1, CONTROL_ON_LINK);
    expect("::1", 1, CONTROL_ON_LINK);
    expect("fd99::2", 1, CONTROL_ON_LINK);
}

static void from_a_chosen_address(void **state)
{
    struct address stranger = fake_net_address("192.0.2.99", 0),
                   own = fake_net_address("198.18.100.1", 0);

    (void)state;
    if (!has_network)
        skip();
    run(fake_smtp_address(server4), &own, soon(3000));
    assert_int_equal(result.end, CONTROL_ANSWERED);
    run(fake_smtp_address(server4), &stranger, soon(3000));
    assert_int_equal(result.end, CONTROL_SILENT);
    assert_string_equal(result.detail, "Cannot assign requested address");
}

static void stopping(void **state)
{
    struct address silent = fake_net_address("198.18.2.1", 25),
                   on_link = fake_net_address("127.0.0.1", 25);

    (void)state;
    if (!has_network)
        skip();
    ended = false;
    control_stop(control_start(base, &silent, NULL, soon(50), on_end, NULL));
    control_stop(control_start(base, &on_link, NULL, soon(50), on_end, NULL));
    control_stop(NULL);
    assert_false(loop_watch(base, &ended, 100));
}

static void what_is_an_answer(void **state)
{
    static const struct {
        enum connect_end end;
        const char *reporter;
        bool is_answer;
    } rows[] = {
        { CONNECT_OK, "", true },
        { CONNECT_REFUSED, "", true },
        { CONNECT_REFUSED, "192.0.2.1", false },
        { CONNECT_TIMEOUT, "", false },
        { CONNECT_UNREACHABLE, "192.0.2.1", false },
        { CONNECT_UNREACHABLE, "", false },
        { CONNECT_PROHIBITED, "192.0.2.1", false },
        { CONNECT_PROHIBITED, "", false },
        { CONNECT_LOCAL, "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connect_result r = { .end = rows[i].end };
        snprintf(r.reporter, sizeof r.reporter, "%s", rows[i].reporter);
        assert_int_equal(control_is_answer(&r), rows[i].is_answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_answer),      cmocka_unit_test(an_answer),
        cmocka_unit_test(a_refusal_is_an_answer), cmocka_unit_test(an_icmp_message_is_none),
        cmocka_unit_test(silence_is_none),        cmocka_unit_test(on_link_is_none),
        cmocka_unit_test(from_a_chosen_address),  cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
