/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe's session, banner, EHLO, QUIT, with servers good, bad and hostile. */
#include "tests/unit/unit.h"

#include "lib/clock.h"
#include "tests/unit/loop.h"
#include "tests/unit/smtp_session.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_good_server(void **state)
{
    struct smtp_plan plan = probe_plan();
    char *heard =
        session_run(HELLO "S: 250-mx.example\nS: 250-STARTTLS\nS: 250 SIZE 99\n" BYE, NULL, &plan);

    (void)state;
    session_ended("good", SMTP_OK, SMTP_DONE, 250, "250 mx.example");
    assert_string_equal(report.banner, "mx.example ESMTP");
    assert_string_equal(report.ehlo.name, "mx.example");
    assert_true(report.ehlo.starttls);
    assert_int_equal(report.ehlo.size, 99);
    assert_false(report.tls.established);
    assert_string_equal(heard, "EHLO host.example\nQUIT\n");
    free(heard);
}

static void a_server_without_ehlo(void **state)
{
    struct smtp_plan plan = probe_plan();
    char *heard = session_run(
        HELLO "S: 502 5.5.2 what?\nC: HELO host.example\nS: 250 mx.example\n" BYE, NULL, &plan);

    (void)state;
    session_ended("HELO", SMTP_OK, SMTP_DONE, 250, "250 mx.example");
    assert_string_equal(heard, "EHLO host.example\nHELO host.example\nQUIT\n");
    free(heard);
}

static void byte_by_byte(void **state)
{
    struct smtp_plan plan = probe_plan();

    (void)state;
    free(
        session_run("D: 220 mx.example\\r\\n\nC: EHLO\n"
                    "D: 250-mx.example\\r\\n250 8BITMIME\\r\\n\nC: QUIT\nD: 221 bye\\r\\n\nCLOSE\n",
                    NULL, &plan));
    session_ended("drip", SMTP_OK, SMTP_DONE, 250, "mx.example");
    assert_true(report.ehlo.eightbitmime);
}

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X300 X50 X50 X50 X50 X50 X50

