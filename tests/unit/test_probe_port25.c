/* SPDX-License-Identifier: BSD-2-Clause */
/* One probe, from the SYN to its outcome. */
#include "tests/unit/unit.h"

#include "daemon/probe/probe.h"
#include "lib/clock.h"
#include "tests/unit/fake_ca.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <stdio.h>
#include <string.h>

static struct event_base *base;
static struct fake_ca *ca;
static struct tls_trust *trust;
static bool has_network;
static struct probe_settings settings;

static struct probe_result result;
static bool ended;
static struct probe *probe;

/* With NULL no STARTTLS is tried. */
static struct tls_trust *plan_trust;
static enum probe_tls plan_tls;
static const char *plan_host = "mx.example";

static int set_up(void **state)
{
    char why[256];

    (void)state;
    base = loop_new();
    ca = fake_ca_new();
    trust = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    has_network = fake_net_enter();
    snprintf(settings.helo_name, sizeof settings.helo_name, "host.example");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_trust_free(trust);
    fake_ca_free(ca);
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
    struct probe_plan plan = { .address = *to,
                               .host = plan_host,
                               .tls = plan_tls,
                               .trust = plan_trust,
                               .settings = as,
                               .deadline_ms = deadline_ms };

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

    /* Without certificates to judge by, STARTTLS would teach nothing. */
    server = fake_smtp_new(base, "127.0.0.1", HELLO "S: 250-mx\nS: 250 STARTTLS\n" BYE, NULL);
    run(fake_smtp_address(server), soon(5000));
    assert_string_equal(fake_smtp_heard(server), "EHLO host.example\nQUIT\n");
    fake_smtp_free(server);
}

/* A byte at a time, never to the end. */
static void a_tarpit(void **state)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", "D: 220 mx\n", NULL);

    (void)state;
    run(fake_smtp_address(server), soon(200));
    compare("tarpit", OUTCOME_NO_BANNER, 0,
            "connected, then no banner in 0.2 s, 6 bytes of it came");
    fake_smtp_free(server);

    server = fake_smtp_new(base, "127.0.0.1", HELLO "D: 2\n", NULL);
    run(fake_smtp_address(server), soon(200));
    compare("tarpit at EHLO", OUTCOME_NO_BANNER, 0,
            "connected, then no reply to EHLO in 0.2 s, 1 byte of it came");
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

/* TLS */

#define OFFERS    "S: 250-mx.example Hello [203.0.113.7]\nS: 250 STARTTLS\nC: STARTTLS\n"
#define UNTIL_TLS HELLO OFFERS "S: 220 go\nTLS\n"
#define AGAIN     "C: EHLO host.example\nS: 250 mx.example\n"

/* One probe of a server with SCRIPT and CONTEXT (whose reference is given up), of which TLS is
 * known.
 */
static void probe_tls(const char *script, SSL_CTX *context, enum probe_tls tls, int64_t ms)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", script, context);

    plan_trust = trust;
    plan_tls = tls;
    run(fake_smtp_address(server), soon(ms));
    plan_trust = NULL;
    plan_tls = PROBE_TLS_MAY;
    fake_smtp_check(server);
    assert_null(strstr(fake_smtp_heard(server), "MAIL"));
    fake_smtp_free(server);
    SSL_CTX_free(context);
}

static SSL_CTX *good(void)
{
    return fake_ca_server(ca, "mx.example", -1, 30);
}

static void starttls(void **state)
{
    char ip[ADDRESS_TEXT];

    (void)state;
    for (enum probe_tls tls = PROBE_TLS_MAY; tls <= PROBE_TLS_SECURE; tls++) {
        probe_tls(UNTIL_TLS AGAIN BYE, good(), tls, 5000);
        compare("STARTTLS", OUTCOME_OPEN, 250, "220 mx.example ESMTP");
        assert_true(result.starttls_offered);
        assert_true(result.tls.established && result.tls.verified);
        assert_string_equal(result.tls.protocol, "TLSv1.3");
        assert_int_equal(result.tls.days_left, 30);
        assert_int_equal(strlen(result.tls.fingerprint), 64);
        assert_string_equal(result.ehlo_name, "mx.example");
        assert_false(result.masked);
        assert_true(result.has_public_address); /* which is not repeated under TLS */
        address_text(&result.public_address, ip);
        assert_string_equal(ip, "203.0.113.7");
    }
}

