/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host() of RFC 7208 against a zone. */
#include "tests/unit/unit.h"

#include "daemon/probe/spf.h"
#include "tests/unit/loop.h"
#include "tests/unit/resolving.h"
#include <stdio.h>
#include <string.h>

static const char zone[] =
    /* selection of the record (4.4, 4.5) */
    "none.test TXT hello\n"
    "none.test TXT v=spf10 -all\n"
    "two.test TXT v=spf1 +all\n"
    "two.test TXT v=spf1 -all\n"
    "one.test TXT google-site-verification=x\n"
    "one.test TXT v=spf1| -all\n"
    "split.test TXT v=spf1 ip4:192.|0.2.1 -all\n"
    "odd.test TXT v=spf1 \xff all\n"
    "bad.test TXT v=spf1 ip4:192.0.2.1 mx:x -all\n"
    "servfail.test TXT SERVFAIL\n"
    "silent.test TXT SILENT\n"
    "broken.test TXT GARBAGE\n"
    "many.test TXT MANY 2000\n"
    /* qualifiers and all (4.6.2, 5.1) */
    "plus.test TXT v=spf1 all\n"
    "soft.test TXT v=spf1 ~all\n"
    "query.test TXT v=spf1 ?all\n"
    "empty.test TXT v=spf1\n"
    "after.test TXT v=spf1 -all all\n"
    /* ip4, ip6 (5.6) */
    "ip.test TXT v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/32 -all\n"
    /* a (5.3) */
    "a.test TXT v=spf1 a -all\n"
    "a.test A 192.0.2.10\n"
    "a.test A 192.0.2.11\n"
    "a.test AAAA 2001:db8::11\n"
    "anet.test TXT v=spf1 a:a.test/24//64 -all\n"
    "afail.test TXT v=spf1 a:broken.a.test ip4:192.0.2.1 all\n"
    "broken.a.test A SERVFAIL\n"
    "ashort.test TXT v=spf1 a:short.a.test -all\n"
    "short.a.test A SHORT\n"
    /* mx (5.4) */
    "mx.test TXT v=spf1 mx -all\n"
    "mx.test MX 10 mx1.mx.test\n"
    "mx.test MX 20 mx2.mx.test\n"
    "mx.test MX 30 gone.mx.test\n"
    "mx1.mx.test A 192.0.2.20\n"
    "mx2.mx.test A 192.0.2.21\n"
    "mx2.mx.test AAAA 2001:db8::21\n"
    "mxmany.test TXT v=spf1 mx -all\n"
    "mxmany.test MX MANY 11\n"
    "mxten.test TXT v=spf1 mx -all\n"
    "mxten.test MX MANY 10\n"
    "*.mxten.test A 192.0.2.22\n"
    "mxnull.test TXT v=spf1 mx -all\n"
    "mxnull.test MX 0 .\n"
    "mximplicit.test TXT v=spf1 mx -all\n"
    "mximplicit.test A 192.0.2.1\n"
    "mxfail.test TXT v=spf1 mx all\n"
    "mxfail.test MX 10 broken.a.test\n"
    /* ptr (5.5) */
    "ptr.test TXT v=spf1 ptr -all\n"
    "ptrother.test TXT v=spf1 ptr:ptr.test -all\n"
    "ptrforeign.test TXT v=spf1 ptr:r.test -all\n"
    "30.2.0.192.in-addr.arpa PTR forged.ptr.test\n"
    "30.2.0.192.in-addr.arpa PTR gone.ptr.test\n"
    "30.2.0.192.in-addr.arpa PTR mail.ptr.test\n"
    "forged.ptr.test A 192.0.2.99\n"
    "mail.ptr.test A 192.0.2.30\n"
    "1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail6.ptr.test\n"
    "mail6.ptr.test AAAA 2001:db8::31\n"
    "32.2.0.192.in-addr.arpa PTR SERVFAIL\n"
    "33.2.0.192.in-addr.arpa PTR MANY 33\n"
    "macro-p.test TXT v=spf1 exists:%{p}.allow.test -all\n"
    "mail.ptr.test.allow.test A 127.0.0.2\n"
    "unknown.allow.test A 127.0.0.2\n"
    /* exists (5.7) and macros */
    "exists.test TXT v=spf1 exists:%{ir}.%{l1r+-}.%{o}.allow.test -all\n"
    "1.2.0.192.postmaster.exists.test.allow.test A 127.0.0.2\n"
    "exists6.test TXT v=spf1 exists:%{v}.%{h}.allow.test -all\n"
    "ip6.helo.test.allow.test A 127.0.0.2\n"
    "long.test TXT v=spf1 exists:%{i}%{i}%{i}%{i}%{i}%{i}%{i}%{i}%{i}%{i}.allow.test all\n"
    /* include (5.2) */
    "inc.test TXT v=spf1 include:ip.test ?all\n"
    "incneg.test TXT v=spf1 -include:ip.test all\n"
    "incsoft.test TXT v=spf1 include:soft.test include:query.test -all\n"
    "incnone.test TXT v=spf1 include:none.test all\n"
    "incgone.test TXT v=spf1 include:gone.test all\n"
    "incbad.test TXT v=spf1 include:bad.test all\n"
    "incfail.test TXT v=spf1 include:servfail.test all\n"
    "deep.test TXT v=spf1 include:inc.test -all\n"
    "deepneg.test TXT v=spf1 include:incneg.test ~all\n"
    "incmacro.test TXT v=spf1 include:%{d1}.test -all\n"
    "test.test TXT v=spf1 all\n"
    "incd.test TXT v=spf1 include:own.incd.test -all\n"
    "own.incd.test TXT v=spf1 exists:%{d}.%{o}.allow.test\n"
    "own.incd.test.incd.test.allow.test A 127.0.0.2\n"
    /* redirect (6.1) */
    "red.test TXT v=spf1 ip4:192.0.2.200 redirect=ip.test\n"
    "redall.test TXT v=spf1 ?all redirect=ip.test\n"
    "rednone.test TXT v=spf1 redirect=none.test\n"
    "redgone.test TXT v=spf1 redirect=gone.test\n"
    "increds.test TXT v=spf1 include:red.test ~all\n"
    "redd.test TXT v=spf1 redirect=own.redd.test\n"
    "own.redd.test TXT v=spf1 exists:%{d}.allow.test -all\n"
    "own.redd.test.allow.test A 127.0.0.2\n"
    /* limits (4.6.4) */
    "loop.test TXT v=spf1 include:loop.test -all\n"
    "redloop.test TXT v=spf1 redirect=redloop2.test\n"
    "redloop2.test TXT v=spf1 redirect=redloop.test\n"
    "ten.test TXT v=spf1 a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test "
    "a:a.test a:a.test ip4:192.0.2.1 -all\n"
    "eleven.test TXT v=spf1 a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test "
    "a:a.test a:a.test a:a.test a:a.test ip4:192.0.2.1 -all\n"
    "before.test TXT v=spf1 ip4:192.0.2.1 a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test "
    "a:a.test a:a.test a:a.test a:a.test a:a.test -all\n"
    "voids2.test TXT v=spf1 a:gone1.test mx:gone2.test ip4:192.0.2.1 -all\n"
    "voids3.test TXT v=spf1 a:gone1.test mx:gone2.test exists:gone3.test ip4:192.0.2.1 -all\n"
    "wide.test TXT v=spf1 include:wide1.test include:wide1.test include:wide1.test "
    "include:wide1.test include:wide1.test include:wide1.test -all\n"
    "wide1.test TXT v=spf1 include:wide2.test\n"
    "wide2.test TXT v=spf1 ip4:192.0.2.250\n";

