/* SPDX-License-Identifier: BSD-2-Clause */
/* A relay's session, STARTTLS and AUTH, and who gets to see the password. */
#include "tests/unit/unit.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include "tests/unit/loop.h"
#include "tests/unit/smtp_session.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static SSL_CTX *good, *expired, *other_name, *self_signed;

static int set_up(void **state)
{
    if (session_set_up(state) == -1)
        return -1;
    good = fake_ca_server(ca, SERVER_NAME, -1, 30);
    expired = fake_ca_server(ca, SERVER_NAME, -30, -1);
    other_name = fake_ca_server(ca, "other.test.example", -1, 30);
    self_signed = fake_ca_server(NULL, SERVER_NAME, -1, 30);
    return 0;
}

static int tear_down(void **state)
{
    SSL_CTX_free(good);
    SSL_CTX_free(expired);
    SSL_CTX_free(other_name);
    SSL_CTX_free(self_signed);
    return session_tear_down(state);
}

static void by_starttls(void **state)
{
    static const char message[] = USER "\0" USER "\0" PASSWORD;
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
    char *heard =
        session_run(HELLO "S: 250-mx.example\nS: 250-SIZE 1000\nS: 250 STARTTLS\nC: STARTTLS\n"
                          "S: 220 go\nTLS\nC: EHLO host.example\n"
                          "S: 250-mx.example\nS: 250 AUTH PLAIN LOGIN\nC: AUTH \n"
                          "S: 235 2.7.0 welcome\n" BYE,
                    good, &plan);
    char expected[256], blob[128];

    (void)state;
    session_ended("relay", SMTP_OK, SMTP_DONE, 235, "235 2.7.0 welcome");
    assert_string_equal(report.enhanced, "2.7.0");
    assert_string_equal(report.banner, "mx.example ESMTP");
    assert_true(report.tls.established && report.tls.verified);
    assert_string_equal(report.tls.protocol, "TLSv1.3");
    assert_int_equal(report.tls.days_left, 30);
    assert_true(report.ehlo.has_auth);
    assert_false(report.ehlo.has_size); /* what was said in the clear is forgotten */
    assert_int_equal(passwords_given, 1);
    EVP_EncodeBlock((unsigned char *)blob, (const unsigned char *)message, sizeof message - 1);
    snprintf(expected, sizeof expected,
             "EHLO host.example\nSTARTTLS\nEHLO host.example\nAUTH PLAIN %s\nQUIT\n", blob);
    assert_string_equal(heard, expected);
    free(heard);
}

static void by_implicit_tls(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_IMPLICIT);

    (void)state;
    free(session_run("TLS\n" HELLO "S: 250-mx\nS: 250-STARTTLS\nS: 250 AUTH PLAIN\nC: AUTH PLAIN \n"
                     "S: 235 ok\n" BYE,
                     good, &plan));
    session_ended("implicit", SMTP_OK, SMTP_DONE, 235, "235 ok");
    assert_true(report.tls.verified);
    assert_string_equal(report.banner, "mx.example ESMTP");
}

static void with_login(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
    char *heard =
        session_run(UNTIL_AUTH("LOGIN") "LOGIN\nS: 334 VXNlcm5hbWU6\nC: YXBpa2V5\n"
                                        "S: 334 UGFzc3dvcmQ6\nC: Y29ycmVjdCBob3JzZSBiYXR0ZXJ5\n"
                                        "S: 235 ok\n" BYE,
                    good, &plan);

    (void)state;
    session_ended("LOGIN", SMTP_OK, SMTP_DONE, 235, "235 ok");
    assert_non_null(strstr(heard, "\nAUTH LOGIN\nYXBpa2V5\nY29ycmVjdCBob3JzZSBiYXR0ZXJ5\nQUIT\n"));
    free(heard);
}

static void with_cram_md5(void **state)
{
    static const char challenge[] = "<1896.697170952@mx.example>";
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    char clear[128] = USER " ", expected[256] = "\nAUTH CRAM-MD5\n";
    char *heard = session_run(
        UNTIL_AUTH("PLAIN CRAM-MD5") "CRAM-MD5\n"
                                     "S: 334 PDE4OTYuNjk3MTcwOTUyQG14LmV4YW1wbGU+\nC: \n"
                                     "S: 235 ok\n" BYE,
        good, &plan);

    (void)state;
    session_ended("CRAM-MD5", SMTP_OK, SMTP_DONE, 235, "235 ok");
    HMAC(EVP_md5(), PASSWORD, strlen(PASSWORD), (const unsigned char *)challenge, strlen(challenge),
         digest, &len);
    for (unsigned i = 0; i < len; i++)
        snprintf(clear + strlen(clear), 3, "%02x", digest[i]);
    EVP_EncodeBlock((unsigned char *)expected + strlen(expected), (unsigned char *)clear,
                    (int)strlen(clear));
    assert_non_null(strstr(heard, expected));
    free(heard);
}

