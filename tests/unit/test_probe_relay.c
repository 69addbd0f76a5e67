/* SPDX-License-Identifier: BSD-2-Clause */
/* The proof of a relay, from its name to its answer to AUTH. */
#include "tests/unit/unit.h"

#include "daemon/probe/relay_check.h"
#include "lib/clock.h"
#include "lib/secret.h"
#include "tests/unit/fake_ca.h"
#include "tests/unit/fake_dns.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "relay.test.example"

static const char zone[] = NAME " A 127.0.0.1\n"
                                "*.far.example A 198.18.1.1\n"
                                "second.test.example A 127.0.0.2\n"
                                "second.test.example A 127.0.0.1\n"
                                "silent.test.example A 198.18.2.1\n"
                                "silent.test.example A 127.0.0.1\n"
                                "six.test.example AAAA ::1\n"
                                "mx.test.example MX 10 " NAME "\n"
                                "hang.test.example A SILENT\n"
                                "broken.test.example A SERVFAIL\n";

static struct event_base *base;
static struct fake_dns *resolver;
static struct dns *dns;
static struct fake_ca *ca;
static struct tls_trust *trust;
static SSL_CTX *good, *expired, *other_name, *second, *silent, *far;
static char password_file[] = "/tmp/detourd-password-XXXXXX";
static bool has_network;

static struct relay_check_result result;
static bool ended;
static struct relay_check *check;

static int set_up(void **state)
{
    char why[256];
    int fd = mkstemp(password_file);

    (void)state;
    base = loop_new();
    has_network = fake_net_enter();
    resolver = fake_dns_new(base, zone);
    dns = dns_new_with_servers(base, fake_dns_at(resolver));
    ca = fake_ca_new();
    trust = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    good = fake_ca_server(ca, NAME, -1, 30);
    expired = fake_ca_server(ca, NAME, -30, -2);
    other_name = fake_ca_server(ca, "other.test.example", -1, 30);
    second = fake_ca_server(ca, "second.test.example", -1, 30);
    silent = fake_ca_server(ca, "silent.test.example", -1, 30);
    far = fake_ca_server(ca, "relay.far.example", -1, 30);
    return fd != -1 && write(fd, "secret word\n", 12) == 12 && close(fd) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    SSL_CTX *const contexts[] = { good, expired, other_name, second, silent, far };

    (void)state;
    for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++)
        SSL_CTX_free(contexts[i]);
    tls_trust_free(trust);
    fake_ca_free(ca);
    dns_free(dns);
    fake_dns_free(resolver);
    loop_free(base);
    return unlink(password_file);
}

static void on_end(const struct relay_check_result *r, void *context)
{
    (void)context;
    assert_false(ended);
    result = *r;
    ended = true;
    relay_check_stop(check); /* harmless in here */
}

static struct relay_check_plan plan_for(const char *host, uint16_t port)
{
    struct relay_check_plan plan = {
        .host = host,
        .port = port,
        .username = "user",
        .password_file = password_file,
        .password_group = SECRET_NO_GROUP,
        .trust = trust,
        .verify = true,
        .families = DNS_ANY_FAMILY,
        .settings.helo_name = "host.example",
        .deadline_ms = soon(8000),
    };

    return plan;
}

static void begin(const struct relay_check_plan *plan)
{
    struct relay_check_plan copy = *plan;
    char host[256], username[64] = "", file[64] = "";

    /* Nothing of the plan is looked at later. */
    snprintf(host, sizeof host, "%s", plan->host);
    copy.host = host;
    if (plan->username != NULL)
        copy.username = strcpy(username, plan->username);
    if (plan->password_file != NULL)
        copy.password_file = strcpy(file, plan->password_file);
    ended = false;
    memset(&result, 0xee, sizeof result);
    check = relay_check_start(base, dns, &copy, on_end, NULL);
    assert_false(ended); /* never from inside the start */
    memset(host, 'x', sizeof host);
    memset(username, 'x', sizeof username);
    memset(file, 'x', sizeof file);
    memset(&copy, 0xee, sizeof copy);
}

static void run(const struct relay_check_plan *plan)
{
    begin(plan);
    loop_until(base, &ended);
}

static void compare(const char *what, enum relay_proof proof, int code, const char *detail)
{
    if (result.proof != proof || result.code != code || strstr(result.detail, detail) == NULL)
        fail_msg("%s: %s, code %d, \"%s\", not %s, code %d, \"%s\"", what,
                 relay_proof_name(result.proof), result.code, result.detail,
                 relay_proof_name(proof), code, detail);
}

/* A server for SCRIPT on loopback, and the check of NAME at its port. What was heard is in HEARD.
 */
static char heard[1024];

