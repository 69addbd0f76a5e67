/* SPDX-License-Identifier: BSD-2-Clause */
/* What a mail operator would hold against a host, one cause after another. */
#include "tests/unit/unit.h"

#include "daemon/probe/generic_name.h"
#include "daemon/probe/own_address.h"
#include "daemon/probe/reputation.h"
#include "daemon/probe/tags.h"
#include "lib/memory.h"
#include "tests/unit/loop.h"
#include "tests/unit/resolving.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char zone[] =
    /* a host that is well looked after */
    "5.113.0.203.in-addr.arpa PTR mail.good.test\n"
    "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.good.test\n"
    "mail.good.test A 203.0.113.5\n"
    "mail.good.test AAAA 2001:db8::5\n"
    "mail.good.test TXT v=spf1 a -all\n"
    "good.test TXT v=spf1 a:mail.good.test include:_spf.good.test include:%{i}.x.test -all\n"
    "_spf.good.test TXT v=spf1 include:AmazonSES.com include:sendgrid.net ~all\n"
    "amazonses.com TXT v=spf1 ip4:192.0.2.0/24 -all\n"
    "sendgrid.net TXT v=spf1 ip4:192.0.2.0/24 redirect=_spf.good.test\n"
    "_domainkey.good.test TXT o=-\n"
    "mail._domainkey.good.test TXT v=DKIM1; k=rsa; p=MIGf|MA0\n"
    "plain._domainkey.good.test TXT k=rsa; p=MIGf\n"
    "old._domainkey.good.test TXT v=DKIM1; p=\n"
    "odd._domainkey.good.test TXT k=rsa; v=DKIM1; p=MIGf\n"
    "none._domainkey.good.test TXT hello\n"
    "broken._domainkey.good.test TXT SERVFAIL\n"
    "_dmarc.good.test TXT v=DMARC1; p=reject; sp=quarantine; rua=mailto:x@good.test\n"
    "closed.test TXT v=spf1 include:_spf.closed.test -all\n"
    "_spf.closed.test TXT v=spf1 ip4:192.0.2.1 -all\n"
    "_dmarc.closed.test TXT v=DMARC1\n"
    "_domainkey.closed.test TXT SERVFAIL\n"
    "halfknown.test TXT v=spf1 include:servfail.test -all\n"
    "servfail.test TXT SERVFAIL\n"
    "_dmarc.servfail.test TXT SERVFAIL\n"
    "twice.test TXT v=spf1 -all\n"
    "_dmarc.twice.test TXT v=DMARC1; p=none\n"
    "_dmarc.twice.test TXT v=DMARC1; p=reject\n"
    "soft.test TXT v=spf1 ~all\n"
    "badspf.test TXT v=spf1 mx:x -all\n"
    "silent.test TXT SILENT\n"
    /* reverse names that are not as they should be */
    "7.113.0.203.in-addr.arpa PTR elsewhere.test\n"
    "elsewhere.test A 203.0.113.99\n"
    "8.113.0.203.in-addr.arpa PTR 8-113-0-203.dyn.test\n"
    "8-113-0-203.dyn.test A 203.0.113.8\n"
    "9.113.0.203.in-addr.arpa PTR gone.test\n"
    "9.113.0.203.in-addr.arpa PTR mail9.test\n"
    "mail9.test A 203.0.113.9\n"
    "10.113.0.203.in-addr.arpa PTR SERVFAIL\n"
    "11.113.0.203.in-addr.arpa PTR brokenhost.test\n"
    "brokenhost.test A SERVFAIL\n"
    "12.113.0.203.in-addr.arpa PTR MANY 40\n"
    /* blocklists */
    "2.0.0.127.bl.test A 127.0.0.2\n"
    "7.113.0.203.bl.test A 127.0.0.4\n"
    "7.113.0.203.bl.test TXT Spam seen, see https://bl.test/?203.0.113.7\n"
    "8.113.0.203.bl.test A 127.0.0.2\n"
    "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test A 127.0.0.3\n"
    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.six.test A 127.0.0.2\n"
    "*.refusing.test A 127.255.255.254\n"
    "*.lying.test A 198.18.0.1\n"
    "*.retired.test A 127.0.0.2\n"
    "2.0.0.127.slow.test A SILENT\n"
    "7.113.0.203.slow.test A 127.0.0.4\n"
    "2.0.0.127.failing.test A 127.0.0.2\n"
    "5.113.0.203.failing.test A SERVFAIL\n"
    /* names for EHLO */
    "elsewhere.good.test A 192.0.2.1\n"
    "six.good.test AAAA 2001:db8::5\n"
    "empty.good.test TXT x\n"
    "broken.good.test A SERVFAIL\n"
    "broken.good.test AAAA SERVFAIL\n";

