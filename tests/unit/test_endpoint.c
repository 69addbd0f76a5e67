/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's nexthop syntax, and addresses. */
#include "tests/unit/unit.h"

#include "lib/address.h"
#include "lib/endpoint.h"
#include <stdio.h>
#include <string.h>

static void good_endpoints(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool use_mx, literal;
        const char *again;
    } rows[] = {
        { "gmail.com", "gmail.com", 25, true, false, "gmail.com" },
        { "Gmail.COM", "gmail.com", 25, true, false, "gmail.com" },
        { "example.com:2525", "example.com", 2525, true, false, "example.com:2525" },
        { "[mx.example.net]:25", "mx.example.net", 25, false, false, "[mx.example.net]" },
        { "[mx.example.net]", "mx.example.net", 25, false, false, "[mx.example.net]" },
        { "[192.0.2.1]:26", "192.0.2.1", 26, false, true, "[192.0.2.1]:26" },
        { "[2001:db8::1]", "2001:db8::1", 25, false, true, "[2001:db8::1]" },
        { "[ipv6:2001:db8::1]:25", "2001:db8::1", 25, false, true, "[2001:db8::1]" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint e;
        const char *why = "";
        char again[ENDPOINT_TEXT];
        if (endpoint_parse(rows[i].text, 25, &e, &why) == -1)
            fail_msg("%s: %s", rows[i].text, why);
        endpoint_text(&e, 25, again);
        assert_string_equal(e.host, rows[i].host);
        assert_int_equal(e.port, rows[i].port);
        assert_int_equal(e.use_mx, rows[i].use_mx);
        assert_int_equal(e.is_literal, rows[i].literal);
        assert_string_equal(again, rows[i].again);
    }
}

static void bad_endpoints(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "[",
        "[mx",
        "[mx]x",
        "[mx]:",
        "mx:",
        "mx:0",
        "mx:65536",
        "mx:2x",
        "mx:99999999999",
        "192.0.2.1",
        "2001:db8::1",
        "a b",
        "-a.com",
        "a-.com",
        "a..b",
        ".a",
        "a.com;id",
        "[a.com\n]",
        "$(id)",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint e;
        const char *why = NULL;
        if (endpoint_parse(rows[i], 25, &e, &why) == 0)
            fail_msg("'%s' was taken", rows[i]);
        assert_non_null(why);
    }
}

static void long_names_are_refused(void **state)
{
    char name[300], bracketed[310];
    struct endpoint e;
    const char *why;

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(endpoint_parse(name, 25, &e, &why), -1);
    snprintf(bracketed, sizeof bracketed, "[%s]", name);
    assert_int_equal(endpoint_parse(bracketed, 25, &e, &why), -1);
}

static void networks_tell_operators_apart(void **state)
{
    static const char *const rows[][2] = {
        { "198.18.1.10", "198.18.1.0/24" },
        { "2001:db8:7:1::5", "2001:db8:7::/48" },
        { "64:ff9b::198.18.1.10", "64:ff9b::c612:100/120" },
        { "64:ff9b:1::198.18.1.10", "64:ff9b:1::/48" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a;
        char network[ADDRESS_TEXT];
        assert_true(address_parse(rows[i][0], 25, &a));
        address_network(&a, network);
        assert_string_equal(network, rows[i][1]);
        assert_int_equal(address_port(&a), 25);
    }
}

static void loopback_is_on_link(void **state)
{
    struct address a;

    (void)state;
    assert_true(address_parse("127.0.0.1", 25, &a));
    assert_true(address_on_link(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_endpoints),         cmocka_unit_test(bad_endpoints),
        cmocka_unit_test(long_names_are_refused), cmocka_unit_test(networks_tell_operators_apart),
        cmocka_unit_test(loopback_is_on_link),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