/* An address of the other family is not this connection's. */
static void an_address_of_the_other_family(void **state)
{
    (void)state;
    probe_tls(HELLO "S: 250 mx.example Hello [IPv6:2001:db8::7]\n" BYE, NULL, PROBE_TLS_MAY, 5000);
    compare("IPv6", OUTCOME_OPEN, 250, "220 mx.example ESMTP");
    assert_false(result.has_public_address);
}

static void starttls_missing(void **state)
{
    static const char script[] = HELLO "S: 250-mx.example\nS: 250 SIZE\n" BYE;
    static const char detail[] =
        "220 mx.example ESMTP; STARTTLS is not offered, which this operator "
        "is known to offer";

    (void)state;
    probe_tls(script, NULL, PROBE_TLS_MAY, 5000);
    compare("may", OUTCOME_OPEN, 250, "220 mx.example ESMTP");
    assert_false(result.starttls_offered || result.tls.established || result.tls.has_certificate);
    probe_tls(script, NULL, PROBE_TLS_ENCRYPT, 5000);
    compare("encrypt", OUTCOME_NO_STARTTLS, 250, detail);
    probe_tls(script, NULL, PROBE_TLS_SECURE, 5000);
    compare("secure", OUTCOME_NO_STARTTLS, 250, detail);
    probe_tls(HELLO "S: 502 what?\nC: HELO\nS: 250 mx.example\n" BYE, NULL, PROBE_TLS_ENCRYPT,
              5000);
    compare("HELO", OUTCOME_NO_STARTTLS, 250, detail);
}

#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxx"

static const struct {
    const char *what, *script, *detail;
} broken[] = {
    { "refused", HELLO OFFERS "S: 454 4.7.0 TLS not available\n" BYE,
      "STARTTLS is refused: 454 4.7.0 TLS not available" },
    { "closed at once", HELLO OFFERS "CLOSE\n", "connection closed by the other side at STARTTLS" },
    { "trailing plaintext", HELLO OFFERS "S: 220 go\nS: 250 mx.example\n",
      "plaintext behind the reply to STARTTLS" },
    { "garbage", HELLO OFFERS "S: 220 go\nC: \x16\nR: What is that supposed to mean?\n",
      "wrong version number at TLS handshake" },
    { "closed in the handshake", HELLO OFFERS "S: 220 go\nC: \x16\nCLOSE\n",
      "connection closed by the other side at TLS handshake" },
    { "reset in the handshake", HELLO OFFERS "S: 220 go\nC: \x16\nRESET\n",
      "Connection reset by peer at TLS handshake" },
    { "closed under TLS", UNTIL_TLS "C: EHLO\nCLOSE\n",
      "connection closed by the other side at EHLO under TLS" },
    { "10,000 lines under TLS", UNTIL_TLS "C: EHLO\nF: 10000 250-X\\r\\n\n",
      "a reply of too many lines at EHLO under TLS" },
    { "an endless line under TLS", UNTIL_TLS "C: EHLO\nF: 20000 250-XXXXXXXXXXXX\n",
      "a reply that is too long at EHLO under TLS" },
    { "much before TLS and under it",
      HELLO "R: 250-mx.example\\r\\n\nF: 190 250-" X100 X100 X100 "\\r\\n\nS: 250 STARTTLS\n"
            "C: STARTTLS\nS: 220 go\nTLS\nC: EHLO\nF: 190 250-" X100 X100 X100 "\\r\\n\n",
      "more data than any session needs at EHLO under TLS" },
    { "NUL under TLS", UNTIL_TLS "C: EHLO\nR: 250 mx\\0\\r\\n\n", "a NUL byte at EHLO under TLS" },
};

/* Postfix would fall back to plaintext at its next attempt; that it has to is worth knowing. */
static void sessions_that_break_in_tls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        probe_tls(broken[i].script, good(), PROBE_TLS_MAY, 5000);
        compare(broken[i].what, OUTCOME_TLS_FAILED, result.code, broken[i].detail);
        assert_true(result.connected && result.starttls_offered);
        assert_string_equal(result.banner, "mx.example ESMTP");
        assert_string_equal(result.ehlo_name, "mx.example");
    }
}