static struct event_base *base;
static struct fake_dns *server;
static struct dns *dns;

/* A line for each finding: "ptr ipv4 ok: 203.0.113.5 is called ...". */
static char findings[20000];
static struct reputation_result result;
static bool ended;
static struct reputation *reputation;

static int set_up(void **state)
{
    (void)state;
    return resolving_begin(zone, &base, &server, &dns);
}

static void on_end(const struct reputation_result *r, void *context)
{
    size_t used = 0;
    (void)context;

    assert_false(ended);
    findings[0] = '\0';
    for (size_t i = 0; i < r->count; i++) {
        const struct finding *f = &r->findings[i];
        used += (size_t)snprintf(findings + used, sizeof findings - used, "%s%s%s %s: %s\n",
                                 reputation_check_name(f->check), f->has_family ? " " : "",
                                 f->has_family ? family_name(f->family) : "",
                                 reputation_rating_name(f->rating), f->detail);
    }
    result = *r;
    ended = true;
    reputation_stop(reputation); /* harmless in here, as is everything else */
    reputation_finish_soon(reputation, 0);
    if (r->has_address[FAMILY_IPV4])
        reputation_set_address(reputation, FAMILY_IPV4, &r->address[FAMILY_IPV4]);
}

static struct address address(const char *text)
{
    struct address a;

    assert_true(address_parse(text, 25, &a));
    return a;
}

static struct reputation_plan plan_for(const char *helo_name, const char *domain, const char *ipv4)
{
    struct reputation_plan plan = { .families = DNS_IPV4,
                                    .sender_domain = domain,
                                    .deadline_ms = soon(4000) };

    snprintf(plan.settings.helo_name, sizeof plan.settings.helo_name, "%s", helo_name);
    plan.has_address[FAMILY_IPV4] = ipv4 != NULL;
    if (ipv4 != NULL)
        plan.address[FAMILY_IPV4] = address(ipv4);
    return plan;
}

static void begin(const struct reputation_plan *plan)
{
    ended = false;
    reputation = reputation_start(dns, plan, on_end, NULL);
    assert_false(ended); /* never from inside the start */
}

static void run(const struct reputation_plan *plan)
{
    begin(plan);
    loop_until(base, &ended);
}

static void expect(const char *line)
{
    char *whole = memory_format("\n%s", findings), *wanted = memory_format("\n%s", line);

    if (strstr(whole, wanted) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, findings);
    free(whole);
    free(wanted);
}

static void expect_none(const char *check)
{
    char *whole = memory_format("\n%s", findings), *line = memory_format("\n%s ", check);

    if (strstr(whole, line) != NULL)
        fail_msg("\"%s\" in:\n%s", check, findings);
    free(whole);
    free(line);
}

