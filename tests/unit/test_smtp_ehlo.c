/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server offers. */
#include "tests/unit/unit.h"

#include "daemon/probe/ehlo.h"
#include "daemon/probe/masked.h"
#include <stdio.h>
#include <string.h>

static struct ehlo parse(const char *text)
{
    struct ehlo e;

    memset(&e, 0xff, sizeof e);
    ehlo_parse(text, &e);
    return e;
}

static void all_of_it(void **state)
{
    struct ehlo e = parse("mx.example at your service\nPIPELINING\nSIZE 52428800\nstartTLS\n"
                          "AUTH PLAIN LOGIN cram-md5\n8BITMIME\nSMTPUTF8\nHELP");

    (void)state;
    assert_string_equal(e.name, "mx.example");
    assert_true(e.starttls);
    assert_true(e.eightbitmime);
    assert_true(e.smtputf8);
    assert_true(e.has_size);
    assert_int_equal(e.size, 52428800);
    assert_true(e.has_auth);
    assert_string_equal(e.auth, "PLAIN LOGIN CRAM-MD5");
}

static void none_of_it(void **state)
{
    /* The greeting is no keyword, whatever it says. */
    struct ehlo e = parse("STARTTLS AUTH PLAIN");

    (void)state;
    assert_string_equal(e.name, "STARTTLS");
    assert_false(e.starttls || e.eightbitmime || e.smtputf8 || e.has_size || e.has_auth);
    assert_string_equal(e.auth, "");
    e = parse("");
    assert_string_equal(e.name, "");
    assert_false(e.starttls || e.has_auth);
    e = parse("mx\nXSTARTTLS\nSTARTTLSX\nAUTHX PLAIN\n\n \n");
    assert_false(e.starttls || e.has_auth);
}