static void refused_under_tls_is_refused(void **state)
{
    (void)state;
    probe_tls(UNTIL_TLS "C: EHLO\nS: 554 5.7.1 go away\n" BYE, good(), PROBE_TLS_MAY, 5000);
    compare("554", OUTCOME_REJECTED, 554, "554 5.7.1 go away");
}

static void a_handshake_that_hangs(void **state)
{
    (void)state;
    probe_tls(HELLO OFFERS "S: 220 go\n", NULL, PROBE_TLS_MAY, 300);
    compare("hangs", OUTCOME_TLS_FAILED, 0, "no reply to TLS handshake in 0.3 s");
    assert_true(result.connected);
    probe_tls(HELLO OFFERS, NULL, PROBE_TLS_MAY, 300);
    compare("no reply", OUTCOME_TLS_FAILED, 0, "no reply to STARTTLS in 0.3 s");
    probe_tls(UNTIL_TLS "C: EHLO\nR: 250-mx\n", good(), PROBE_TLS_MAY, 300);
    compare("no EHLO", OUTCOME_TLS_FAILED, 0,
            "no reply to EHLO under TLS in 0.3 s, 6 bytes of it came");
}

static SSL_CTX *expired(void)
{
    return fake_ca_server(ca, "mx.example", -40, -12);
}

static SSL_CTX *self_signed(void)
{
    return fake_ca_server(NULL, "mx.example", -1, 30);
}

static SSL_CTX *other_name(void)
{
    return fake_ca_server(ca, "proxy.provider.example", -1, 30);
}

static const struct {
    SSL_CTX *(*make)(void);
    const char *says; /* stands in the detail */
    int days_left;
} certificates[] = {
    { expired, ", 12 days ago", -12 },
    { self_signed, "self-signed certificate", 30 },
    { other_name, "certificate is for proxy.provider.example, not for mx.example", 30 },
};

static void expect_certificate(size_t i, enum outcome outcome, const char *begins)
{
    if (result.outcome != outcome || strncmp(result.detail, begins, strlen(begins)) != 0 ||
        strstr(result.detail, certificates[i].says) == NULL)
        fail_msg("certificate %zu: %s, \"%s\"", i, outcome_name(result.outcome), result.detail);
    assert_true(result.tls.established);
    assert_false(result.tls.verified);
    assert_int_equal(result.tls.days_left, certificates[i].days_left);
}

static void bad_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof certificates / sizeof certificates[0]; i++) {
        probe_tls(UNTIL_TLS AGAIN BYE, certificates[i].make(), PROBE_TLS_MAY, 5000);
        expect_certificate(i, OUTCOME_OPEN, "220 mx.example ESMTP; ");
        probe_tls(UNTIL_TLS AGAIN BYE, certificates[i].make(), PROBE_TLS_ENCRYPT, 5000);
        expect_certificate(i, OUTCOME_OPEN, "220 mx.example ESMTP; ");
        probe_tls(UNTIL_TLS AGAIN BYE, certificates[i].make(), PROBE_TLS_SECURE, 5000);
        expect_certificate(i, OUTCOME_TLS_FAILED, i == 1 ? "self-signed" : "certificate ");
    }
}

/* Nobody's certificate is for an address. */
static void the_certificate_of_a_literal(void **state)
{
    (void)state;
    plan_host = NULL;
    probe_tls(UNTIL_TLS AGAIN BYE, good(), PROBE_TLS_MAY, 5000);
    compare("may", OUTCOME_OPEN, 250, "220 mx.example ESMTP");
    assert_false(result.tls.verified);
    probe_tls(UNTIL_TLS AGAIN BYE, good(), PROBE_TLS_SECURE, 5000);
    compare("secure", OUTCOME_TLS_FAILED, 250, "certificate is for mx.example, not for 127.0.0.1");
    probe_tls(UNTIL_TLS AGAIN BYE, self_signed(), PROBE_TLS_MAY, 5000);
    compare("self-signed", OUTCOME_OPEN, 250, "220 mx.example ESMTP; self-signed certificate");
    plan_host = "mx.example";
}

