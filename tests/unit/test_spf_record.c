/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of SPF records and their macros (RFC 7208 4.6, 5, 6, 7, 12). */
#include "tests/unit/unit.h"

#include "daemon/probe/spf_macro.h"
#include "daemon/probe/spf_record.h"
#include <stdio.h>
#include <string.h>

static const char *const good[] = {
    "v=spf1",
    "V=SPF1 -all",
    "v=spf1    -all   ",
    "v=spf1 +mx ~all",
    "v=spf1 A -ALL",
    "v=spf1 a:example.com. -all",
    "v=spf1 a:example.com/0 mx/32 a//0 mx//128 a/24//64 mx:example.com/24//64",
    "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip4:0.0.0.0/0 ip6:::1 ip6:2001:db8::/32 ip6:::/0",
    "v=spf1 ip6:::ffff:192.0.2.1",
    "v=spf1 exists:%{ir}.%{l1r-}._spf.%{d} -all",
    "v=spf1 include:example.com include:_spf.example.co-m ptr ptr:example.com",
    "v=spf1 a:%{d/} a:%%%_%-.%{o} exists:foo%%",
    "v=spf1 redirect=_spf.example.com",
    "v=spf1 exp=%{d} -all redirect=%{d}",
    "v=spf1 default=pass moo.cow-far_out=man:dog/cat ip4:192.0.2.1",
    "v=spf1 unknown= -all",
    "v=spf1 a:a.%{i}.1a a:xn--a.x-1",
};

static const char *const bad[] = {
    "v=spf10",
    "v=spf",
    "v=spf2.0/pra -all",
    "v=spf1-all",
    "v=spf1 -all:x",
    "v=spf1 all/8",
    "v=spf1 include",
    "v=spf1 include:",
    "v=spf1 include:example.com/24",
    "v=spf1 include=example.com:x%",
    "v=spf1 a:",
    "v=spf1 a:example",
    "v=spf1 a:example.123",
    "v=spf1 a:example.-com",
    "v=spf1 a:example.com-",
    "v=spf1 a:example..",
    "v=spf1 a:example.com:8080",
    "v=spf1 a/33",
    "v=spf1 a/024",
    "v=spf1 a//129",
    "v=spf1 a/24/",
    "v=spf1 a//",
    "v=spf1 a/",
    "v=spf1 a/24//",
    "v=spf1 a/24/64",
    "v=spf1 a/x",
    "v=spf1 ip4",
    "v=spf1 ip4:",
    "v=spf1 ip4:192.0.2.1/33",
    "v=spf1 ip4:192.0.2/24",
    "v=spf1 ip4:192.0.2.1/",
    "v=spf1 ip4:192.0.2.1//24",
    "v=spf1 ip4:192.0.2.256",
    "v=spf1 ip4:2001:db8::1",
    "v=spf1 ip4/24",
    "v=spf1 ip6:192.0.2.1",
    "v=spf1 ip6:2001:db8::/129",
    "v=spf1 ip6:fe80::1%eth0",
    "v=spf1 ip6",
    "v=spf1 exists",
    "v=spf1 exists:",
    "v=spf1 exists:%{i}/24",
    "v=spf1 ptr:",
    "v=spf1 ptr/24",
    "v=spf1 moo",
    "v=spf1 moo:example.com",
    "v=spf1 a.b=%{",
    "v=spf1 --all",
    "v=spf1 - all",
    "v=spf1 a,mx",
    "v=spf1 ip4:192.0.2.1\tall",
    "v=spf1 redirect=a.example redirect=b.example",
    "v=spf1 redirect=",
    "v=spf1 redirect=example",
    "v=spf1 redirect:example.com",
    "v=spf1 exp=a.example exp=b.example",
    "v=spf1 exp=",
    "v=spf1 exists:%",
    "v=spf1 exists:%(i).example",
    "v=spf1 exists:%{i",
    "v=spf1 exists:%{}.example.com",
    "v=spf1 exists:%{x}.example.com",
    "v=spf1 exists:%{c}.example.com",
    "v=spf1 exists:%{i0}.example.com",
    "v=spf1 exists:%{ri}.example.com",
    "v=spf1 exists:%{i;}.example.com",
    "v=spf1 exists:%{d}com",
    "v=spf1 exists:%a.example.com",
};