static void mechanisms(void **state)
{
    static const struct {
        const char *text, *auth;
    } rows[] = {
        { "mx\nAUTH=PLAIN LOGIN", "PLAIN LOGIN" },
        { "mx\nAUTH PLAIN\nAUTH=PLAIN LOGIN\nAUTH CRAM-MD5 PLAIN", "PLAIN LOGIN CRAM-MD5" },
        { "mx\nAUTH  PLAIN   LOGIN ", "PLAIN LOGIN" },
        { "mx\nAUTH", "" },
        { "mx\nAUTH=", "" },
        { "mx\nAUTH PLA?IN x\"y LOGIN", "LOGIN" },
        { "mx\nAUTH ABCDEFGHIJKLMNOPQRST ABCDEFGHIJKLMNOPQRSTU", "ABCDEFGHIJKLMNOPQRST" },
        { "mx\nAUTH PLAIN-X PLAIN", "PLAIN-X PLAIN" },
        { "mx\nAUTH XPLAIN PLAIN", "XPLAIN PLAIN" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ehlo e = parse(rows[i].text);
        assert_true(e.has_auth);
        assert_string_equal(e.auth, rows[i].auth);
    }
}

static void sizes(void **state)
{
    (void)state;
    assert_true(parse("mx\nSIZE").has_size);
    assert_int_equal(parse("mx\nSIZE").size, 0);
    assert_int_equal(parse("mx\nSIZE 0").size, 0);
    assert_int_equal(parse("mx\nSIZE 10x").size, 0);
    assert_int_equal(parse("mx\nSIZE -1").size, 0);
    assert_int_equal(parse("mx\nSIZE 9999999999999999999").size, UINT64_C(9999999999999999999));
    assert_int_equal(parse("mx\nSIZE 99999999999999999999").size, 0);
}

static void bounded(void **state)
{
    char text[8000] = "mx\nAUTH";
    struct ehlo e;

    (void)state;
    memset(text, 'n', 1000);
    strcpy(text + 1000, "\nSTARTTLS");
    e = parse(text);
    assert_int_equal(strlen(e.name), HOST_MAX);
    assert_true(e.starttls);

    strcpy(text, "mx\nAUTH");
    for (int i = 0; i < 200; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " MECHANISM-%03d", i);
    e = parse(text);
    assert_true(e.has_auth);
    assert_true(strlen(e.auth) < sizeof e.auth);
    assert_int_equal(strncmp(e.auth, "MECHANISM-000 MECHANISM-001 ", 28), 0);
    /* Whole words alone: 14 bytes each, with the space. */
    assert_int_equal((strlen(e.auth) + 1) % 14, 0);
}

/* This end's address as the server shows it, or "" where none is to be found. */
static const struct {
    const char *line, *address;
} clients[] = {
    { "mx.google.com at your service, [203.0.113.7]", "203.0.113.7" },
    { "mx.google.com at your service, [2001:db8::7]", "2001:db8::7" },
    { "DB5.mail.protection.outlook.com Hello [203.0.113.7]", "203.0.113.7" },
    { "mx.example Hello host.example [203.0.113.7], pleased to meet you", "203.0.113.7" },
    { "mx.example Hello [192.0.2.1] [203.0.113.7]", "203.0.113.7" },
    { "mx.example hello host.example [IPv6:2001:db8::7]", "2001:db8::7" },
    { "mx.example hello host.example [ipv6:2001:DB8::7]", "2001:db8::7" },
    { "mx.example Welcome to our server [203.0.113.7]", "203.0.113.7" },
    { "mx.example", "" },
    { "mx.example [203.0.113.7]", "" }, /* its own, perhaps */
    { "[203.0.113.7] Hello host.example", "" },
    { "mx.example Hello 203.0.113.7", "" },
    { "mx.example Hello [203.0.113.7", "" },
    { "mx.example Hello [203.0.113.777]", "" },
    { "mx.example Hello [203.0.113.7 ]", "" },
    { "mx.example Hello [203.0.113.7:25]", "" },
    { "mx.example Hello [IPv6:203.0.113.7]", "" },
    { "mx.example Hello [host.example]", "" },
    { "mx.example Hello []", "" },
    { "mx.example Hello [[203.0.113.7]]", "203.0.113.7" },
    { "mx.example Hello [10.1.2.3]", "" },
    { "mx.example Hello [192.168.1.2]", "" },
    { "mx.example Hello [172.31.255.255]", "" },
    { "mx.example Hello [172.32.0.1]", "172.32.0.1" },
    { "mx.example Hello [100.64.0.1]", "" },
    { "mx.example Hello [127.0.0.1]", "" },
    { "mx.example Hello [224.0.0.1]", "" },
    { "mx.example Hello [IPv6:::1]", "" },
    { "mx.example Hello [IPv6:fe80::1]", "" },
    { "mx.example Hello [IPv6:fe80::1%eth0]", "" },
    { "mx.example Hello [fd00::1]", "" },
};

static void who_this_end_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        struct ehlo e = parse(clients[i].line);
        char ip[ADDRESS_TEXT] = "";
        if (e.has_client)
            address_text(&e.client, ip);
        if (strcmp(ip, clients[i].address) != 0)
            fail_msg("%s: \"%s\"", clients[i].line, ip);
    }
    assert_false(parse("mx.example\nHello [203.0.113.7]").has_client);
}

static void masks(void **state)
{
    static const char *const greetings[] = { "****************", "*****2****2002****0*00",
                                             "**** 20 **", NULL },
                             *const honest_greetings[] = { "mx.example ESMTP",
                                                           "**** mx.example",
                                                           "",
                                                           "2002 20",
                                                           "***",
                                                           NULL },
                             *const keywords[] = { "XXXXXXXA",      "XXXXXXXX", "XXXB",
                                                   "XXXXXXXXXXC 1", "****",     NULL },
                             *const honest_keywords[] = {
                                 "STARTTLS", "XCLIENT NAME", "XXX", "X-EXPS", "XXXX-1",
                                 "xxxxxxxa", "XXXXAB",       "",    NULL
                             };

    (void)state;
    for (const char *const *p = greetings; *p != NULL; p++)
        assert_true(masked_greeting(*p));
    for (const char *const *p = honest_greetings; *p != NULL; p++)
        assert_false(masked_greeting(*p));
    for (const char *const *p = keywords; *p != NULL; p++)
        assert_true(masked_keyword(*p));
    for (const char *const *p = honest_keywords; *p != NULL; p++)
        assert_false(masked_keyword(*p));
    assert_true(parse("mx\nPIPELINING\nXXXXXXXA\n8BITMIME").masked);
    assert_false(parse("XXXXXXXA\nPIPELINING").masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_this_end_is), cmocka_unit_test(masks),
        cmocka_unit_test(all_of_it),       cmocka_unit_test(none_of_it),
        cmocka_unit_test(mechanisms),      cmocka_unit_test(sizes),
        cmocka_unit_test(bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