static const struct smtp_row rows[] = {
    { "554 banner", "S: 554 5.7.1 blocked\n" BYE, SMTP_REJECTED, SMTP_BANNER, 554,
      "554 5.7.1 blocked" },
    { "421 banner", "S: 421 4.3.2 later\n" BYE, SMTP_REJECTED, SMTP_BANNER, 421,
      "421 4.3.2 later" },
    { "421 and closed", "S: 421 busy\nCLOSE\n", SMTP_REJECTED, SMTP_BANNER, 421, "421 busy" },
    { "421 and reset", "S: 421 busy\nC: QUIT\nRESET\n", SMTP_REJECTED, SMTP_BANNER, 421,
      "421 busy" },
    { "banner of many lines",
      "S: 220-mx.example\nS: 220-rules\nS: 220 more\nC: EHLO\nS: 250 mx\n" BYE, SMTP_OK, SMTP_DONE,
      250, "250 mx" },
    { "odd banner", "S: 211 help\n", SMTP_MALFORMED, SMTP_BANNER, 0, "unexpected code 211" },
    { "354 banner", "S: 354 go\n", SMTP_MALFORMED, SMTP_BANNER, 0, "unexpected code 354" },
    { "closed at once", "CLOSE\n", SMTP_CLOSED, SMTP_BANNER, 0, "closed" },
    { "reset at once", "RESET\n", SMTP_CLOSED, SMTP_BANNER, 0, "reset" },
    { "half a banner", "R: 220 mx\nCLOSE\n", SMTP_CLOSED, SMTP_BANNER, 0, "closed" },
    { "web server", "S: HTTP/1.1 400 Bad Request\n", SMTP_MALFORMED, SMTP_BANNER, 0, "reply code" },
    { "SSH", "S: SSH-2.0-OpenSSH_9.2p1\n", SMTP_MALFORMED, SMTP_BANNER, 0, "reply code" },
    { "NUL", "R: 220 mx\\0.example\\r\\n\n", SMTP_MALFORMED, SMTP_BANNER, 0, "NUL" },
    { "bare CR", "R: 220 mx\\r250 x\\r\\n\n", SMTP_MALFORMED, SMTP_BANNER, 0, "carriage return" },
    { "bare LF", "R: 220 mx\\n\nC: EHLO\nR: 250-mx\\n250 SIZE\\n\n" BYE, SMTP_OK, SMTP_DONE, 250,
      "250 mx" },
    { "endless line", "R: 220 \nF: 20000 xxxxxxxxxxxxxxxx\n", SMTP_MALFORMED, SMTP_BANNER, 0,
      "too long" },
    { "speaks ahead", "S: 220 mx\nS: 250 mx\n", SMTP_MALFORMED, SMTP_BANNER, 0,
      "more than one reply" },
    { "EHLO 4xx", HELLO "S: 450 4.7.1 greylisted\n" BYE, SMTP_REJECTED, SMTP_EHLO, 450,
      "450 4.7.1 greylisted" },
    { "EHLO and HELO 5xx", HELLO "S: 502 no\nC: HELO\nS: 550 5.7.1 never\n" BYE, SMTP_REJECTED,
      SMTP_HELO, 550, "550 5.7.1 never" },
    { "EHLO 5xx and closed", HELLO "S: 554 5.7.1 blocked\nCLOSE\n", SMTP_REJECTED, SMTP_HELO, 554,
      "554 5.7.1 blocked" },
    { "EHLO 5xx and reset", HELLO "S: 554 blocked\nC: HELO\nRESET\n", SMTP_REJECTED, SMTP_HELO, 554,
      "554 blocked" },
    { "EHLO 5xx and junk", HELLO "S: 554 blocked\nC: HELO\nS: junk\n", SMTP_REJECTED, SMTP_HELO,
      554, "554 blocked" },
    { "EHLO 220", HELLO "S: 220 what\n", SMTP_MALFORMED, SMTP_EHLO, 0, "unexpected code 220" },
    { "closed at EHLO", HELLO "CLOSE\n", SMTP_CLOSED, SMTP_EHLO, 0, "closed" },
    { "reset at EHLO", HELLO "RESET\n", SMTP_CLOSED, SMTP_EHLO, 0, "reset" },
    { "mixed codes", HELLO "S: 250-a\nS: 251 b\n", SMTP_MALFORMED, SMTP_EHLO, 0,
      "different codes" },
    { "10000 lines", HELLO "F: 10000 250-X\\r\\n\n", SMTP_MALFORMED, SMTP_EHLO, 0,
      "too many lines" },
    { "200 lines", HELLO "F: 199 250-X\\r\\n\nS: 250 SMTPUTF8\n" BYE, SMTP_OK, SMTP_DONE, 250,
      "250 X" },
    { "much of everything",
      "F: 150 220-" X300 "\\r\\n\nS: 220 mx\nC: EHLO\nF: 199 250-" X300 "\\r\\n\n", SMTP_MALFORMED,
      SMTP_EHLO, 0, "more data than any session needs" },
    { "closed at QUIT", HELLO "S: 250 mx\nC: QUIT\nCLOSE\n", SMTP_OK, SMTP_DONE, 250, "250 mx" },
    { "reset at QUIT", HELLO "S: 250 mx\nC: QUIT\nRESET\n", SMTP_OK, SMTP_DONE, 250, "250 mx" },
    { "junk at QUIT", HELLO "S: 250 mx\nC: QUIT\nS: ???\n", SMTP_OK, SMTP_DONE, 250, "250 mx" },
    { "500 at QUIT", HELLO "S: 250 mx\nC: QUIT\nS: 500 no\n", SMTP_OK, SMTP_DONE, 250, "250 mx" },
    { "terminal codes", "R: 554 \\e[2Jgone\\r\\n\n" BYE, SMTP_REJECTED, SMTP_BANNER, 554,
      "554 ?[2Jgone" },
};