static void a_chain_of_a_megabyte(void **state)
{
    SSL_CTX *context = good();
    int bytes = i2d_X509(SSL_CTX_get0_certificate(context), NULL);

    (void)state;
    for (int sent = 0; sent < 1024 * 1024; sent += bytes)
        assert_int_equal(SSL_CTX_add1_chain_cert(context, SSL_CTX_get0_certificate(context)), 1);
    probe_tls(UNTIL_TLS, context, PROBE_TLS_MAY, 5000);
    compare("chain", OUTCOME_TLS_FAILED, 0,
            "a certificate chain of more than 64 KiB, or another TLS message too long at TLS "
            "handshake");
}

static void masked_by_a_firewall(void **state)
{
    static const char says[] = "something between masks what the server says and offers";
    char detail[PROBE_DETAIL];

    (void)state;
    for (enum probe_tls tls = PROBE_TLS_MAY; tls <= PROBE_TLS_ENCRYPT; tls++) {
        probe_tls(HELLO "S: 250-mx.example\nS: 250-XXXXXXXA\nS: 250 8BITMIME\n" BYE, NULL, tls,
                  5000);
        snprintf(detail, sizeof detail, "220 mx.example ESMTP; %s", says);
        compare("inspection", OUTCOME_INTERCEPTED, 250, detail);
        assert_true(result.masked);
        probe_tls("S: 220 *****2****0*00\nC: EHLO\nS: 500 what?\nC: HELO\nS: 250 mx\n" BYE, NULL,
                  tls, 5000);
        snprintf(detail, sizeof detail, "220 *****2****0*00; %s", says);
        compare("fixup", OUTCOME_INTERCEPTED, 250, detail);
    }
    /* Whom TLS can be had with speaks for itself. */
    probe_tls("S: 220 *************\nC: EHLO\n" OFFERS "S: 220 go\nTLS\n" AGAIN BYE, good(),
              PROBE_TLS_MAY, 5000);
    compare("TLS", OUTCOME_OPEN, 250, "220 *************");
    assert_true(result.masked && result.tls.verified);
}

static void stopping_in_tls(void **state)
{
    static const char *const scripts[] = { HELLO OFFERS "S: 220 go\nC: \x16\n",
                                           UNTIL_TLS "C: EHLO\n", UNTIL_TLS AGAIN "C: QUIT\n" };
    SSL_CTX *context = good();

    (void)state;
    plan_trust = trust;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", scripts[i], context);
        ended = false;
        probe = start(fake_smtp_address(server), &settings, soon(5000));
        loop_until(base, fake_smtp_finished(server));
        probe_stop(probe);
        assert_false(loop_watch(base, &ended, 20));
        fake_smtp_free(server);
    }
    plan_trust = NULL;
    SSL_CTX_free(context);
}

/* A probe keeps the store as long as it needs it. */
static void the_trust_is_held(void **state)
{
    char why[256];
    SSL_CTX *context = good();
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", UNTIL_TLS AGAIN BYE, context);

    (void)state;
    plan_trust = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    ended = false;
    probe = start(fake_smtp_address(server), &settings, soon(5000));
    tls_trust_free(plan_trust);
    plan_trust = NULL;
    loop_until(base, &ended);
    compare("held", OUTCOME_OPEN, 250, "220 mx.example ESMTP");
    assert_true(result.tls.verified);
    fake_smtp_free(server);
    SSL_CTX_free(context);
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
        cmocka_unit_test(a_tarpit),
        cmocka_unit_test(silence_after_the_banner),
        cmocka_unit_test(starttls),
        cmocka_unit_test(an_address_of_the_other_family),
        cmocka_unit_test(starttls_missing),
        cmocka_unit_test(sessions_that_break_in_tls),
        cmocka_unit_test(refused_under_tls_is_refused),
        cmocka_unit_test(a_handshake_that_hangs),
        cmocka_unit_test(bad_certificates),
        cmocka_unit_test(the_certificate_of_a_literal),
        cmocka_unit_test(a_chain_of_a_megabyte),
        cmocka_unit_test(masked_by_a_firewall),
        cmocka_unit_test(stopping_in_tls),
        cmocka_unit_test(the_trust_is_held),
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
