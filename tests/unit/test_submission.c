/* SPDX-License-Identifier: BSD-2-Clause */
/* The ladder of submission ports, with servers honest, broken and behind a meddler. */
#include "tests/unit/unit.h"

#include "daemon/diagnosis/submission.h"
#include "daemon/diagnosis/submission_hosts.h"
#include "lib/clock.h"
#include "lib/config_load.h"
#include "lib/memory.h"
#include "tests/unit/fake_ca.h"
#include "tests/unit/fake_dns.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "relay.test.example"

static const char zone[] = NAME " A 127.0.0.1\n"
                                "other.test.example A 127.0.0.2\n"
                                "silent.test.example A 198.18.2.1\n"
                                "mute.test.example A SILENT\n"
                                "mute.test.example AAAA SILENT\n";

static struct event_base *base;
static struct fake_dns *resolver;
static struct dns *dns;
static struct fake_ca *ca;
static struct tls_trust *trust;
static SSL_CTX *good, *expired, *other_name;
static bool has_network;

static struct submission_entry entries[SUBMISSION_ENTRIES_MAX];
static size_t count;
static bool ended;
static struct submission *ladder;

static int set_up(void **state)
{
    char why[256];

    (void)state;
    base = loop_new();
    has_network = fake_net_enter();
    resolver = fake_dns_new(base, zone);
    dns = dns_new_with_servers(base, fake_dns_at(resolver));
    ca = fake_ca_new();
    trust = tls_trust_new(fake_ca_file(ca), why, sizeof why);
    good = fake_ca_server(ca, NAME, -1, 30);
    expired = fake_ca_server(ca, NAME, -30, -2);
    other_name = fake_ca_server(ca, "other.test.example", -1, 90);
    return dns != NULL && trust != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    SSL_CTX_free(good);
    SSL_CTX_free(expired);
    SSL_CTX_free(other_name);
    tls_trust_free(trust);
    fake_ca_free(ca);
    dns_free(dns);
    fake_dns_free(resolver);
    loop_free(base);
    return 0;
}

static void on_end(const struct submission_result *result, void *context)
{
    (void)context;
    assert_false(ended);
    assert_true(result->count <= SUBMISSION_ENTRIES_MAX);
    memcpy(entries, result->entries, result->count * sizeof entries[0]);
    count = result->count;
    ended = true;
    submission_stop(ladder); /* harmless in here */
}

static struct submission_host host(const char *relay, const char *name, size_t n,
                                   const uint16_t *ports)
{
    struct submission_host h = { .relay = relay, .host = name, .ports.count = n };

    memcpy(h.ports.port, ports, n * sizeof *ports);
    return h;
}

#define HOST(relay, name, ...) \
    host(relay, name, sizeof((uint16_t[]){ __VA_ARGS__ }) / 2, (uint16_t[]){ __VA_ARGS__ })

static struct submission_plan plan_of(struct submission_host *hosts, size_t n)
{
    struct submission_plan plan = {
        .hosts = hosts,
        .host_count = n,
        .families = DNS_IPV4,
        .trust = trust,
        .settings.helo_name = "host.example",
        .deadline_ms = soon(8000),
    };

    return plan;
}

static void run(struct submission_host *hosts, size_t n)
{
    struct submission_plan plan = plan_of(hosts, n);

    ended = false;
    ladder = submission_start(base, dns, &plan, on_end, NULL);
    assert_false(ended); /* never from inside the start */
    loop_until(base, &ended);
}

static void expect(size_t i, uint16_t port, const char *state, const char *detail)
{
    const struct submission_entry *e = &entries[i];

    if (i >= count || e->port != port || strcmp(submission_state_name(e->state), state) != 0 ||
        strstr(e->detail, detail) == NULL)
        fail_msg("%zu of %zu: port %u, %s, \"%s\", not %u, %s, \"%s\"", i, count, e->port,
                 submission_state_name(e->state), e->detail, port, state, detail);
}

