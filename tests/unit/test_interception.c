/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is taken for an impostor, and above all who is not. */
#include "tests/unit/unit.h"

#include "daemon/decide/interception.h"
#include <stdio.h>
#include <string.h>

#define HOSTS_MAX 12

static struct interception_host hosts[HOSTS_MAX];
static struct interception found[HOSTS_MAX];
static size_t count;

static const char *const digits[] = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"
};

static int clear(void **state)
{
    (void)state;
    count = 0;
    return 0;
}

/* An honest host in a network of its own, the only one of its target. */
static struct interception_host *add(const char *target, const char *host)
{
    hosts[count] = (struct interception_host){
        .target = count,
        .target_name = target,
        .host = host,
        .network = digits[count],
        .operator_name = "",
        .banner_name = host,
        .ehlo_name = host,
        .certificate_name = "",
        .certificate = "",
        .issuer = "",
        .known = PROBE_TLS_MAY,
        .answered = true,
        .starttls_offered = true,
    };
    return &hosts[count++];
}

/* "op1.example.net" with "mx.op1.net" and so on: nothing in common. */
static void add_three(void)
{
    add("op1.net", "mx.op1.net");
    add("op2.net", "mx.op2.net");
    add("op3.net", "mx.op3.net");
}

/* Everybody's name is NAME. */
static void call_all(const char *name)
{
    for (size_t i = 0; i < count; i++)
        hosts[i].banner_name = hosts[i].ehlo_name = name;
}

static void expect(size_t i, enum interception_sign sign, const char *detail)
{
    interception_find(hosts, count, found);
    if (found[i].sign != sign || strcmp(found[i].detail, detail) != 0)
        fail_msg("host %zu: sign %d, \"%s\"; not %d, \"%s\"", i, (int)found[i].sign,
                 found[i].detail, (int)sign, detail);
}

static void expect_none(void)
{
    for (size_t i = 0; i < count; i++)
        expect(i, INTERCEPTION_NONE, "");
}

static void honest_hosts(void **state)
{
    (void)state;
    interception_find(NULL, 0, NULL);
    add_three();
    expect_none();
}