static void serve_and_run(const char *script, SSL_CTX *tls, struct relay_check_plan plan)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", script, tls);

    plan.port = address_port(fake_smtp_address(server));
    run(&plan);
    fake_smtp_check(server);
    snprintf(heard, sizeof heard, "%s", fake_smtp_heard(server));
    fake_smtp_free(server);
}

#define HELLO      "S: 220 mx.example ESMTP\nC: EHLO host.example\n"
#define BYE        "C: QUIT\nS: 221 bye\nCLOSE\n"
#define OFFERS     "S: 250-mx.example\nS: 250 STARTTLS\nC: STARTTLS\n"
#define UNTIL_TLS  HELLO OFFERS "S: 220 go\nTLS\n"
#define UNTIL_AUTH UNTIL_TLS "C: EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN \n"

static void proven(void **state)
{
    struct relay_check_plan plan = plan_for(NAME, 0);

    (void)state;
    if (geteuid() != 0)
        skip(); /* a password file has to be root's */
    serve_and_run(UNTIL_AUTH "S: 235 welcome\n" BYE, good, plan);
    compare("good", RELAY_PROVEN, 235, "TLSv1.3, certificate verified, authenticated");
    assert_true(result.verified && result.has_days_left);
    assert_int_equal(result.days_left, 30);
    assert_string_equal(result.protocol, "TLSv1.3");
    assert_true(result.reachable);
    assert_false(result.is_control); /* it is on this host */
    assert_true(result.has_address);
    assert_true(result.total_ms >= 0 && result.total_ms < 8000);
    /* "user\0user\0secret word" */
    assert_non_null(strstr(heard, "AUTH PLAIN dXNlcgB1c2VyAHNlY3JldCB3b3Jk\n"));
}

static void proven_by_implicit_tls(void **state)
{
    struct relay_check_plan plan = plan_for(NAME, 0);

    (void)state;
    if (geteuid() != 0)
        skip();
    plan.implicit_tls = true;
    serve_and_run("TLS\n" HELLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN \nS: 235 ok\n" BYE,
                  good, plan);
    compare("implicit", RELAY_PROVEN, 235, "verified, authenticated");
}

static void proven_without_user_name(void **state)
{
    struct relay_check_plan plan = plan_for(NAME, 0);

    (void)state;
    plan.username = NULL;
    plan.password_file = NULL;
    serve_and_run(UNTIL_TLS "C: EHLO\nS: 250 mx\n" BYE, good, plan);
    compare("no user", RELAY_PROVEN, 250, "certificate verified");
    assert_null(strstr(result.detail, "authenticated"));
}

static const struct {
    const char *script;
    enum relay_proof proof;
    int code;
    const char *detail;
} rows[] = {
    { "CLOSE\n", RELAY_NO_SMTP, 0, "connection closed by the other side at banner" },
    { "S: SSH-2.0-x\n", RELAY_NO_SMTP, 0, "reply code at banner" },
    { HELLO "CLOSE\n", RELAY_NO_SMTP, 0, "at EHLO" },
    { "S: 554 5.7.1 no\n" BYE, RELAY_REJECTED, 554, "554 5.7.1 no" },
    { HELLO "S: 502 no\n" BYE, RELAY_REJECTED, 502, "502 no" },
    { HELLO "S: 250-mx\nS: 250 AUTH PLAIN\n" BYE, RELAY_NO_STARTTLS, 0, "STARTTLS is not offered" },
    { HELLO OFFERS "S: 454 not now\n" BYE, RELAY_NO_STARTTLS, 454, "454 not now" },
    { HELLO OFFERS "S: 220 go\nS: 250 AUTH PLAIN\n", RELAY_TLS_FAILED, 0, "plaintext behind" },
    { HELLO OFFERS "S: 220 go\nC: \x16\nCLOSE\n", RELAY_TLS_FAILED, 0, "at TLS handshake" },
    { UNTIL_TLS "C: EHLO\nCLOSE\n", RELAY_NO_SMTP, 0, "at EHLO under TLS" },
    { UNTIL_TLS "C: EHLO\nS: 550 no\n" BYE, RELAY_REJECTED, 550, "550 no" },
    { UNTIL_TLS "C: EHLO\nS: 250 mx\n" BYE, RELAY_NO_AUTH, 0, "AUTH is not offered" },
    { UNTIL_TLS "C: EHLO\nS: 250-mx\nS: 250 AUTH XOAUTH2\n" BYE, RELAY_NO_AUTH, 0, "XOAUTH2" },
    { UNTIL_AUTH "S: 535 5.7.8 bad\n" BYE, RELAY_AUTH_FAILED, 535, "535 5.7.8 bad" },
    { UNTIL_AUTH "S: 535 5.7.8 bad: secret word\n" BYE, RELAY_AUTH_FAILED, 535, "withheld" },
    { UNTIL_AUTH "S: 454 4.7.0 quota\n" BYE, RELAY_AUTH_TEMPORARY, 454, "454 4.7.0 quota" },
    { UNTIL_AUTH "S: 421 4.7.0 bye\n" BYE, RELAY_AUTH_TEMPORARY, 421, "421 4.7.0 bye" },
    { UNTIL_AUTH "CLOSE\n", RELAY_AUTH_TEMPORARY, 0, "at AUTH" },
};