static void a_good_host(void **state)
{
    static const char *const dnsbl[] = { "bl.test" }, *const selectors[] = { "mail", "plain" };
    static const struct reputation_relay relays[] = { { "ses", "amazonses.com" } };
    struct reputation_plan plan = plan_for("mail.good.test", "good.test", "203.0.113.5");

    (void)state;
    plan.families = DNS_ANY_FAMILY;
    plan.has_address[FAMILY_IPV6] = true;
    plan.address[FAMILY_IPV6] = address("2001:db8::5");
    plan.dnsbl = dnsbl;
    plan.dnsbl_count = 1;
    plan.dkim_selectors = selectors;
    plan.dkim_selector_count = 2;
    plan.relays = relays;
    plan.relay_count = 1;
    run(&plan);
    assert_string_equal(
        findings,
        "ptr ipv4 ok: 203.0.113.5 is called mail.good.test, which leads back to it\n"
        "ptr ipv6 ok: 2001:db8::5 is called mail.good.test, which leads back to it\n"
        "helo ipv4 ok: mail.good.test, the name in EHLO, leads to 203.0.113.5\n"
        "helo ipv6 ok: mail.good.test, the name in EHLO, leads to 2001:db8::5\n"
        "spf ipv4 ok: SPF of good.test: pass, a:mail.good.test in the record of good.test\n"
        "spf ipv4 ok: SPF of the name in EHLO, mail.good.test: pass, a in the record of "
        "mail.good.test\n"
        "spf ipv6 ok: SPF of good.test: pass, a:mail.good.test in the record of good.test\n"
        "spf ipv6 ok: SPF of the name in EHLO, mail.good.test: pass, a in the record of "
        "mail.good.test\n"
        "relay-spf ok: the SPF record of good.test admits the relay ses (amazonses.com)\n"
        "dkim ok: a DKIM key at mail._domainkey.good.test\n"
        "dkim ok: a DKIM key at plain._domainkey.good.test\n"
        "dmarc ok: DMARC policy of good.test: reject\n"
        "dnsbl ipv4 ok: 203.0.113.5 is not listed by bl.test\n"
        "dnsbl ipv6 bad: 2001:db8::5 is listed by bl.test (127.0.0.3)\n");
    assert_true(result.has_address[FAMILY_IPV4] && !result.is_nat[FAMILY_IPV4]);
}

static void reverse_names(void **state)
{
    static const struct {
        const char *address, *line;
    } rows[] = {
        { "203.0.113.6", "ptr ipv4 bad: 203.0.113.6 has no reverse name (PTR record)" },
        { "203.0.113.7",
          "ptr ipv4 bad: 203.0.113.7 is called elsewhere.test, which does not lead" },
        { "203.0.113.8", "ptr ipv4 warning: 203.0.113.8 is called 8-113-0-203.dyn.test, a name" },
        { "203.0.113.9", "ptr ipv4 ok: 203.0.113.9 is called mail9.test, which leads back" },
        { "203.0.113.10", "ptr ipv4 unknown: the resolver failed to look up the PTR record" },
        { "203.0.113.11", "ptr ipv4 unknown: 203.0.113.11 is called brokenhost.test, but" },
        { "203.0.113.12", "ptr ipv4 bad: 203.0.113.12 is called mx0." },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reputation_plan plan = plan_for("mail.good.test", NULL, rows[i].address);
        run(&plan);
        expect(rows[i].line);
    }
}