#define HELLO "S: 220 mx ESMTP\nC: EHLO host.example\n"
#define UNDER \
    "C: EHLO host.example\nS: 250-mx\nS: 250 AUTH PLAIN LOGIN\nC: QUIT\nS: 221 bye\nCLOSE\n"
#define STARTTLS HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n" UNDER
#define IMPLICIT "TLS\nS: 220 mx ESMTP\n" UNDER
#define STRIPPED HELLO "S: 250-mx\nS: 250 AUTH PLAIN\nC: QUIT\nS: 221 bye\nCLOSE\n"
/* What a firewall leaves that overwrites what it does not know. */
#define MASKED  HELLO "S: 250-mx\nS: 250-XXXXXXXA\nS: 250 AUTH PLAIN\nC: QUIT\nS: 221 bye\nCLOSE\n"
#define REFUSED HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 502 no\nC: QUIT\nCLOSE\n"
#define FOR_NOW HELLO "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 later\nC: QUIT\nCLOSE\n"

/* The order of the ports, whatever that of the plan, and what each has to say. */
static void every_port(void **state)
{
    struct submission_host hosts[] = { HOST("mine", NAME, 2587, 2525, 587, 2465, 465) };
    struct fake_smtp *servers[4];

    (void)state;
    if (!has_network)
        skip();
    servers[0] = fake_smtp_new_at(base, "127.0.0.1", 465, IMPLICIT, good);
    servers[1] = fake_smtp_new_at(base, "127.0.0.1", 587, STARTTLS, good);
    servers[2] = fake_smtp_new_at(base, "127.0.0.1", 2525, STARTTLS, expired);
    servers[3] = fake_smtp_new_at(base, "127.0.0.1", 2587, STARTTLS, other_name);
    run(hosts, 1);
    assert_int_equal(count, 5);
    expect(0, 465, "usable", "TLSv1.3, certificate verified");
    expect(1, 2465, "no-connect", "connection refused");
    expect(2, 587, "usable", "certificate verified");
    expect(3, 2525, "tls-failed", "expired");
    expect(4, 2587, "tls-failed", "is for other.test.example");
    assert_string_equal(entries[0].relay, "mine");
    assert_string_equal(entries[0].host, NAME);
    assert_string_equal(entries[0].tls, "TLSv1.3");
    assert_string_equal(entries[0].auth, "PLAIN LOGIN");
    assert_true(entries[0].verified && entries[0].has_days_left);
    assert_int_equal(entries[0].days_left, 30);
    assert_string_equal(entries[1].tls, "");
    assert_true(entries[3].has_days_left && entries[3].days_left < 0);
    for (size_t i = 0; i < count; i++)
        assert_false(entries[i].attack);
    for (size_t i = 0; i < 4; i++) {
        fake_smtp_check(servers[i]);
        assert_null(strstr(fake_smtp_heard(servers[i]), "AUTH"));
        fake_smtp_free(servers[i]);
    }
}

/* One server at PORT of each script, and the only entry that comes of it. */
static void run_one(const char *script, uint16_t port, bool offers_tls)
{
    struct submission_host hosts[] = { HOST("mine", NAME, port) };
    struct fake_smtp *server = fake_smtp_new_at(base, "127.0.0.1", port, script, good);

    hosts[0].offers_tls = offers_tls;
    run(hosts, 1);
    assert_int_equal(count, 1);
    fake_smtp_free(server);
}

static void a_downgrade_is_an_attack(void **state)
{
    static const char *const stripped[] = { STRIPPED, MASKED, REFUSED };
    static const uint16_t ports[] = { 587, 2525, 2587 };
    char detail[160];

    (void)state;
    if (!has_network)
        skip();
    for (size_t i = 0; i < 3; i++) {
        run_one(stripped[i], ports[i], true);
        snprintf(detail, sizeof detail,
                 "STARTTLS is missing on port %u, though " NAME " offers TLS: somebody on the way "
                 "strips it",
                 ports[i]);
        expect(0, ports[i], "no-starttls", detail);
        assert_true(entries[0].attack);
        assert_string_equal(entries[0].auth, ""); /* whoever strips may say anything */
        run_one(stripped[i], ports[i], false);    /* of a stranger nothing is known */
        assert_false(entries[0].attack);
        expect(0, ports[i], "no-starttls", "");
    }
    run_one(FOR_NOW, 587, true); /* the server's own trouble */
    expect(0, 587, "no-starttls", "454 later");
    assert_false(entries[0].attack);
    run_one("S: 554 go away\nC: QUIT\nCLOSE\n", 587, true);
    expect(0, 587, "rejected", "554 go away");
    assert_false(entries[0].attack);
}