static void servers_of_all_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_plan plan = probe_plan();
        session_check(&rows[i], NULL, &plan);
        assert_int_equal(passwords_given, 0);
    }
}

static const struct smtp_row silences[] = {
    { "no banner", "", SMTP_TIMEOUT, SMTP_BANNER, 0, "no banner in 0." },
    { "half a banner", "S: 220-mx\n", SMTP_TIMEOUT, SMTP_BANNER, 0, "no banner" },
    { "no EHLO", HELLO, SMTP_TIMEOUT, SMTP_EHLO, 0, "no reply to EHLO in 0." },
    { "half an EHLO", HELLO "S: 250-mx\n", SMTP_TIMEOUT, SMTP_EHLO, 0, "no reply to EHLO in 0." },
    { "no HELO", HELLO "S: 500 what\nC: HELO\n", SMTP_REJECTED, SMTP_HELO, 500, "500 what" },
};

static void silence_meets_the_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof silences / sizeof silences[0]; i++) {
        struct smtp_plan plan = probe_plan();
        plan.deadline_ms = soon(150);
        session_check(&silences[i], NULL, &plan);
        assert_true(report.settled_ms >= plan.deadline_ms - COARSE);
    }
}

static void a_deadline_in_the_past(void **state)
{
    struct smtp_plan plan = probe_plan();

    (void)state;
    plan.deadline_ms = soon(-1000);
    free(session_run("", NULL, &plan));
    session_ended("past", SMTP_TIMEOUT, SMTP_BANNER, 0, "no banner");
}

/* The result stands before QUIT, whose reply may not take all the time there is. */
static void quit_is_not_waited_for(void **state)
{
    struct smtp_plan plan = probe_plan();
    int64_t before = clock_mono_ms();

    (void)state;
    free(session_run(HELLO "S: 250 mx\nC: QUIT\n", NULL, &plan));
    session_ended("QUIT", SMTP_OK, SMTP_DONE, 250, "250 mx");
    assert_true(clock_mono_ms() - report.settled_ms >= 900);
    assert_true(clock_mono_ms() - before < 5000);

    plan.deadline_ms = soon(200);
    free(session_run(HELLO "S: 250 mx\nC: QUIT\n", NULL, &plan));
    session_ended("QUIT at the deadline", SMTP_OK, SMTP_DONE, 250, "250 mx");
    assert_true(clock_mono_ms() - report.settled_ms < 900);
}

static void a_name_that_cannot_be_sent(void **state)
{
    static const char *const names[] = { "", "a b", "a\r\nMAIL FROM:<x@y>", "caf\xc3\xa9", NULL };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct smtp_plan plan = probe_plan();
        plan.helo_name = names[i];
        char *heard = session_run("S: 220 mx\nC: EHLO\nS: 250 mx\n" BYE, NULL, &plan);
        assert_string_equal(heard, "EHLO [127.0.0.1]\nQUIT\n");
        free(heard);
    }
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd != -1 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;

    if (fd != -1)
        close(fd);
    return has;
}

static void over_ipv6(void **state)
{
    struct smtp_plan plan = probe_plan();

    (void)state;
    if (!has_ipv6())
        skip();
    plan.helo_name = "";
    struct fake_smtp *server =
        session_begin("::1", "S: 220 mx\nC: EHLO [IPv6:::1]\nS: 250 mx\n" BYE, NULL, &plan);
    loop_until(base, &reported);
    fake_smtp_check(server);
    session_ended("IPv6", SMTP_OK, SMTP_DONE, 250, "250 mx");
    fake_smtp_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server),
        cmocka_unit_test(a_server_without_ehlo),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(servers_of_all_kinds),
        cmocka_unit_test(silence_meets_the_deadline),
        cmocka_unit_test(a_deadline_in_the_past),
        cmocka_unit_test(quit_is_not_waited_for),
        cmocka_unit_test(a_name_that_cannot_be_sent),
        cmocka_unit_test(over_ipv6),
    };

    return cmocka_run_group_tests(tests, session_set_up, session_tear_down);
}