static void relays_of_all_kinds(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        serve_and_run(rows[i].script, good, plan_for(NAME, 0));
        compare(rows[i].script, rows[i].proof, rows[i].code, rows[i].detail);
        assert_true(result.reachable);
        assert_null(strstr(result.detail, "secret word"));
    }
}

static void bad_certificates(void **state)
{
    struct relay_check_plan plan = plan_for(NAME, 0);

    (void)state;
    serve_and_run(UNTIL_AUTH "S: 235 thanks\n", expired, plan);
    compare("expired", RELAY_TLS_FAILED, 0, "certificate expired on");
    assert_true(result.has_days_left && result.days_left < 0);
    assert_false(result.verified);
    assert_null(strstr(heard, "AUTH"));
    serve_and_run(UNTIL_AUTH "S: 235 thanks\n", other_name, plan);
    compare("other name", RELAY_TLS_FAILED, 0, "is for other.test.example, not for " NAME);
    assert_null(strstr(heard, "AUTH"));
}

static void unverified_where_the_operator_says_so(void **state)
{
    struct relay_check_plan plan = plan_for(NAME, 0);

    (void)state;
    if (geteuid() != 0)
        skip();
    plan.verify = false;
    serve_and_run(UNTIL_AUTH "S: 235 ok\n" BYE, other_name, plan);
    compare("encrypt", RELAY_PROVEN, 235, "not verified: certificate is for other.test.example");
    assert_false(result.verified);
}

static void password_files(void **state)
{
    static const char script[] = UNTIL_TLS "C: EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\n" BYE;
    struct relay_check_plan plan = plan_for(NAME, 0);

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(password_file, 0644), 0);
    serve_and_run(script, good, plan);
    compare("0644", RELAY_PASSWORD, 0, password_file);
    assert_null(strstr(heard, "AUTH"));
    assert_int_equal(chmod(password_file, 0600), 0);
    plan.password_file = "/nonexistent/password";
    serve_and_run(script, good, plan);
    compare("absent", RELAY_PASSWORD, 0, "/nonexistent/password");
    plan.password_file = NULL;
    serve_and_run(script, good, plan);
    compare("none", RELAY_PASSWORD, 0, "no password file");
}

static void names_that_lead_nowhere(void **state)
{
    struct relay_check_plan plan = plan_for("nowhere.example", 587);

    (void)state;
    run(&plan);
    compare("NXDOMAIN", RELAY_DNS_FAILED, 0, "no such domain: nowhere.example");
    assert_false(result.reachable || result.has_address || result.is_control);
    plan = plan_for("broken.test.example", 587);
    run(&plan);
    compare("SERVFAIL", RELAY_DNS_FAILED, 0, "failed to look up broken.test.example");
    /* A relay is a host: its domain's MX hosts are other machines. */
    plan = plan_for("mx.test.example", 587);
    run(&plan);
    compare("MX", RELAY_DNS_FAILED, 0, "mx.test.example has no address");
    plan = plan_for(NAME, 587);
    plan.families = DNS_IPV6;
    run(&plan);
    compare("family", RELAY_DNS_FAILED, 0, NAME " has no IPv6 address");
    plan = plan_for("hang.test.example", 587);
    plan.families = DNS_IPV4;
    plan.deadline_ms = soon(200);
    run(&plan);
    compare("deadline", RELAY_DNS_FAILED, 0, "hang.test.example in time");
    assert_true(result.total_ms < 2000);
}

/* A port of loopback's that nobody listens on. */
static uint16_t closed_port(void)
{
    struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", "", NULL);
    uint16_t port = address_port(fake_smtp_address(server));

    fake_smtp_free(server);
    return port;
}

static void nobody_there(void **state)
{
    struct relay_check_plan plan = plan_for(NAME, closed_port());
    char expected[100], where[ADDRESS_TEXT];

    (void)state;
    run(&plan);
    compare("closed", RELAY_NO_CONNECT, 0, "127.0.0.1: connection refused");
    assert_true(result.reachable); /* a refusal is an answer */
    assert_false(result.is_control);
    address_text(&result.address, where);
    snprintf(expected, sizeof expected, "%s:%u", where, address_port(&result.address));
    assert_string_equal(where, "127.0.0.1");

    if (!has_network)
        skip();
    plan = plan_for("198.18.2.1", 587);
    plan.deadline_ms = soon(300);
    run(&plan);
    compare("silent", RELAY_NO_CONNECT, 0, "198.18.2.1: no answer to SYN in 0.3 s");
    assert_false(result.reachable);
}