static char *give_long_password(void *context, char *why, size_t whylen)
{
    char *password = memory_zero(1, SECRET_MAX + 1);
    (void)context;
    (void)why;
    (void)whylen;

    memset(password, 'p', SECRET_MAX);
    return password;
}

/* An initial response that would make the command line too long follows on its own. */
static void with_a_long_password(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);

    (void)state;
    plan.password = give_long_password;
    char *heard = session_run(
        UNTIL_AUTH("PLAIN") "PLAIN\nS: 334 \nC: YXBpa2V5AGFwaWtleQBwcHBwcHBw\nS: 235 ok\n" BYE,
        good, &plan);
    session_ended("long", SMTP_OK, SMTP_DONE, 235, "235 ok");
    assert_non_null(strstr(heard, "\nAUTH PLAIN\n"));
    free(heard);
}

static void without_a_user_name(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);

    (void)state;
    plan.username = NULL;
    free(session_run(UNTIL_TLS "C: EHLO\nS: 250 mx\n" BYE, good, &plan));
    session_ended("no user", SMTP_OK, SMTP_DONE, 250, "250 mx");
    assert_int_equal(passwords_given, 0);
}

static const struct smtp_row rows[] = {
    { "no STARTTLS", HELLO "S: 250-mx\nS: 250 AUTH PLAIN\n" BYE, SMTP_NO_STARTTLS, SMTP_EHLO, 0,
      "STARTTLS is not offered" },
    { "STARTTLS 454", HELLO OFFERS "S: 454 4.7.0 no TLS now\n" BYE, SMTP_NO_STARTTLS, SMTP_STARTTLS,
      454, "454 4.7.0 no TLS now" },
    { "STARTTLS 250", HELLO OFFERS "S: 250 ok\n", SMTP_MALFORMED, SMTP_STARTTLS, 0,
      "unexpected code 250" },
    { "trailing reply", HELLO OFFERS "S: 220 go\nS: 250-mx\nS: 250 AUTH PLAIN\n",
      SMTP_TRAILING_DATA, SMTP_STARTTLS, 0, "plaintext behind" },
    { "trailing byte", HELLO OFFERS "R: 220 go\\r\\nx\n", SMTP_TRAILING_DATA, SMTP_STARTTLS, 0,
      "plaintext behind" },
    { "EHLO 5xx", HELLO "S: 502 no\n" BYE, SMTP_REJECTED, SMTP_EHLO, 502, "502 no" },
    { "closed at STARTTLS", HELLO OFFERS "CLOSE\n", SMTP_CLOSED, SMTP_STARTTLS, 0, "closed" },
    { "closed in the handshake", HELLO OFFERS "S: 220 go\nC: \x16\nCLOSE\n", SMTP_CLOSED, SMTP_TLS,
      0, "closed" },
    { "reset in the handshake", HELLO OFFERS "S: 220 go\nC: \x16\nRESET\n", SMTP_CLOSED, SMTP_TLS,
      0, "reset" },
    { "closed under TLS", UNTIL_TLS "C: EHLO\nCLOSE\n", SMTP_CLOSED, SMTP_EHLO_AGAIN, 0, "closed" },
    { "rejected under TLS", UNTIL_TLS "C: EHLO\nS: 550 5.7.1 no\n" BYE, SMTP_REJECTED,
      SMTP_EHLO_AGAIN, 550, "550 5.7.1 no" },
    { "no AUTH", UNTIL_TLS "C: EHLO\nS: 250-mx\nS: 250 STARTTLS\n" BYE, SMTP_NO_AUTH,
      SMTP_EHLO_AGAIN, 0, "AUTH is not offered" },
    { "no mechanism", UNTIL_TLS "C: EHLO\nS: 250-mx\nS: 250 AUTH GSSAPI XOAUTH2\n" BYE,
      SMTP_NO_MECHANISM, SMTP_AUTH, 0, "GSSAPI XOAUTH2" },
    { "535", UNTIL_AUTH("PLAIN") "\nS: 535 5.7.8 bad credentials\n" BYE, SMTP_AUTH_FAILED,
      SMTP_AUTH, 535, "535 5.7.8 bad credentials" },
    { "454", UNTIL_AUTH("PLAIN") "\nS: 454 4.7.0 throttled\n" BYE, SMTP_AUTH_FAILED, SMTP_AUTH, 454,
      "454 4.7.0 throttled" },
    { "AUTH 250", UNTIL_AUTH("PLAIN") "\nS: 250 ok\n", SMTP_MALFORMED, SMTP_AUTH, 0,
      "unexpected code 250" },
    { "closed at AUTH", UNTIL_AUTH("PLAIN") "\nCLOSE\n", SMTP_CLOSED, SMTP_AUTH, 0, "closed" },
    { "bad challenge", UNTIL_AUTH("CRAM-MD5") "\nS: 334 !!!\n", SMTP_AUTH_FAILED, SMTP_AUTH, 0,
      "challenge" },
    { "challenge of two lines", UNTIL_AUTH("CRAM-MD5") "\nS: 334-PDE4\nS: 334 PDE4\n",
      SMTP_MALFORMED, SMTP_AUTH, 0, "challenge" },
    { "huge challenge", UNTIL_AUTH("CRAM-MD5") "\nR: 334 \nF: 1000 QUFB\nS: \n", SMTP_MALFORMED,
      SMTP_AUTH, 0, "challenge" },
    { "asks for ever",
      UNTIL_AUTH("LOGIN") "\nS: 334 VXNlcm5hbWU6\nC: \nS: 334 UGFzc3dvcmQ6\nC: \n"
                          "S: 334 VXNlcm5hbWU6\n",
      SMTP_AUTH_FAILED, SMTP_AUTH, 0, "challenge" },
};