static struct event_base *base;
static struct fake_dns *server;
static struct dns *dns;
static struct spf_report report;
static bool ended;
static struct spf_check *check;

static int set_up(void **state)
{
    (void)state;
    return resolving_begin(zone, &base, &server, &dns);
}

static void on_end(const struct spf_report *r, void *context)
{
    (void)context;
    assert_false(ended);
    report = *r;
    ended = true;
    spf_check_stop(check); /* harmless in here */
}

static void run(const char *domain, const char *address, int64_t ms)
{
    char copy[400];
    struct spf_plan plan = { .domain = copy, .helo_name = "helo.test", .deadline_ms = soon(ms) };

    snprintf(copy, sizeof copy, "%s", domain);
    assert_true(address_parse(address, 25, &plan.address));
    ended = false;
    check = spf_check_start(dns, &plan, on_end, NULL);
    assert_false(ended); /* never from inside the start */
    memset(copy, 'x', sizeof copy);
    memset(&plan, 0xee, sizeof plan);
    loop_until(base, &ended);
}

static const struct row {
    const char *domain, *address;
    enum spf_result result;
    const char *detail;
} rows[] = {
    { "none.test", "192.0.2.1", SPF_NONE, "none.test has no SPF record" },
    { "gone.test", "192.0.2.1", SPF_NONE, "gone.test has no SPF record" },
    { "localhost", "192.0.2.1", SPF_NONE, "not the name of a domain" },
    { "a..test", "192.0.2.1", SPF_NONE, "not the name" },
    { "bad!name.test", "192.0.2.1", SPF_NONE, "not the name" },
    { "two.test", "192.0.2.1", SPF_PERMERROR, "two.test has more than one SPF record" },
    { "one.test", "192.0.2.1", SPF_FAIL, "-all in the record of one.test" },
    { "split.test", "192.0.2.1", SPF_PASS, "ip4:192.0.2.1 in the record" },
    { "odd.test", "192.0.2.1", SPF_PERMERROR, "not printable ASCII" },
    { "bad.test", "192.0.2.1", SPF_PERMERROR, "'mx:x' is not SPF, in the record of bad.test" },
    { "servfail.test", "192.0.2.1", SPF_TEMPERROR, "failed to look up the TXT record" },
    { "broken.test", "192.0.2.1", SPF_TEMPERROR, "cannot be read" },
    { "many.test", "192.0.2.1", SPF_NONE, "no SPF record" },

    { "plus.test", "192.0.2.1", SPF_PASS, "all in the record of plus.test" },
    { "soft.test", "192.0.2.1", SPF_SOFTFAIL, "~all in" },
    { "query.test", "192.0.2.1", SPF_NEUTRAL, "?all in" },
    { "empty.test", "192.0.2.1", SPF_NEUTRAL, "no term in the record of empty.test fits" },
    { "after.test", "192.0.2.1", SPF_FAIL, "-all in" },

    { "ip.test", "192.0.2.15", SPF_PASS, "ip4:192.0.2.0/28 in the record of ip.test" },
    { "ip.test", "192.0.2.16", SPF_FAIL, "-all" },
    { "ip.test", "2001:db8:ffff::1", SPF_PASS, "ip6:2001:db8::/32" },
    { "ip.test", "2001:db9::1", SPF_FAIL, "-all" },

    { "a.test", "192.0.2.11", SPF_PASS, "a in the record of a.test" },
    { "a.test", "192.0.2.12", SPF_FAIL, "-all" },
    { "a.test", "2001:db8::11", SPF_PASS, "a in" },
    { "a.test", "2001:db8::12", SPF_FAIL, "-all" },
    { "anet.test", "192.0.2.200", SPF_PASS, "a:a.test/24//64" },
    { "anet.test", "2001:db8::ffff", SPF_PASS, "a:a.test/24//64" },
    { "anet.test", "2001:db8:0:1::1", SPF_FAIL, "-all" },
    { "afail.test", "192.0.2.1", SPF_TEMPERROR, "the DNS failed for broken.a.test" },
    { "ashort.test", "192.0.2.1", SPF_TEMPERROR, "the DNS failed for short.a.test" },

    { "mx.test", "192.0.2.21", SPF_PASS, "mx in the record of mx.test" },
    { "mx.test", "2001:db8::21", SPF_PASS, "mx in" },
    { "mx.test", "192.0.2.22", SPF_FAIL, "-all" },
    { "mxmany.test", "192.0.2.22", SPF_PERMERROR, "more than 10 MX hosts" },
    { "mxten.test", "192.0.2.22", SPF_PASS, "mx in" },
    { "mxnull.test", "192.0.2.1", SPF_FAIL, "-all" },
    { "mximplicit.test", "192.0.2.1", SPF_FAIL, "-all" }, /* no implicit MX here (5.4) */
    { "mxfail.test", "192.0.2.1", SPF_TEMPERROR, "the DNS failed" },

    { "ptr.test", "192.0.2.30", SPF_PASS, "ptr in" },
    { "ptr.test", "2001:db8::31", SPF_PASS, "ptr in" },
    { "ptr.test", "192.0.2.99", SPF_FAIL, "-all" }, /* nothing leads from it to the name */
    { "ptr.test", "192.0.2.32", SPF_FAIL, "-all" },
    { "ptr.test", "192.0.2.33", SPF_FAIL, "-all" },
    { "ptrother.test", "192.0.2.30", SPF_PASS, "ptr:ptr.test in" },
    { "ptrforeign.test", "192.0.2.30", SPF_FAIL, "-all" }, /* whole labels alone */
    { "macro-p.test", "192.0.2.30", SPF_PASS, "exists:%{p}.allow.test in" },
    { "macro-p.test", "192.0.2.40", SPF_PASS, "exists:%{p}.allow.test in" },

    { "exists.test", "192.0.2.1", SPF_PASS, "exists:" },
    { "exists.test", "192.0.2.2", SPF_FAIL, "-all" },
    { "exists6.test", "2001:db8::1", SPF_PASS, "exists:" },
    { "exists6.test", "192.0.2.1", SPF_FAIL, "-all" },
    { "long.test", "192.0.2.1", SPF_PASS, "all in" },

    { "inc.test", "192.0.2.1", SPF_PASS, "ip4:192.0.2.0/28 in the record of ip.test" },
    { "inc.test", "192.0.2.99", SPF_NEUTRAL, "?all in the record of inc.test" },
    { "incneg.test", "192.0.2.1", SPF_FAIL, "of ip.test" },
    { "incneg.test", "192.0.2.99", SPF_PASS, "all in the record of incneg.test" },
    { "incsoft.test", "192.0.2.1", SPF_FAIL, "-all in the record of incsoft.test" },
    { "incnone.test", "192.0.2.1", SPF_PERMERROR, "none.test has no SPF record" },
    { "incgone.test", "192.0.2.1", SPF_PERMERROR, "gone.test has no SPF record" },
    { "incbad.test", "192.0.2.1", SPF_PERMERROR, "'mx:x' is not SPF" },
    { "incfail.test", "192.0.2.1", SPF_TEMPERROR, "servfail.test" },
    { "deep.test", "192.0.2.1", SPF_PASS, "ip4:192.0.2.0/28" },
    { "deep.test", "192.0.2.99", SPF_FAIL, "-all in the record of deep.test" },
    { "deepneg.test", "192.0.2.1", SPF_SOFTFAIL, "~all in the record of deepneg.test" },
    { "deepneg.test", "192.0.2.99", SPF_PASS, "all in the record of incneg.test" },
    { "incmacro.test", "192.0.2.1", SPF_PASS, "all in the record of test.test" },
    { "incd.test", "192.0.2.1", SPF_PASS, "exists:" }, /* %{d} is the included one */

    { "red.test", "192.0.2.200", SPF_PASS, "of red.test" },
    { "red.test", "192.0.2.1", SPF_PASS, "of ip.test" },
    { "red.test", "192.0.2.99", SPF_FAIL, "-all in the record of ip.test" },
    { "redall.test", "192.0.2.1", SPF_NEUTRAL, "?all" },
    { "rednone.test", "192.0.2.1", SPF_PERMERROR, "none.test has no SPF record" },
    { "redgone.test", "192.0.2.1", SPF_PERMERROR, "gone.test has no SPF record" },
    { "increds.test", "192.0.2.1", SPF_PASS, "of ip.test" },
    { "increds.test", "192.0.2.99", SPF_SOFTFAIL, "~all in the record of increds.test" },
    { "redd.test", "192.0.2.1", SPF_PASS, "of own.redd.test" },

    { "loop.test", "192.0.2.1", SPF_PERMERROR, "more than 10 look-ups" },
    { "redloop.test", "192.0.2.1", SPF_PERMERROR, "more than 10 look-ups" },
    { "ten.test", "192.0.2.1", SPF_PASS, "ip4:192.0.2.1" },
    { "eleven.test", "192.0.2.1", SPF_PERMERROR, "more than 10 look-ups" },
    { "before.test", "192.0.2.1", SPF_PASS, "ip4:192.0.2.1" },
    { "voids2.test", "192.0.2.1", SPF_PASS, "ip4:192.0.2.1" },
    { "voids3.test", "192.0.2.1", SPF_PERMERROR, "more than 2 look-ups that find nothing, gone3" },
    { "wide.test", "192.0.2.1", SPF_PERMERROR, "more than 10 look-ups" },
};