/* When one address does not answer, the next is tried, and there is time left for it. */
static void the_next_address(void **state)
{
    static const char script[] = UNTIL_TLS "C: EHLO\nS: 250 mx\n" BYE;
    struct relay_check_plan plan = plan_for("second.test.example", 0);

    (void)state;
    plan.username = NULL;
    serve_and_run(script, second, plan);
    compare("second", RELAY_PROVEN, 250, "verified");

    if (!has_network)
        skip();
    plan = plan_for("silent.test.example", 0);
    plan.username = NULL;
    plan.deadline_ms = soon(4000);
    int64_t before = clock_mono_ms();
    serve_and_run(script, silent, plan);
    compare("silent", RELAY_PROVEN, 250, "verified");
    assert_true(clock_mono_ms() - before >= 2000 - 2 * COARSE);
}

static void over_ipv6(void **state)
{
    struct relay_check_plan plan = plan_for("six.test.example", 0);

    (void)state;
    if (!has_network)
        skip();
    struct fake_smtp *server = fake_smtp_new(base, "::1", "S: 554 no\n" BYE, NULL);
    plan.port = address_port(fake_smtp_address(server));
    run(&plan);
    compare("IPv6", RELAY_REJECTED, 554, "554 no");
    fake_smtp_free(server);
}

/* A distant relay's answer, even a refusal, shows that the network is up. */
static void as_a_control(void **state)
{
    struct relay_check_plan plan = plan_for("relay.far.example", 0);
    struct fake_smtp *server;

    (void)state;
    if (!has_network)
        skip();
    plan.username = NULL;
    plan.settings.has_source[FAMILY_IPV4] = true;
    plan.settings.source[FAMILY_IPV4] = fake_net_address("198.18.100.1", 0);
    plan.settings.helo_name[0] = '\0';
    fake_net_to_internet();
    server = fake_smtp_new(
        base, "198.18.1.1",
        "S: 220 mx\nC: EHLO [198.18.100.1]\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n", far);
    fake_net_to_host();
    plan.port = address_port(fake_smtp_address(server));
    plan.deadline_ms = soon(500);
    run(&plan);
    fake_smtp_check(server);
    assert_true(result.is_control && result.reachable);
    fake_smtp_free(server);
    plan.deadline_ms = soon(4000);
    plan.port = 1;
    run(&plan);
    compare("closed", RELAY_NO_CONNECT, 0, "connection refused");
    assert_true(result.is_control && result.reachable);
}

static void free_dns(const struct relay_check_result *r, void *context)
{
    dns_free(context);
    on_end(r, NULL);
}

static void stopping(void **state)
{
    static const char *const scripts[] = { "", HELLO OFFERS "S: 220 go\nC: \x16\n",
                                           UNTIL_TLS "C: EHLO\n" };
    struct relay_check_plan plan = plan_for("hang.test.example", 587);

    (void)state;
    begin(&plan);
    assert_false(loop_watch(base, &ended, 20));
    relay_check_stop(check);
    for (size_t i = 0; i < 3; i++) {
        struct fake_smtp *server = fake_smtp_new(base, "127.0.0.1", scripts[i], good);
        plan = plan_for(NAME, address_port(fake_smtp_address(server)));
        begin(&plan);
        loop_until(base, fake_smtp_finished(server));
        relay_check_stop(check);
        assert_false(loop_watch(base, &ended, 20));
        fake_smtp_free(server);
    }
    relay_check_stop(NULL);

    struct dns *other = dns_new_with_servers(base, fake_dns_at(resolver));
    plan = plan_for("hang.test.example", 587);
    plan.deadline_ms = soon(100);
    ended = false;
    check = relay_check_start(base, other, &plan, free_dns, other);
    loop_until(base, &ended);
}

static void every_proof_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < RELAY_PROOFS; i++)
        assert_true(strlen(relay_proof_name((enum relay_proof)i)) > 0);
    assert_string_equal(relay_proof_name(RELAY_PROVEN), "proven");
    assert_string_equal(relay_proof_name(RELAY_AUTH_TEMPORARY), "auth-temporary");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_proof_has_a_name),
        cmocka_unit_test(proven),
        cmocka_unit_test(proven_by_implicit_tls),
        cmocka_unit_test(proven_without_user_name),
        cmocka_unit_test(relays_of_all_kinds),
        cmocka_unit_test(bad_certificates),
        cmocka_unit_test(unverified_where_the_operator_says_so),
        cmocka_unit_test(password_files),
        cmocka_unit_test(names_that_lead_nowhere),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(the_next_address),
        cmocka_unit_test(over_ipv6),
        cmocka_unit_test(as_a_control),
        cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