static void relays_of_all_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
        session_check(&rows[i], good, &plan);
    }
}

static const struct smtp_row silences[] = {
    { "no STARTTLS", HELLO OFFERS, SMTP_TIMEOUT, SMTP_STARTTLS, 0, "no reply to STARTTLS" },
    { "no handshake", HELLO OFFERS "S: 220 go\n", SMTP_TIMEOUT, SMTP_TLS, 0,
      "no reply to TLS handshake" },
    { "no EHLO", UNTIL_TLS "C: EHLO\n", SMTP_TIMEOUT, SMTP_EHLO_AGAIN, 0,
      "no reply to EHLO under TLS" },
    { "no AUTH", UNTIL_AUTH("PLAIN") "\n", SMTP_TIMEOUT, SMTP_AUTH, 0, "no reply to AUTH" },
};

static void silence_meets_the_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof silences / sizeof silences[0]; i++) {
        struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
        plan.deadline_ms = soon(300);
        session_check(&silences[i], good, &plan);
        assert_true(report.settled_ms >= plan.deadline_ms - COARSE);
    }
}

/* The password must not even be read, let alone sent. */
static void bad_certificates_see_no_password(void **state)
{
    static const char *const scripts[] = {
        UNTIL_AUTH("PLAIN") "\nS: 235 thanks\n",
        "TLS\n" HELLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH\nS: 235 thanks\n",
    };
    static const enum smtp_tls kinds[] = { SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT };
    const struct {
        SSL_CTX *server;
        const char *why;
    } servers[] = {
        { expired, "certificate expired on" },
        { other_name, "certificate is for other.test.example, not for " SERVER_NAME },
        { self_signed, "self-signed certificate" },
    };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct smtp_plan plan = relay_plan(kinds[i % 2]);
        char *heard = session_run(scripts[i % 2], servers[i / 2].server, &plan);
        session_ended("bad certificate", SMTP_TLS_FAILED, SMTP_TLS, 0, servers[i / 2].why);
        assert_false(report.tls.established);
        assert_true(report.tls.has_certificate);
        assert_int_equal(passwords_given, 0);
        assert_null(strstr(heard, "AUTH"));
        free(heard);
    }
}

static void unverified_where_the_operator_says_so(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);

    (void)state;
    plan.verify = false;
    free(session_run(UNTIL_AUTH("PLAIN") "\nS: 235 ok\n" BYE, self_signed, &plan));
    session_ended("encrypt", SMTP_OK, SMTP_DONE, 235, "235 ok");
    assert_true(report.tls.established);
    assert_false(report.tls.verified);
    assert_string_equal(report.tls.why, "self-signed certificate");
}

static void no_tls_no_password(void **state)
{
    (void)state;
    for (int verify = 0; verify <= 1; verify++) {
        struct smtp_plan plan = relay_plan(SMTP_TLS_NONE);
        plan.verify = verify == 1;
        char *heard = session_run(HELLO "S: 250-mx\nS: 250 AUTH PLAIN CRAM-MD5\n" BYE, NULL, &plan);
        session_ended("plain", SMTP_NO_AUTH, SMTP_AUTH, 0, "under verified TLS alone");
        assert_int_equal(passwords_given, 0);
        assert_null(strstr(heard, "AUTH"));
        free(heard);
    }
}

