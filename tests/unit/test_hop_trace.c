/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop trace in a network of one hop; longer ways are in tests/lab/test_trace.py. */
#include "tests/unit/unit.h"

#include "daemon/probe/hop_trace.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static struct event_base *base;
static bool has_network;
static struct fake_smtp *server4, *server6;

static struct hop_trace_result result;
static bool ended;
static struct hop_trace *running;
static struct probe_settings settings = { .helo_name = "mail.example" };

static int set_up(void **state)
{
    (void)state;
    base = loop_new();
    has_network = fake_net_enter();
    if (has_network) {
        fake_net_to_internet();
        server4 = fake_smtp_new(base, "198.18.1.1", "", NULL);
        server6 = fake_smtp_new(base, "2001:db8:1::1", "", NULL);
        fake_net_to_host();
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (has_network) {
        fake_smtp_free(server4);
        fake_smtp_free(server6);
    }
    loop_free(base);
    return 0;
}

static void on_end(const struct hop_trace_result *r, void *context)
{
    (void)context;
    assert_false(ended);
    result = *r;
    ended = true;
    hop_trace_stop(running); /* harmless in here */
}

static void run(const struct address *to, uint16_t control_port, int64_t deadline_ms)
{
    struct hop_trace_plan plan = {
        .address = *to, .control = *to, .settings = &settings, .deadline_ms = deadline_ms
    };

    address_set_port(&plan.control, control_port);
    ended = false;
    memset(&result, 0xee, sizeof result);
    running = hop_trace_start(base, &plan, on_end, NULL);
    assert_false(ended); /* never from inside the start */
    loop_until(base, &ended);
    assert_true(address_equal(&result.address, to));
    assert_int_equal(result.family, address_family(to));
    assert_true(result.hop_count <= HOPS_MAX);
}

static void trace(const char *where)
{
    struct address to = fake_net_address(where, 25);

    if (!has_network)
        skip(); /* needs the right to make network namespaces, and ip(8) */
    run(&to, 587, soon(HOP_TRACE_MS));
}

static void expect(size_t hop, enum hop_end port25, enum hop_end control, const char *at)
{
    const struct hop *h = &result.hops[hop - 1];
    char text[ADDRESS_TEXT] = "";

    if (h->port25.at.len > 0)
        address_text(&h->port25.at, text);
    if (h->port25.end != port25 || h->control.end != control || strcmp(text, at) != 0)
        fail_msg("hop %zu: %d and %d from %s", hop, h->port25.end, h->control.end, text);
}

static void an_answer(void **state)
{
    (void)state;
    if (!has_network)
        skip();
    for (int i = 0; i < 2; i++) {
        run(fake_smtp_address(i == 0 ? server4 : server6), 1, soon(HOP_TRACE_MS));
        assert_true(result.reached && result.control_reached && !result.kept);
        assert_int_equal(result.hop_count, 1);
        expect(1, HOP_REACHED, HOP_RESET, "");
    }
}

static void a_refusal(void **state)
{
    (void)state;
    trace("198.18.1.1");
    assert_true(!result.reached && result.control_reached);
    assert_int_equal(result.hop_count, 1);
    expect(1, HOP_RESET, HOP_RESET, "");
}

static void by_icmp(void **state)
{
    (void)state;
    trace("198.18.3.1");
    assert_true(!result.reached && !result.control_reached);
    expect(1, HOP_PROHIBITED, HOP_PROHIBITED, "10.99.0.2");
    trace("2001:db8:3::1");
    expect(1, HOP_PROHIBITED, HOP_PROHIBITED, "fd99::2");
    trace("198.18.4.1");
    expect(1, HOP_UNREACHABLE, HOP_UNREACHABLE, "10.99.0.2");
}

static void by_this_host_itself(void **state)
{
    (void)state;
    trace("198.18.6.1");
    expect(1, HOP_DENIED, HOP_DENIED, "");
    trace("2001:db8:6::1");
    expect(1, HOP_DENIED, HOP_DENIED, "");
    assert_int_equal(result.hop_count, 1);
}

static void silence(void **state)
{
    (void)state;
    trace("198.18.2.1");
    assert_int_equal(result.hop_count, HOPS_MAX);
    for (size_t hop = 1; hop <= HOPS_MAX; hop++)
        expect(hop, HOP_SILENT, HOP_SILENT, "");
    assert_true(!result.reached && !result.control_reached && !result.kept);
}

/* What is dropped beyond this host has left it. */
static void silence_of_one_port(void **state)
{
    static const char *const targets[] = { "198.18.1.1", "2001:db8:1::1" };

    (void)state;
    if (!has_network ||
        !fake_net_filter(
            "add table inet t; add chain inet t c { type filter hook input priority 0; };"
            "add rule inet t c tcp dport 25 drop"))
        skip(); /* needs nft(8) as well */
    for (size_t i = 0; i < 2; i++) {
        trace(targets[i]);
        expect(1, HOP_SILENT, HOP_RESET, "");
        assert_int_equal(result.hop_count, 1);
        assert_false(result.kept);
    }
    assert_true(fake_net_filter("delete table inet t"));
}

static void the_deadline_ends_it(void **state)
{
    struct address to = fake_net_address("198.18.2.1", 25);

    (void)state;
    if (!has_network)
        skip();
    run(&to, 587, soon(100));
    assert_true(result.hop_count < HOPS_MAX && result.ms >= 100 - COARSE);
    run(&to, 587, soon(-1000));
    assert_int_equal(result.hop_count, 0);
}

/* What this host cannot do says nothing about the network. */
static void local_trouble(void **state)
{
    struct rlimit before, none;

    (void)state;
    settings.has_source[FAMILY_IPV4] = true;
    settings.source[FAMILY_IPV4] = fake_net_address("192.0.2.99", 0);
    if (has_network)
        trace("198.18.1.1");
    settings.has_source[FAMILY_IPV4] = false;
    if (!has_network)
        skip();
    expect(1, HOP_LOCAL, HOP_LOCAL, "");

    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    trace("198.18.1.1");
    setrlimit(RLIMIT_NOFILE, &before);
    expect(1, HOP_LOCAL, HOP_LOCAL, "");
    expect(HOPS_MAX, HOP_LOCAL, HOP_LOCAL, "");
}

static void from_a_chosen_address(void **state)
{
    (void)state;
    if (!has_network ||
        !fake_net_filter(
            "add table inet t; add chain inet t c { type filter hook input priority 0; };"
            "add rule inet t c ip saddr 198.18.100.1 tcp dport 25 drop"))
        skip();
    trace("198.18.1.1");
    expect(1, HOP_RESET, HOP_RESET, "");
    settings.has_source[FAMILY_IPV4] = true;
    settings.source[FAMILY_IPV4] = fake_net_address("198.18.100.1", 0);
    trace("198.18.1.1");
    settings.has_source[FAMILY_IPV4] = false;
    expect(1, HOP_SILENT, HOP_RESET, "");
    assert_true(fake_net_filter("delete table inet t"));
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void stopping(void **state)
{
    struct hop_trace_plan plan = { .address = fake_net_address("198.18.2.1", 25),
                                   .control = fake_net_address("198.18.2.1", 587),
                                   .settings = &settings,
                                   .deadline_ms = soon(HOP_TRACE_MS) };
    int before = open_descriptors();

    (void)state;
    if (!has_network)
        skip();
    ended = false;
    hop_trace_stop(hop_trace_start(base, &plan, on_end, NULL));
    hop_trace_stop(NULL);
    running = hop_trace_start(base, &plan, on_end, NULL);
    assert_false(loop_watch(base, &ended, 100));
    assert_true(open_descriptors() > before);
    hop_trace_stop(running);
    assert_false(loop_watch(base, &ended, 50));
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer),
        cmocka_unit_test(a_refusal),
        cmocka_unit_test(by_icmp),
        cmocka_unit_test(by_this_host_itself),
        cmocka_unit_test(silence),
        cmocka_unit_test(silence_of_one_port),
        cmocka_unit_test(the_deadline_ends_it),
        cmocka_unit_test(local_trouble),
        cmocka_unit_test(from_a_chosen_address),
        cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