static void helo_names(void **state)
{
    static const struct {
        const char *name, *line;
    } rows[] = {
        { "", "helo bad: there is no name for EHLO" },
        { "localhost", "helo bad: EHLO says a name that every host has" },
        { "LOCALHOST.LocalDomain", "helo bad: EHLO says a name that every host has" },
        { "[203.0.113.5]", "helo bad: EHLO says an address instead of a name" },
        { "203.0.113.5", "helo bad: EHLO says an address instead of a name" },
        { "mail", "helo bad: the name in EHLO has no domain" },
        { "mail_!.test", "helo bad: the name in EHLO is not a host name" },
        { "mail.office.local", "helo bad: the name in EHLO is of a local network" },
        { "gone.good.test", "helo ipv4 bad: gone.good.test, the name in EHLO, has no address" },
        { "empty.good.test", "helo ipv4 bad: empty.good.test, the name in EHLO, has no address" },
        { "elsewhere.good.test", "helo ipv4 warning: elsewhere.good.test, the name in EHLO, does" },
        { "six.good.test", "helo ipv4 warning: six.good.test, the name in EHLO, does not lead" },
        { "broken.good.test", "helo ipv4 unknown: broken.good.test could not be looked up" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reputation_plan plan = plan_for(rows[i].name, NULL, "203.0.113.5");
        run(&plan);
        expect(rows[i].line);
        /* A name that is wrong in itself is said once, and has no SPF record to look for. */
        if (strncmp(rows[i].line, "helo bad", 8) == 0)
            expect_none("spf");
        expect_none("dmarc");
    }
}

static void sender_domains(void **state)
{
    static const struct {
        const char *domain, *line;
    } rows[] = {
        { "gone.test", "spf ipv4 bad: SPF of gone.test: none, gone.test has no SPF record" },
        { "gone.test", "dkim warning: no DKIM key: _domainkey.gone.test does not exist" },
        { "gone.test", "dmarc warning: gone.test has no DMARC record" },
        { "closed.test", "spf ipv4 bad: SPF of closed.test: fail, -all in the record" },
        { "closed.test", "dmarc warning: the DMARC record of closed.test has no policy" },
        { "closed.test", "dkim unknown: the resolver failed" },
        { "soft.test", "spf ipv4 warning: SPF of soft.test: softfail" },
        { "badspf.test", "spf ipv4 bad: SPF of badspf.test: permerror, 'mx:x' is not SPF" },
        { "servfail.test", "spf ipv4 unknown: SPF of servfail.test: temperror" },
        { "servfail.test", "dmarc unknown: the resolver failed" },
        { "twice.test", "dmarc warning: twice.test has more than one DMARC record" },
        { "good.test", "dkim ok: _domainkey.good.test exists" },
        { "a.news.good.test",
          "dmarc ok: DMARC policy of a.news.good.test: quarantine, by the record of good.test" },
        { "elsewhere.good.test", "spf ipv4 bad: SPF of elsewhere.good.test: none" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reputation_plan plan = plan_for("mail.good.test", rows[i].domain, "203.0.113.5");
        run(&plan);
        expect(rows[i].line);
        expect("spf ipv4 ok: SPF of the name in EHLO, mail.good.test: pass");
    }
    struct reputation_plan same = plan_for("mail.good.test", "mail.good.test", "203.0.113.5");
    run(&same);
    expect("spf ipv4 ok: SPF of mail.good.test: pass"); /* not twice */
    assert_null(strstr(findings, "name in EHLO, mail.good.test: pass"));
}

static void keys(void **state)
{
    static const char *const selectors[] = { "old", "odd", "none", "gone", "broken" };
    struct reputation_plan plan = plan_for("mail.good.test", "good.test", NULL);

    (void)state;
    plan.families = 0;
    plan.dkim_selectors = selectors;
    plan.dkim_selector_count = 5;
    run(&plan);
    expect("dkim bad: the DKIM key at old._domainkey.good.test is revoked");
    expect("dkim bad: what stands at odd._domainkey.good.test is no DKIM key");
    expect("dkim bad: what stands at none._domainkey.good.test is no DKIM key");
    expect("dkim bad: no DKIM key at gone._domainkey.good.test");
    expect("dkim unknown: the resolver failed");
}

static void relays(void **state)
{
    static const struct reputation_relay list[] = { { "ses", "amazonses.com" },
                                                    { "grid", "sendgrid.net" },
                                                    { "gun", "mailgun.org" } };
    static const struct {
        const char *domain, *line;
    } rows[] = {
        { "good.test", "relay-spf ok: the SPF record of good.test admits the relay grid" },
        /* An include whose name hangs on the message may be anybody's. */
        { "good.test",
          "relay-spf unknown: the SPF record of good.test does not include mailgun.org" },
        { "closed.test",
          "relay-spf warning: the SPF record of closed.test does not include amazonses.com" },
        { "halfknown.test",
          "relay-spf unknown: the SPF record of halfknown.test does not include sendgrid.net, the "
          "relay grid's, as far as" },
        { "gone.test", "relay-spf warning: relay gun: gone.test has no SPF record" },
        { "servfail.test", "relay-spf unknown: relay gun: the resolver failed" },
        { "badspf.test", "relay-spf warning: relay gun: badspf.test has an SPF record with an" },
        { "amazonses.com", "relay-spf ok: the SPF record of amazonses.com admits the relay ses" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reputation_plan plan = plan_for("mail.good.test", rows[i].domain, NULL);
        plan.families = 0;
        plan.relays = list;
        plan.relay_count = 3;
        run(&plan);
        expect(rows[i].line);
    }
}

static void blocklists(void **state)
{
    static const char *const zones[] = { "bl.test",      "refusing.test", "lying.test", "gone.test",
                                         "failing.test", "retired.test",  "slow.test" };
    struct reputation_plan plan = plan_for("mail.good.test", NULL, "203.0.113.7");

    (void)state;
    plan.dnsbl = zones;
    plan.dnsbl_count = 7;
    run(&plan);
    expect("dnsbl ipv4 bad: 203.0.113.7 is listed by bl.test (127.0.0.4): Spam seen, see https");
    expect("dnsbl ipv4 unknown: refusing.test does not answer this resolver: 127.255.255.254");
    expect("dnsbl ipv4 unknown: lying.test does not answer this resolver: it leads outside");
    expect("dnsbl ipv4 unknown: gone.test does not answer this resolver: its test entry");
    expect("dnsbl ipv4 ok: 203.0.113.7 is not listed by failing.test");
    expect("dnsbl ipv4 unknown: retired.test lists everybody: it has 127.0.0.1,");
    /* What is listed needs no test entry. */
    expect("dnsbl ipv4 bad: 203.0.113.7 is listed by slow.test (127.0.0.4)");
    plan.address[FAMILY_IPV4] = address("203.0.113.5");
    plan.deadline_ms = soon(4000);
    run(&plan);
    expect("dnsbl ipv4 ok: 203.0.113.5 is not listed by bl.test");
    expect("dnsbl ipv4 unknown: failing.test could not be asked");
    plan.address[FAMILY_IPV4] = address("203.0.113.8");
    plan.deadline_ms = soon(4000);
    run(&plan);
    expect("dnsbl ipv4 bad: 203.0.113.8 is listed by bl.test (127.0.0.2)\n");
}

static void blocklists_of_ipv6(void **state)
{
    static const char *const zones[] = { "six.test", "bl.test", "gone.test", "retired.test" };
    struct reputation_plan plan = plan_for("mail.good.test", NULL, NULL);

    (void)state;
    plan.families = DNS_IPV6;
    plan.has_address[FAMILY_IPV6] = true;
    plan.address[FAMILY_IPV6] = address("2001:db8::6");
    plan.dnsbl = zones;
    plan.dnsbl_count = 4;
    run(&plan);
    expect("dnsbl ipv6 ok: 2001:db8::6 is not listed by six.test");
    expect("dnsbl ipv6 ok: 2001:db8::6 is not listed by bl.test");
    expect("dnsbl ipv6 unknown: gone.test does not answer");
    expect("dnsbl ipv6 unknown: retired.test lists everybody");
}

/* A private source: the public address is only known once somebody shows it. */
static struct reputation_plan behind_nat(void)
{
    struct reputation_plan plan = plan_for("mail.good.test", "good.test", NULL);

    plan.settings.has_source[FAMILY_IPV4] = true;
    plan.settings.source[FAMILY_IPV4] = address("10.1.2.3");
    return plan;
}

static void the_address_is_shown_later(void **state)
{
    struct reputation_plan plan = behind_nat();
    struct address shown = address("203.0.113.5"), other = address("203.0.113.6"),
                   private = address("192.168.1.1"), six = address("2001:db8::5");

    (void)state;
    begin(&plan);
    assert_false(loop_watch(base, &ended, 100));               /* it waits */
    reputation_set_address(reputation, FAMILY_IPV4, &private); /* cannot be it */
    reputation_set_address(reputation, FAMILY_IPV6, &six);     /* not a family of Postfix's */
    reputation_set_address(reputation, FAMILY_IPV6, &shown);
    assert_false(loop_watch(base, &ended, 50));
    reputation_set_address(reputation, FAMILY_IPV4, &other);
    reputation_set_address(reputation, FAMILY_IPV4, &shown); /* the latest one counts */
    reputation_set_address(reputation, FAMILY_IPV4, &shown);
    loop_until(base, &ended);
    expect("ptr ipv4 ok: 203.0.113.5 is called mail.good.test");
    expect("dmarc ok:");
    assert_null(strstr(findings, "203.0.113.6"));
    assert_null(strstr(strstr(findings, "ptr ipv4") + 1, "ptr ipv4"));
    assert_true(result.is_nat[FAMILY_IPV4] && result.has_address[FAMILY_IPV4]);
}

static void nobody_shows_the_address(void **state)
{
    struct reputation_plan plan = behind_nat();

    (void)state;
    begin(&plan);
    assert_false(loop_watch(base, &ended, 50));
    reputation_finish_soon(reputation, soon(2000));
    reputation_finish_soon(reputation, soon(2000));
    loop_until(base, &ended);
    expect("ptr ipv4 unknown: this host goes out from 10.1.2.3, a private address (NAT), and");
    expect("helo ok: mail.good.test, the name in EHLO, has an address\n");
    expect_none("spf");
    expect("dmarc ok:");
    assert_true(result.is_nat[FAMILY_IPV4] && !result.has_address[FAMILY_IPV4]);
    assert_null(strstr(strstr(findings, "helo ok") + 1, "helo ok")); /* said once */

    plan.deadline_ms = soon(150); /* the same by the deadline */
    run(&plan);
    expect("ptr ipv4 unknown: this host goes out from 10.1.2.3");
}

/* Without NAT the world sees the address that connections come from. */
static void a_public_source(void **state)
{
    struct reputation_plan plan = plan_for("mail.good.test", NULL, NULL);
    struct address other = address("203.0.113.9");

    (void)state;
    plan.settings.has_source[FAMILY_IPV4] = true;
    plan.settings.source[FAMILY_IPV4] = address("203.0.113.5");
    run(&plan);
    expect("ptr ipv4 ok: 203.0.113.5 is called mail.good.test");
    assert_false(result.is_nat[FAMILY_IPV4]);
    plan.deadline_ms = soon(4000);
    begin(&plan); /* unless somebody shows another */
    reputation_set_address(reputation, FAMILY_IPV4, &other);
    loop_until(base, &ended);
    expect("ptr ipv4 ok: 203.0.113.9 is called mail9.test");
}

static void silence_ends(void **state)
{
    struct reputation_plan plan = plan_for("mail.good.test", "silent.test", "203.0.113.5");

    (void)state;
    plan.deadline_ms = soon(300);
    run(&plan);
    expect("spf ipv4 unknown: ");
    expect("ptr ipv4 ok: ");
    expect("dmarc warning: silent.test has no DMARC record");
    plan.deadline_ms = soon(60000);
    begin(&plan);
    reputation_finish_soon(reputation, soon(300));
    loop_until(base, &ended);
    expect("spf ipv4 unknown: the DNS did not answer in time");
}

static void nothing_to_look_up(void **state)
{
    struct reputation_plan plan = plan_for("mail.good.test", NULL, NULL);

    (void)state;
    plan.families = 0;
    run(&plan);
    assert_string_equal(findings, "");
}

static void stopping(void **state)
{
    struct reputation_plan plan = plan_for("mail.good.test", "silent.test", "203.0.113.5");

    (void)state;
    ended = false;
    reputation_stop(NULL);
    reputation_stop(reputation_start(dns, &plan, on_end, NULL));
    struct reputation *late = reputation_start(dns, &plan, on_end, NULL);
    assert_false(loop_watch(base, &ended, 50));
    reputation_stop(late);
    assert_false(loop_watch(base, &ended, 50));
}

static void generic_names(void **state)
{
    static const struct {
        const char *name, *address;
        bool is_generic;
    } rows[] = {
        { "static.5.113.0.203.clients.example", "203.0.113.5", true },
        { "ip-203-0-113-5.eu-west-1.example", "203.0.113.5", true },
        { "203000113005.dyn.example", "203.0.113.5", true },
        { "cb007105.virtual.example", "203.0.113.5", true },
        { "cb-00-71-05.virtual.example", "203.0.113.5", true },
        { "host203.0113.5-0.example", "203.0.113.5", false },
        { "mail.example", "203.0.113.5", false },
        { "mx5.example", "203.0.113.5", false },
        { "mail113-5.example", "203.0.113.5", false },
        { "5-5-5-5.example", "5.6.7.8", false },
        { "5-5-5-5.example", "5.5.5.5", true },
        { "2001-db8--5.example", "2001:db8::5", true },
        { "2001-0db8-1111-2222-0123-4567-89ab-cdef.example",
          "2001:db8:1111:2222:123:4567:89ab:cdef", true },
        { "mail.example", "2001:db8::5", false },
        { "5.example", "::5", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a = address(rows[i].address);
        if (generic_name(rows[i].name, &a) != rows[i].is_generic)
            fail_msg("%s of %s", rows[i].name, rows[i].address);
    }
}

static void private_addresses(void **state)
{
    static const char *const private[] = {
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "192.0.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "172.31.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "::ffff:192.0.2.1",
        "ff02::1",
        "fc00::1",
        "fdff::1",
    };
    static const char *const public[] = { "9.255.255.255", "11.0.0.0",   "100.63.255.255",
                                          "100.128.0.0",   "172.15.0.0", "172.32.0.0",
                                          "192.0.2.1",     "198.18.0.1", "223.255.255.255",
                                          "2001:db8::1",   "fbff::1" };
    struct address own;

    (void)state;
    for (size_t i = 0; i < sizeof private / sizeof private[0]; i++) {
        struct address a = address(private[i]);
        if (!address_is_private(&a))
            fail_msg("%s", private[i]);
    }
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        struct address a = address(public[i]);
        if (address_is_private(&a))
            fail_msg("%s", public[i]);
    }
    for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
        if (own_address(family, &own))
            assert_int_equal(address_family(&own), family);
}

static void tags(void **state)
{
    char out[16];

    (void)state;
    assert_true(tag_value("v=DKIM1; k=rsa ;p = abc ;", "p", out, sizeof out));
    assert_string_equal(out, "abc");
    assert_true(tag_value("v=DKIM1; p=", "p", out, sizeof out));
    assert_string_equal(out, "");
    assert_true(tag_value(" ;; p=a=b", "p", out, sizeof out));
    assert_string_equal(out, "a=b");
    assert_true(tag_value("p=0123456789abcdefghij", "p", out, sizeof out));
    assert_string_equal(out, "0123456789abcde");
    assert_false(tag_value("v=DKIM1; sp=x; pp=y", "p", out, sizeof out));
    assert_false(tag_value("", "p", out, sizeof out));
    assert_false(tag_value("P=x", "p", out, sizeof out));
    assert_true(tag_is_first("v=DMARC1", "v", "DMARC1"));
    assert_true(tag_is_first(" v = DMARC1 ; p=none", "v", "DMARC1"));
    assert_false(tag_is_first("v=DMARC10; p=none", "v", "DMARC1"));
    assert_false(tag_is_first("p=none; v=DMARC1", "v", "DMARC1"));
    assert_false(tag_is_first("", "v", "DMARC1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_host),
        cmocka_unit_test(reverse_names),
        cmocka_unit_test(helo_names),
        cmocka_unit_test(sender_domains),
        cmocka_unit_test(keys),
        cmocka_unit_test(relays),
        cmocka_unit_test(blocklists),
        cmocka_unit_test(blocklists_of_ipv6),
        cmocka_unit_test(the_address_is_shown_later),
        cmocka_unit_test(nobody_shows_the_address),
        cmocka_unit_test(a_public_source),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(nothing_to_look_up),
        cmocka_unit_test(stopping),
        cmocka_unit_test(generic_names),
        cmocka_unit_test(private_addresses),
        cmocka_unit_test(tags),
    };

    return cmocka_run_group_tests(tests, set_up, resolving_end);
}