static void syntax(void **state)
{
    struct spf_record record;
    char why[200];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (spf_record_parse(good[i], strlen(good[i]), &record, why, sizeof why) == -1)
            fail_msg("%s: %s", good[i], why);
        spf_record_free(&record);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (spf_record_parse(bad[i], strlen(bad[i]), &record, why, sizeof why) == 0)
            fail_msg("%s was taken", bad[i]);
}

/* Bytes that no text holds, each in the place of each other. */
static void any_bytes(void **state)
{
    static const char text[] = "v=spf1 a:%{ir}.x.example/24//64 ip4:192.0.2.1/8 redirect=a.b";
    struct spf_record record;
    char why[200], bytes[sizeof text];

    (void)state;
    for (size_t at = 0; at < sizeof text; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(bytes, text, sizeof text);
            bytes[at] = (char)byte;
            if (spf_record_parse(bytes, sizeof bytes - 1, &record, why, sizeof why) == 0)
                spf_record_free(&record);
            if (spf_record_parse(bytes, at, &record, why, sizeof why) == 0)
                spf_record_free(&record);
        }
}

static void terms(void **state)
{
    static const char text[] =
        "v=spf1 ?a:x.example/24//64 ~ip6:2001:db8::/32 -all Redirect=y.example";
    struct spf_record record;
    char why[200];

    (void)state;
    assert_int_equal(spf_record_parse(text, strlen(text), &record, why, sizeof why), 0);
    assert_int_equal(record.count, 3);
    assert_int_equal(record.terms[0].mechanism, SPF_A);
    assert_int_equal(record.terms[0].result, SPF_NEUTRAL);
    assert_string_equal(record.terms[0].text, "?a:x.example/24//64");
    assert_string_equal(record.terms[0].domain, "x.example");
    assert_int_equal(record.terms[0].prefix[FAMILY_IPV4], 24);
    assert_int_equal(record.terms[0].prefix[FAMILY_IPV6], 64);
    assert_int_equal(record.terms[1].mechanism, SPF_IP6);
    assert_int_equal(record.terms[1].result, SPF_SOFTFAIL);
    assert_int_equal(record.terms[1].prefix[FAMILY_IPV6], 32);
    assert_int_equal(record.terms[2].result, SPF_FAIL);
    assert_string_equal(record.redirect, "y.example");
    spf_record_free(&record);
    spf_record_free(&record); /* harmless */
}

static void what_is_wrong_is_named(void **state)
{
    static const char text[] = "v=spf1 mx a:bad -all";
    struct spf_record record;
    char why[200];

    (void)state;
    assert_int_equal(spf_record_parse(text, strlen(text), &record, why, sizeof why), -1);
    assert_string_equal(why, "'a:bad' is not SPF");
}

static struct spf_values values(const char *address)
{
    struct spf_values v = { .local = "strong-bad",
                            .sender_domain = "email.example.com",
                            .domain = "email.example.com",
                            .helo_name = "mail.example.net",
                            .validated = "unknown" };

    assert_true(address_parse(address, 0, &v.address));
    return v;
}

static void expect_expansion(const struct spf_values *v, const char *spec, const char *expected)
{
    char out[HOST_MAX + 1];

    spf_macro_expand(spec, v, out);
    if (strcmp(out, expected) != 0)
        fail_msg("%s: %s, not %s", spec, out, expected);
}