static void tls_on_another_port_shows_it_too(void **state)
{
    struct submission_host hosts[] = { HOST("mine", NAME, 465, 587),
                                       HOST("other", "other.test.example", 587) };
    struct fake_smtp *tls, *bare, *other;

    (void)state;
    if (!has_network)
        skip();
    tls = fake_smtp_new_at(base, "127.0.0.1", 465, IMPLICIT, good);
    bare = fake_smtp_new_at(base, "127.0.0.1", 587, STRIPPED, NULL);
    other = fake_smtp_new_at(base, "127.0.0.2", 587, STRIPPED, NULL);
    run(hosts, 2);
    expect(0, 465, "usable", "");
    expect(1, 587, "no-starttls", "though " NAME " offers TLS on another port: somebody");
    assert_true(entries[1].attack);
    expect(2, 587, "no-starttls", "STARTTLS is not offered");
    assert_false(entries[2].attack);
    assert_string_equal(entries[2].relay, "other");
    fake_smtp_free(tls);
    fake_smtp_free(bare);
    fake_smtp_free(other);
}

static void without_auth_it_is_of_no_use(void **state)
{
    (void)state;
    if (!has_network)
        skip();
    run_one(HELLO "S: 250-mx\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n"
                  "C: EHLO\nS: 250 mx\nC: QUIT\nCLOSE\n",
            587, true);
    expect(0, 587, "no-auth", "AUTH is not offered");
    assert_string_equal(entries[0].auth, ""); /* what was said before TLS does not count */
    assert_string_equal(entries[0].tls, "TLSv1.3");
}

/* Silence of some takes no time from the others, and the end comes whatever is under way. */
static void silence_is_bounded(void **state)
{
    struct submission_host hosts[SUBMISSION_HOSTS_MAX + 1];
    struct submission_plan plan = plan_of(hosts, SUBMISSION_HOSTS_MAX + 1);
    struct fake_smtp *server;
    int64_t before = clock_mono_ms();

    (void)state;
    if (!has_network)
        skip();
    for (size_t i = 0; i < SUBMISSION_HOSTS_MAX + 1; i++)
        hosts[i] = HOST("silent", "silent.test.example", 465, 587, 2465, 2525, 2587);
    hosts[SUBMISSION_HOSTS_MAX - 1] = HOST("mine", NAME, 2587);
    server = fake_smtp_new_at(base, "127.0.0.1", 2587, STARTTLS, good);
    plan.deadline_ms = soon(4800);
    ended = false;
    ladder = submission_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    assert_true(clock_mono_ms() - before < 4800 + 1000);
    assert_int_equal(count, (SUBMISSION_HOSTS_MAX - 1) * 5 + 1);
    expect(0, 465, "no-connect", "no answer to SYN");
    expect(count - 1, 2587, "usable", "");
    fake_smtp_free(server);
}

static void a_mute_resolver_is_bounded(void **state)
{
    struct submission_host hosts[] = { HOST("mute", "mute.test.example", 465, 587),
                                       HOST("gone", "gone.test.example", 587) };
    struct submission_plan plan = plan_of(hosts, 2);

    (void)state;
    plan.deadline_ms = soon(500);
    ended = false;
    ladder = submission_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    expect(0, 465, "dns-failed", "mute.test.example in time");
    expect(1, 587, "dns-failed", "mute.test.example in time");
    expect(2, 587, "dns-failed", "no such domain: gone.test.example");
}