static void not_a_tls_server(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);

    (void)state;
    free(session_run(HELLO OFFERS "S: 220 go\nC: \x16\nS: 500 what is this\n", NULL, &plan));
    session_ended("plaintext", SMTP_TLS_FAILED, SMTP_TLS, 0, "wrong version number");
    plan = relay_plan(SMTP_TLS_IMPLICIT);
    free(session_run("S: 220 mx.example ESMTP\n", NULL, &plan));
    session_ended("implicit", SMTP_TLS_FAILED, SMTP_TLS, 0, "wrong version number");
}

static void no_password_to_give(void **state)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
    char why[] = "/etc/password can be read by everybody";

    (void)state;
    plan.password_context = why;
    free(session_run(UNTIL_TLS "C: EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\n" BYE, good, &plan));
    session_ended("no password", SMTP_NO_PASSWORD, SMTP_AUTH, 0, why);
}

/* Servers quote what they did not understand; trace and report must not. */
static const char *const quoting[] = {
    UNTIL_AUTH("PLAIN") "\nS: 500 unknown: AUTH PLAIN "
                        "YXBpa2V5AGFwaWtleQBjb3JyZWN0IGhvcnNlIGJhdHRlcnk=\n" BYE,
    UNTIL_AUTH("PLAIN") "\nS: 535 wrong password " PASSWORD "\n" BYE,
    UNTIL_AUTH("PLAIN") "\nS: 535-wrong\nS: 535 password " PASSWORD "\n" BYE,
    UNTIL_AUTH("LOGIN") "\nS: 334 VXNlcm5hbWU6\nC: \nS: 334 UGFzc3dvcmQ6\nC: \n"
                        "S: 535 Y29ycmVjdCBob3JzZSBiYXR0ZXJ5\n" BYE,
    UNTIL_AUTH("PLAIN") "\nS: 235 welcome, " PASSWORD "\n" BYE,
    UNTIL_AUTH("LOGIN") "\nS: 334 Y29ycmVjdCBob3JzZSBiYXR0ZXJ5\nC: \nS: 535 no\n" BYE,
};

/* What a session with full tracing writes to stderr; caller frees. */
static char *trace_of(const char *script)
{
    struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    char *text = memory_zero(1, 65536);

    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    log_open("test", true);
    free(session_run(script, good, &plan));
    log_open("test", false);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void nothing_tells_the_password(void **state)
{
    static const char *const telling[] = { "horse", "Y29ycmVjd", "jb3JyZWN0" };

    (void)state;
    for (size_t i = 0; i < sizeof quoting / sizeof quoting[0]; i++) {
        char *trace = trace_of(quoting[i]);
        assert_non_null(strstr(trace, "> EHLO host.example"));
        assert_non_null(strstr(trace, "> AUTH "));
        for (size_t k = 0; k < sizeof telling / sizeof telling[0]; k++) {
            assert_null(strstr(trace, telling[k]));
            assert_null(strstr(report.text, telling[k]));
        }
        free(trace);
    }
}

static void stopping_at_any_moment(void **state)
{
    static const char *const hangs[] = {
        "",
        HELLO,
        HELLO OFFERS,
        HELLO OFFERS "S: 220 go\nC: \x16\n",
        UNTIL_TLS "C: EHLO\n",
        UNTIL_AUTH("PLAIN") "\n",
        UNTIL_AUTH("PLAIN") "\nS: 535 no\nC: QUIT\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof hangs / sizeof hangs[0]; i++) {
        struct smtp_plan plan = relay_plan(SMTP_TLS_STARTTLS);
        struct fake_smtp *server = session_begin("127.0.0.1", hangs[i], good, &plan);
        loop_until(base, fake_smtp_finished(server));
        session_stop();
        assert_false(loop_watch(base, &reported, 20));
        fake_smtp_check(server);
        fake_smtp_free(server);
    }
    smtp_client_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_starttls),
        cmocka_unit_test(by_implicit_tls),
        cmocka_unit_test(with_login),
        cmocka_unit_test(with_cram_md5),
        cmocka_unit_test(with_a_long_password),
        cmocka_unit_test(without_a_user_name),
        cmocka_unit_test(relays_of_all_kinds),
        cmocka_unit_test(silence_meets_the_deadline),
        cmocka_unit_test(bad_certificates_see_no_password),
        cmocka_unit_test(unverified_where_the_operator_says_so),
        cmocka_unit_test(no_tls_no_password),
        cmocka_unit_test(not_a_tls_server),
        cmocka_unit_test(no_password_to_give),
        cmocka_unit_test(nothing_tells_the_password),
        cmocka_unit_test(stopping_at_any_moment),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