static void results(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        run(rows[i].domain, rows[i].address, 4000);
        if (report.result != rows[i].result || strstr(report.detail, rows[i].detail) == NULL)
            fail_msg("%s %s: %s, \"%s\", not %s, \"%s\"", rows[i].domain, rows[i].address,
                     spf_result_name(report.result), report.detail, spf_result_name(rows[i].result),
                     rows[i].detail);
    }
}

static void silence_ends(void **state)
{
    (void)state;
    run("silent.test", "192.0.2.1", 200);
    assert_int_equal(report.result, SPF_TEMPERROR);
}

static void stopping(void **state)
{
    struct spf_plan plan = { .domain = "silent.test", .deadline_ms = soon(200) };

    (void)state;
    assert_true(address_parse("192.0.2.1", 0, &plan.address));
    ended = false;
    spf_check_stop(NULL);
    spf_check_stop(spf_check_start(dns, &plan, on_end, NULL));
    plan.domain = "mx.test";
    struct spf_check *one = spf_check_start(dns, &plan, on_end, NULL);
    assert_false(loop_watch(base, &ended, 0));
    spf_check_stop(one);
    assert_false(loop_watch(base, &ended, 400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(stopping),
    };

    return cmocka_run_group_tests(tests, set_up, resolving_end);
}
