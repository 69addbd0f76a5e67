/* SPDX-License-Identifier: BSD-2-Clause */
/* Why there is no TCP connection, told apart in a network that fails in every way. */
#include "tests/unit/unit.h"

#include "daemon/probe/connect.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct event_base *base;
static bool has_network;
static struct fake_smtp *server4, *server6;

static struct connect_result result;
static bool ended;
static struct connect_attempt *attempt;

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

static void on_end(const struct connect_result *r, void *context)
{
    (void)context;
    assert_false(ended);
    result = *r;
    ended = true;
    connect_stop(attempt); /* harmless in here */
}

static void run(const struct address *to, const struct address *source, int64_t deadline_ms)
{
    if (!has_network)
        skip(); /* needs the right to make network namespaces, and ip(8) */
    ended = false;
    memset(&result, 0xee, sizeof result);
    attempt = connect_start(base, to, source, deadline_ms, on_end, NULL);
    assert_false(ended); /* never from inside the start */
    loop_until(base, &ended);
    assert_true((result.fd != -1) == (result.end == CONNECT_OK));
}

static void expect(const char *where, uint16_t port, enum connect_end end, const char *detail,
                   const char *reporter)
{
    struct address to = fake_net_address(where, port);

    run(&to, NULL, soon(3000));
    if (result.end != end || strcmp(result.detail, detail) != 0 ||
        strcmp(result.reporter, reporter) != 0)
        fail_msg("%s: end %d, \"%s\" from \"%s\", not %d, \"%s\" from \"%s\"", where, result.end,
                 result.detail, result.reporter, end, detail, reporter);
}