/* The examples of RFC 7208 7.4, and what they leave out. */
static void macros(void **state)
{
    struct spf_values v4 = values("192.0.2.3"), v6 = values("2001:db8::cb01");

    (void)state;
    expect_expansion(&v4, "%{s}", "strong-bad@email.example.com");
    expect_expansion(&v4, "%{o}", "email.example.com");
    expect_expansion(&v4, "%{d4}", "email.example.com");
    expect_expansion(&v4, "%{d3}", "email.example.com");
    expect_expansion(&v4, "%{d2}", "example.com");
    expect_expansion(&v4, "%{d1}", "com");
    expect_expansion(&v4, "%{dr}", "com.example.email");
    expect_expansion(&v4, "%{d2r}", "example.email");
    expect_expansion(&v4, "%{l}", "strong-bad");
    expect_expansion(&v4, "%{l-}", "strong.bad");
    expect_expansion(&v4, "%{lr}", "strong-bad");
    expect_expansion(&v4, "%{lr-}", "bad.strong");
    expect_expansion(&v4, "%{l1r-}", "strong");
    expect_expansion(&v4, "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com");
    expect_expansion(&v4, "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com");
    expect_expansion(&v4, "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                     "bad.strong.lp.3.2.0.192.in-addr._spf.example.com");
    expect_expansion(&v4, "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
                     "3.2.0.192.in-addr.strong.lp._spf.example.com");
    expect_expansion(&v4, "%{d2}.trusted-domains.example.net",
                     "example.com.trusted-domains.example.net");
    expect_expansion(&v6, "%{ir}.%{v}._spf.%{d2}",
                     "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf."
                     "example.com");
    expect_expansion(&v4, "%{h}.%{p}", "mail.example.net.unknown");
    expect_expansion(&v4, "%{S}.x.example", "strong-bad%40email.example.com.x.example");
    expect_expansion(&v4, "a%%b%_c%-d.example", "a%b c%20d.example");
    expect_expansion(&v4, "%{o9}.x.example.", "email.example.com.x.example");
    expect_expansion(&v4, "%{i99999999999999999999}.a", "192.0.2.3.a");
}

static void names_too_long_lose_labels_on_the_left(void **state)
{
    struct spf_values v = values("192.0.2.3");
    char spec[2000] = "", out[HOST_MAX + 1];

    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(spec, "%{d}.");
    strcat(spec, "end.example");
    assert_true(spf_macro_expand(spec, &v, out));
    assert_true(strlen(out) <= HOST_MAX && strlen(out) > HOST_MAX - 20);
    assert_string_equal(out + strlen(out) - 29, "email.example.com.end.example");
    assert_true(out[0] == 'e' || out[0] == 'c');

    memset(spec, 'a', 300);
    strcpy(spec + 300, ".example");
    assert_true(spf_macro_expand(spec, &v, out));
    assert_string_equal(out, "example");
    v.domain = "";
    assert_false(spf_macro_expand("%{d}", &v, out));
}

static void hold(const char *network, unsigned prefix, const char *address, bool expected)
{
    struct address n, a;

    assert_true(address_parse(network, 0, &n) && address_parse(address, 0, &a));
    if (spf_network_holds(&n, prefix, &a) != expected)
        fail_msg("%s/%u %s %s", network, prefix, expected ? "does not hold" : "holds", address);
}

static void networks(void **state)
{
    (void)state;
    hold("192.0.2.0", 24, "192.0.2.255", true);
    hold("192.0.2.0", 24, "192.0.3.0", false);
    hold("192.0.2.129", 25, "192.0.2.128", true);
    hold("192.0.2.129", 25, "192.0.2.127", false);
    hold("192.0.2.1", 32, "192.0.2.1", true);
    hold("192.0.2.1", 32, "192.0.2.0", false);
    hold("255.0.0.0", 0, "1.2.3.4", true);
    hold("2001:db8::", 33, "2001:db8:7fff::1", true);
    hold("2001:db8::", 33, "2001:db8:8000::1", false);
    hold("2001:db8::1", 128, "2001:db8::2", false);
    hold("::", 0, "2001:db8::2", true);
    hold("::", 0, "192.0.2.1", false);
    hold("0.0.0.0", 0, "::1", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax),   cmocka_unit_test(any_bytes),
        cmocka_unit_test(terms),    cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(macros),   cmocka_unit_test(names_too_long_lose_labels_on_the_left),
        cmocka_unit_test(networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