static void certificates_that_cannot_be_read(void **state)
{
    struct submission_host hosts[] = { HOST("mine", NAME, 465), HOST("mine", NAME, 587) };

    (void)state;
    hosts[0].ca_file = hosts[1].ca_file = "/nonexistent/ca.pem";
    run(hosts, 2);
    expect(0, 465, "tls-failed", "/nonexistent/ca.pem: ");
    expect(1, 587, "tls-failed", "/nonexistent/ca.pem: ");
}

static void nothing_to_check(void **state)
{
    (void)state;
    run(NULL, 0);
    assert_int_equal(count, 0);
}

static void stopping(void **state)
{
    struct submission_host hosts[] = { HOST("mute", "mute.test.example", 465, 587) };
    struct submission_plan plan = plan_of(hosts, 1);

    (void)state;
    ended = false;
    submission_stop(NULL);
    submission_stop(submission_start(base, dns, &plan, on_end, NULL));
    plan.deadline_ms = 0;
    struct submission *late = submission_start(base, dns, &plan, on_end, NULL);
    assert_false(loop_watch(base, &ended, 50));
    submission_stop(late);
    assert_false(loop_watch(base, &ended, 50));
}

static struct relay_catalogue *load_catalogue(void)
{
    struct complaints *complaints = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));
    struct relay_catalogue *catalogue = relay_catalogue_load(directory, complaints);

    assert_non_null(catalogue);
    free(directory);
    complaints_free(complaints);
    return catalogue;
}

static void whose_ports_are_looked_at(void **state)
{
    static char names[][20] = { "grid", "SMTP.sendgrid.net", "/ca.pem", "own", "mail.example" };
    struct relay_catalogue *catalogue = load_catalogue();
    struct config *config = config_defaults();
    struct submission_hosts hosts;

    (void)state;
    submission_hosts_collect(config, catalogue, &hosts);
    assert_true(hosts.count >= 10);
    assert_string_equal(hosts.hosts[0].relay, "amazon-ses");
    assert_string_equal(hosts.hosts[0].host, "email-smtp.us-east-1.amazonaws.com");
    assert_true(hosts.hosts[0].offers_tls && ports_contain(&hosts.hosts[0].ports, 2465));
    for (size_t i = 0; i < hosts.count; i++)
        assert_string_not_equal(hosts.hosts[i].relay, "generic");
    submission_hosts_free(&hosts);
    submission_hosts_collect(config, NULL, &hosts);
    assert_int_equal(hosts.count, 0);

    struct relay relays[] = {
        { .name = names[0], .host = names[1], .ca_file = names[2], .ports = { { 587 }, 1 } },
        { .name = names[3], .host = names[4], .ca_file = names[2], .ports = { { 26, 587 }, 2 } },
    };
    config->relays = relays;
    config->relay_count = 2;
    submission_hosts_collect(config, catalogue, &hosts);
    assert_int_equal(hosts.count, 2);
    assert_string_equal(hosts.hosts[0].relay, "grid");
    assert_string_equal(hosts.hosts[0].ca_file, "/ca.pem");
    assert_true(hosts.hosts[0].offers_tls);
    assert_true(ports_contain(&hosts.hosts[0].ports, 2525));
    assert_false(ports_contain(&hosts.hosts[0].ports, 2587)); /* not offered there */
    assert_false(hosts.hosts[1].offers_tls);
    assert_int_equal(hosts.hosts[1].ports.count, 6);
    assert_int_equal(hosts.hosts[1].ports.port[0], 26);
    submission_hosts_free(&hosts);
    config->relays = NULL;
    config->relay_count = 0;
    config_free(config);
    relay_catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_port),
        cmocka_unit_test(a_downgrade_is_an_attack),
        cmocka_unit_test(tls_on_another_port_shows_it_too),
        cmocka_unit_test(without_auth_it_is_of_no_use),
        cmocka_unit_test(silence_is_bounded),
        cmocka_unit_test(a_mute_resolver_is_bounded),
        cmocka_unit_test(certificates_that_cannot_be_read),
        cmocka_unit_test(nothing_to_check),
        cmocka_unit_test(stopping),
        cmocka_unit_test(whose_ports_are_looked_at),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