static void expect_connected(const struct fake_smtp *server, int level, int option)
{
    int recverr = -1;
    socklen_t len = sizeof recverr;

    run(fake_smtp_address(server), NULL, soon(3000));
    assert_int_equal(result.end, CONNECT_OK);
    assert_int_equal(result.error, 0);
    assert_string_equal(result.reporter, "");
    assert_true(fcntl(result.fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(result.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(result.fd, level, option, &recverr, &len), 0);
    assert_int_equal(recverr, 0);
    close(result.fd);
}

static void connected(void **state)
{
    (void)state;
    if (!has_network)
        skip();
    expect_connected(server4, IPPROTO_IP, IP_RECVERR);
    expect_connected(server6, IPPROTO_IPV6, IPV6_RECVERR);
}

static void refused_by_rst(void **state)
{
    (void)state;
    expect("198.18.1.1", 1, CONNECT_REFUSED, "connection refused", "");
    assert_int_equal(result.error, ECONNREFUSED);
    expect("2001:db8:1::1", 1, CONNECT_REFUSED, "connection refused", "");
}

static void by_icmp_from_a_router(void **state)
{
    (void)state;
    expect("198.18.3.1", 25, CONNECT_PROHIBITED, "ICMP administratively prohibited from 10.99.0.2",
           "10.99.0.2");
    expect("2001:db8:3::1", 25, CONNECT_PROHIBITED,
           "ICMPv6 administratively prohibited from fd99::2", "fd99::2");
    expect("198.18.4.1", 25, CONNECT_UNREACHABLE, "ICMP host unreachable from 10.99.0.2",
           "10.99.0.2");
    expect("2001:db8:4::1", 25, CONNECT_UNREACHABLE, "ICMPv6 no route from fd99::2", "fd99::2");
}

static const struct {
    uint16_t port;
    const char *with;
    enum connect_end end;
    const char *detail;
} rejections[] = {
    { 1001, "icmp type net-prohibited", CONNECT_PROHIBITED,
      "ICMP network prohibited from 198.18.1.1" },
    { 1002, "icmp type host-prohibited", CONNECT_PROHIBITED,
      "ICMP host prohibited from 198.18.1.1" },
    { 1003, "icmp type admin-prohibited", CONNECT_PROHIBITED,
      "ICMP administratively prohibited from 198.18.1.1" },
    { 1004, "icmp type port-unreachable", CONNECT_REFUSED,
      "ICMP port unreachable from 198.18.1.1" },
    { 1005, "icmp type net-unreachable", CONNECT_UNREACHABLE,
      "ICMP network unreachable from 198.18.1.1" },
    { 1006, "icmp type host-unreachable", CONNECT_UNREACHABLE,
      "ICMP host unreachable from 198.18.1.1" },
    { 1007, "icmp type prot-unreachable", CONNECT_UNREACHABLE,
      "ICMP destination unreachable from 198.18.1.1" },
    { 1008, "tcp reset", CONNECT_REFUSED, "connection refused" },
};

static const struct {
    uint16_t port;
    const char *with;
    enum connect_end end;
    const char *detail;
} rejections6[] = {
    { 1001, "icmpv6 type admin-prohibited", CONNECT_PROHIBITED,
      "ICMPv6 administratively prohibited from 2001:db8:1::1" },
    { 1002, "icmpv6 type policy-fail", CONNECT_PROHIBITED,
      "ICMPv6 source address failed policy from 2001:db8:1::1" },
    { 1003, "icmpv6 type reject-route", CONNECT_PROHIBITED,
      "ICMPv6 route rejected from 2001:db8:1::1" },
    { 1004, "icmpv6 type port-unreachable", CONNECT_REFUSED,
      "ICMPv6 port unreachable from 2001:db8:1::1" },
    { 1005, "icmpv6 type no-route", CONNECT_UNREACHABLE, "ICMPv6 no route from 2001:db8:1::1" },
    { 1006, "icmpv6 type addr-unreachable", CONNECT_UNREACHABLE,
      "ICMPv6 address unreachable from 2001:db8:1::1" },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void by_every_kind_of_rejection(void **state)
{
    char rule[200];

    (void)state;
    if (!has_network ||
        !fake_net_filter(
            "add table inet t; add chain inet t c { type filter hook input priority 0; }"))
        skip(); /* needs nft(8) as well */
    for (size_t i = 0; i < COUNT(rejections); i++) {
        snprintf(rule, sizeof rule,
                 "add rule inet t c meta nfproto ipv4 tcp dport %u reject with %s",
                 rejections[i].port, rejections[i].with);
        assert_true(fake_net_filter(rule));
        expect("198.18.1.1", rejections[i].port, rejections[i].end, rejections[i].detail,
               strstr(rejections[i].detail, "ICMP") != NULL ? "198.18.1.1" : "");
    }
    for (size_t i = 0; i < COUNT(rejections6); i++) {
        snprintf(rule, sizeof rule,
                 "add rule inet t c meta nfproto ipv6 tcp dport %u reject with %s",
                 rejections6[i].port, rejections6[i].with);
        assert_true(fake_net_filter(rule));
        expect("2001:db8:1::1", rejections6[i].port, rejections6[i].end, rejections6[i].detail,
               "2001:db8:1::1");
    }
}

static void by_this_host_itself(void **state)
{
    (void)state;
    expect("198.18.6.1", 25, CONNECT_PROHIBITED, "this host forbids it: Permission denied", "");
    expect("2001:db8:6::1", 25, CONNECT_PROHIBITED, "this host forbids it: Permission denied", "");
    expect("198.18.7.1", 25, CONNECT_UNREACHABLE, "No route to host", "");
    expect("2001:db8:7::1", 25, CONNECT_UNREACHABLE, "No route to host", "");
}

static void silence_meets_the_deadline(void **state)
{
    static const char *const silent[] = { "198.18.2.1", "2001:db8:2::1" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct address to = fake_net_address(silent[i], 25);
        run(&to, NULL, soon(300));
        assert_int_equal(result.end, CONNECT_TIMEOUT);
        assert_string_equal(result.detail, "no answer to SYN in 0.3 s");
        assert_int_equal(result.error, 0);
        assert_true(result.ms >= 300 - COARSE && result.ms < 2000);
        run(&to, NULL, soon(-1000));
        assert_int_equal(result.end, CONNECT_TIMEOUT);
        assert_true(result.ms < 1000);
    }
}

static void from_a_chosen_address(void **state)
{
    static const char *const sources[] = { "198.18.100.1", "2001:db8:100::1" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct address own = { .len = sizeof own.u }, source = fake_net_address(sources[i], 4711);
        char text[ADDRESS_TEXT];
        if (has_network)
            run(fake_smtp_address(i == 0 ? server4 : server6), &source, soon(3000));
        else
            skip();
        assert_int_equal(result.end, CONNECT_OK);
        assert_int_equal(getsockname(result.fd, &own.u.sa, &own.len), 0);
        address_text(&own, text);
        assert_string_equal(text, sources[i]);
        assert_int_not_equal(address_port(&own), 4711);
        close(result.fd);
    }
}

/* What this host cannot do says nothing about the network. */
static void local_trouble(void **state)
{
    struct address stranger = fake_net_address("192.0.2.99", 0);
    struct rlimit before, none;

    (void)state;
    if (!has_network)
        skip();
    run(fake_smtp_address(server4), &stranger, soon(3000));
    assert_int_equal(result.end, CONNECT_LOCAL);
    assert_string_equal(result.detail, "Cannot assign requested address");

    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    run(fake_smtp_address(server4), NULL, soon(3000));
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(result.end, CONNECT_LOCAL);
    assert_string_equal(result.detail, "Too many open files");
    assert_int_equal(result.error, EMFILE);
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
    struct address silent = fake_net_address("198.18.2.1", 25),
                   forbidden = fake_net_address("198.18.6.1", 25);
    int before = open_descriptors();

    (void)state;
    if (!has_network)
        skip();
    ended = false;
    connect_stop(connect_start(base, &silent, NULL, soon(100), on_end, NULL));
    connect_stop(connect_start(base, &forbidden, NULL, soon(100), on_end, NULL));
    connect_stop(connect_start(base, fake_smtp_address(server4), NULL, soon(100), on_end, NULL));
    connect_stop(NULL);
    assert_false(loop_watch(base, &ended, 150));
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connected),
        cmocka_unit_test(refused_by_rst),
        cmocka_unit_test(by_icmp_from_a_router),
        cmocka_unit_test(by_every_kind_of_rejection),
        cmocka_unit_test(by_this_host_itself),
        cmocka_unit_test(silence_meets_the_deadline),
        cmocka_unit_test(from_a_chosen_address),
        cmocka_unit_test(local_trouble),
        cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