static void organisations(void **state)
{
    static const char *const rows[][2] = {
        { "mx.example.com", "example.com" },
        { "example.com", "example.com" },
        { "a.b.c.example.org", "example.org" },
        { "mx.example.co.uk", "example.co.uk" },
        { "mx.example.com.au", "example.com.au" },
        { "mx.example.NE.jp", "example.NE.jp" },
        { "co.uk", "co.uk" },
        { "mx.co.com", "co.com" },
        { "mx.t-online.de", "t-online.de" },
        { "mx.example.info", "example.info" },
        { "localhost", "localhost" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(organisational_domain(rows[i][0]), rows[i][1]);
}

static void one_name_for_all(void **state)
{
    (void)state;
    add_three();
    call_all("proxy.provider.example");
    expect(0, INTERCEPTION_NAME, "proxy.provider.example answers here as for op2.net and op3.net");
    expect(2, INTERCEPTION_NAME, "proxy.provider.example answers here as for op1.net and op2.net");
    assert_false(found[0].false_certificate);
    add("op4.net", "mx.op4.net");
    call_all("proxy.provider.example");
    expect(0, INTERCEPTION_NAME,
           "proxy.provider.example answers here as for op2.net, op3.net and others");
}

/* Two are enough, one of them in its banner and the other in its EHLO reply, in whatever case. */
static void one_name_for_two(void **state)
{
    (void)state;
    add_three();
    hosts[0].banner_name = "Proxy.Provider.Example";
    hosts[2].ehlo_name = "proxy.provider.example";
    expect(0, INTERCEPTION_NAME, "Proxy.Provider.Example answers here as for op3.net");
    expect(1, INTERCEPTION_NONE, "");
    expect(2, INTERCEPTION_NAME, "proxy.provider.example answers here as for op1.net");
}

/* An impostor may call itself like one of those it stands for; that one is left in peace. */
static void the_name_of_one_of_them(void **state)
{
    (void)state;
    add_three();
    call_all("mx.op1.net");
    expect(0, INTERCEPTION_NONE, "");
    expect(1, INTERCEPTION_NAME, "mx.op1.net answers here as for op3.net");
    expect(2, INTERCEPTION_NAME, "mx.op1.net answers here as for op2.net");
}

static void two_targets_of_one_operator(void **state)
{
    (void)state;
    add("a.example", "aspmx.l.google.com");
    add("b.example", "alt1.aspmx.l.google.com");
    call_all("mx.google.com");
    expect_none();
    count = 0; /* the same hosts under names of the customers', which the catalogue does not know */
    add("a.example", "mx.a.example");
    add("b.example", "mx.b.example");
    hosts[0].network = hosts[1].network = "198.18.1.0/24";
    call_all("shared.hoster.example");
    expect_none();
    count = 0; /* one operator under several domains */
    add("gmx.net", "mx00.gmx.net");
    add("web.de", "mx-ha02.web.de");
    hosts[0].operator_name = hosts[1].operator_name = "united-internet";
    call_all("mail.united.example");
    hosts[0].certificate = hosts[1].certificate = "ab";
    expect_none();
}

/* A hoster in two networks, with a domain for each country, whose hosts all say one name. */
static void one_operator_in_two_networks(void **state)
{
    (void)state;
    add("a.example", "mx00.hoster.de");
    add("a.example", "mx01.hoster.de");
    add("b.example", "mx00.hoster.es");
    add("b.example", "mx01.hoster.es");
    hosts[1].target = 0;
    hosts[2].target = hosts[3].target = 1;
    hosts[0].network = hosts[2].network = "198.18.1.0/24";
    hosts[1].network = hosts[3].network = "198.18.2.0/24";
    call_all("servers.hoster-group.net");
    expect_none();
    hosts[2].network = "198.18.3.0/24"; /* one in common is enough */
    expect_none();
    hosts[3].network = "198.18.4.0/24";
    expect(0, INTERCEPTION_NAME, "servers.hoster-group.net answers here as for b.example");
}

/* Two hosts of one target, one mail host behind two addresses. */
static void two_hosts_of_one_target(void **state)
{
    (void)state;
    add("a.example", "mx1.a.example");
    add("a.example", "mx.backup.example")->target = 0;
    call_all("one.host.example");
    expect_none();
}

static void names_that_say_nothing(void **state)
{
    static const char *const names[] = { "",           "mail",
                                         "localhost",  "localhost.localdomain",
                                         "mail.local", "mx.lan" };

    (void)state;
    add_three();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        call_all(names[i]);
        expect_none();
    }
}

static void literals_are_never_unrelated(void **state)
{
    (void)state;
    add_three();
    call_all("proxy.provider.example");
    hosts[0].host = hosts[1].host = "";
    expect_none();
}

static void whose_certificate_is_good_is_who_it_says(void **state)
{
    (void)state;
    add_three();
    call_all("proxy.provider.example");
    for (size_t i = 0; i < count; i++) {
        hosts[i].certificate = "ab";
        hosts[i].certificate_name = "proxy.provider.example";
    }
    hosts[0].verified = hosts[1].verified = true;
    hosts[0].masked = true;
    expect_none();
}

static void one_certificate(void **state)
{
    (void)state;
    add_three();
    hosts[0].certificate = hosts[1].certificate = "ab";
    hosts[2].certificate = "cd";
    hosts[0].certificate_name = hosts[1].certificate_name = "proxy.provider.example";
    expect(0, INTERCEPTION_CERTIFICATE,
           "the certificate of proxy.provider.example is shown here as for op2.net");
    assert_true(found[0].false_certificate);
    expect(2, INTERCEPTION_NONE, "");
    hosts[0].certificate_name = hosts[1].certificate_name = "*.op1.net";
    expect_none();
}

static void one_name_under_tls(void **state)
{
    (void)state;
    add_three();
    call_all("proxy.provider.example");
    hosts[0].certificate = "ab"; /* made for each host on the spot */
    hosts[1].certificate = "cd";
    expect(0, INTERCEPTION_NAME, "proxy.provider.example answers here as for op2.net and op3.net");
    assert_true(found[0].false_certificate);
    assert_false(found[2].false_certificate);
}

static void one_unknown_authority(void **state)
{
    (void)state;
    add_three();
    for (size_t i = 0; i < count; i++) {
        hosts[i].certificate = digits[i];
        hosts[i].issuer = i < 2 ? "ee" : "ff";
    }
    expect_none(); /* nobody says that they should be good */
    hosts[0].known = PROBE_TLS_SECURE;
    hosts[1].known = PROBE_TLS_ENCRYPT;
    expect_none();
    hosts[1].known = hosts[2].known = PROBE_TLS_SECURE;
    expect(0, INTERCEPTION_AUTHORITY,
           "the certificate is of the same unknown authority here as for op2.net");
    assert_true(found[0].false_certificate);
    expect(2, INTERCEPTION_NONE, "");
    hosts[2].verified = true; /* then it is this host that does not know that authority */
    expect_none();
}

static void stripped(void **state)
{
    (void)state;
    add_three();
    add("op4.net", "mx.op4.net");
    for (size_t i = 0; i < count; i++)
        hosts[i].known = PROBE_TLS_ENCRYPT;
    hosts[0].starttls_offered = hosts[1].starttls_offered = false;
    expect_none(); /* half is not most */
    hosts[2].starttls_offered = false;
    expect(0, INTERCEPTION_STRIPPED,
           "STARTTLS is missing here and at 2 other operators known to offer it");
    expect(3, INTERCEPTION_NONE, "");
    hosts[2].answered = false; /* who says nothing is not counted */
    expect(0, INTERCEPTION_STRIPPED,
           "STARTTLS is missing here and at 1 other operator known to offer it");
    expect(2, INTERCEPTION_NONE, "");
    hosts[0].known = PROBE_TLS_MAY;
    expect_none(); /* one alone has changed its mind */
}

static void stripped_of_one_operator(void **state)
{
    (void)state;
    add("outlook.com", "outlook-com.olc.outlook.com");
    add("hotmail.com", "hotmail-com.olc.outlook.com");
    for (size_t i = 0; i < count; i++) {
        hosts[i].known = PROBE_TLS_SECURE;
        hosts[i].starttls_offered = false;
    }
    expect_none();
}

/* A target lacks STARTTLS when none of its hosts offers it. */
static void stripped_at_one_host_of_two(void **state)
{
    (void)state;
    add("op1.net", "mx1.op1.net")->starttls_offered = false;
    add("op1.net", "mx2.op1.net");
    add("op2.net", "mx1.op2.net")->starttls_offered = false;
    hosts[1].target = 0;
    hosts[2].target = 1;
    for (size_t i = 0; i < count; i++)
        hosts[i].known = PROBE_TLS_ENCRYPT;
    expect_none();
    hosts[1].starttls_offered = false;
    expect(1, INTERCEPTION_STRIPPED,
           "STARTTLS is missing here and at 1 other operator known to offer it");
}

static void masked(void **state)
{
    (void)state;
    add_three();
    hosts[1].masked = true;
    expect(0, INTERCEPTION_NONE, "");
    expect(1, INTERCEPTION_MASKED, "something between masks what the server says and offers");
}

static void long_names_fit(void **state)
{
    char name[300], target[300];

    (void)state;
    memset(name, 'n', sizeof name);
    memcpy(name + 290, ".example", 9);
    memset(target, 't', sizeof target);
    target[299] = '\0';
    add_three();
    add("op4.net", "mx.op4.net");
    call_all(name);
    for (size_t i = 0; i < count; i++)
        hosts[i].target_name = target;
    interception_find(hosts, count, found);
    assert_int_equal(found[0].sign, INTERCEPTION_NAME);
    assert_true(strlen(found[0].detail) > 200);
    assert_true(strlen(found[0].detail) < sizeof found[0].detail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(honest_hosts, clear),
        cmocka_unit_test_setup(organisations, clear),
        cmocka_unit_test_setup(one_name_for_all, clear),
        cmocka_unit_test_setup(one_name_for_two, clear),
        cmocka_unit_test_setup(the_name_of_one_of_them, clear),
        cmocka_unit_test_setup(two_targets_of_one_operator, clear),
        cmocka_unit_test_setup(one_operator_in_two_networks, clear),
        cmocka_unit_test_setup(two_hosts_of_one_target, clear),
        cmocka_unit_test_setup(names_that_say_nothing, clear),
        cmocka_unit_test_setup(literals_are_never_unrelated, clear),
        cmocka_unit_test_setup(whose_certificate_is_good_is_who_it_says, clear),
        cmocka_unit_test_setup(one_certificate, clear),
        cmocka_unit_test_setup(one_name_under_tls, clear),
        cmocka_unit_test_setup(one_unknown_authority, clear),
        cmocka_unit_test_setup(stripped, clear),
        cmocka_unit_test_setup(stripped_of_one_operator, clear),
        cmocka_unit_test_setup(stripped_at_one_host_of_two, clear),
        cmocka_unit_test_setup(masked, clear),
        cmocka_unit_test_setup(long_names_fit, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
