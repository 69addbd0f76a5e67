/* SPDX-License-Identifier: BSD-2-Clause */
/* Where port 25 is blocked, by what the hops said. */
#include "tests/unit/unit.h"

#include "daemon/decide/trace.h"
#include <stdio.h>
#include <string.h>

/* One hop in two characters, port 25 and control:
 *   .  silent   p  passed by the hop's usual address   t  reached   r  RST
 *   x  prohibited, by the hop before   u  unreachable, by the hop itself
 *   T  prohibited, by the target   d  denied   l  could not be tried   -  untried */
static struct hop_answer answer(char c, const char *self, const char *before)
{
    static const struct {
        char c;
        enum hop_end end;
    } ends[] = {
        { '.', HOP_SILENT },     { 'p', HOP_PASSED },     { 't', HOP_REACHED },
        { 'r', HOP_RESET },      { 'x', HOP_PROHIBITED }, { 'u', HOP_UNREACHABLE },
        { 'T', HOP_PROHIBITED }, { 'd', HOP_DENIED },     { 'l', HOP_LOCAL },
        { '-', HOP_UNTRIED },
    };
    struct hop_answer a = { .end = HOP_UNTRIED };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i].c == c)
            a.end = ends[i].end;
    if (c == 'p' || c == 'u')
        assert_true(address_parse(self, 0, &a.at));
    if (c == 'x')
        assert_true(address_parse(before, 0, &a.at));
    if (c == 'T')
        assert_true(address_parse("203.0.113.25", 0, &a.at));
    return a;
}

/* Hop n is 192.0.2.n, but a PRIVATE one is 10.0.0.n. */
static void hop_name(int hop, int private_up_to, char *out)
{
    snprintf(out, ADDRESS_TEXT, "%s.%d", hop <= private_up_to ? "10.0.0" : "192.0.2", hop);
}

static struct hop_trace_result trace(const char *hops, int private_up_to)
{
    struct hop_trace_result t = { .family = FAMILY_IPV4 };
    char self[ADDRESS_TEXT], before[ADDRESS_TEXT];

    assert_true(address_parse("203.0.113.25", 25, &t.address));
    assert_true(address_parse("203.0.113.25", 587, &t.control));
    for (const char *h = hops; *h != '\0'; h += h[2] == ' ' ? 3 : 2) {
        hop_name((int)t.hop_count + 1, private_up_to, self);
        hop_name((int)t.hop_count, private_up_to, before);
        struct hop *hop = &t.hops[t.hop_count++];
        hop->port25 = answer(h[0], self, before);
        hop->control = answer(h[1], self, before);
        t.reached |= h[0] == 't';
        t.control_reached |= h[1] == 't' || h[1] == 'r';
    }
    return t;
}

static const struct {
    const char *what, *hops;
    enum trace_scope scope;
    enum trace_where where;
    enum trace_how how;
    size_t last, next, reporter;
} rows[] = {
    { "open", "pp pp tt", TRACE_OF_ALL, TRACE_OPEN, TRACE_SILENTLY, 2, 3, 0 },
    { "hop 1 sees the control alone", ".p .p .t", TRACE_OF_ALL, TRACE_FIRST_HOP, TRACE_SILENTLY, 0,
      1, 0 },
    { "the first hop passes, the second does not", "pp .p .p .p .p .t", TRACE_OF_ALL,
      TRACE_PROVIDER, TRACE_SILENTLY, 1, 2, 0 },
    { "also if the other operators are open", "pp .p .p .p .p .t", TRACE_OF_ONE, TRACE_PROVIDER,
      TRACE_SILENTLY, 1, 2, 0 },
    { "the third hop", "pp pp pp .p .p .p .p .t", TRACE_OF_ALL, TRACE_PROVIDER, TRACE_SILENTLY, 3,
      4, 0 },
    { "the fifth hop of nine", "pp pp pp pp pp .p .p .p .t", TRACE_OF_ALL, TRACE_PATH,
      TRACE_SILENTLY, 5, 6, 0 },
    { "the last hop before the target", "pp pp pp pp pp pp .t", TRACE_OF_SOME, TRACE_FAR,
      TRACE_SILENTLY, 6, 7, 0 },
    { "the same for one operator", "pp pp pp pp pp pp .t", TRACE_OF_ONE, TRACE_FAR, TRACE_SILENTLY,
      6, 7, 0 },
    { "the same for all is not theirs", "pp pp pp pp pp pp .t", TRACE_OF_ALL, TRACE_PATH,
      TRACE_SILENTLY, 6, 7, 0 },
    { "a short way: all", "pp pp .t", TRACE_OF_ALL, TRACE_PROVIDER, TRACE_SILENTLY, 2, 3, 0 },
    { "a short way: one", "pp pp .t", TRACE_OF_ONE, TRACE_FAR, TRACE_SILENTLY, 2, 3, 0 },
    { "a short way: nobody knows", "pp pp .t", TRACE_OF_SOME, TRACE_UNKNOWN, TRACE_SILENTLY, 2, 3,
      0 },
    { "nobody answers", ".. .. ..", TRACE_OF_ALL, TRACE_UNKNOWN, TRACE_SILENTLY, 0, 0, 0 },
    { "both end at the same hop", "pp .. .. ..", TRACE_OF_ALL, TRACE_UNKNOWN, TRACE_SILENTLY, 1, 0,
      0 },
    { "silent routers, the target answers the control", ".. .. .t", TRACE_OF_ALL, TRACE_UNKNOWN,
      TRACE_SILENTLY, 0, 3, 0 },
    { "a gap among the first hops", "pp .. .p .p .p .t", TRACE_OF_ALL, TRACE_PROVIDER,
      TRACE_SILENTLY, 1, 3, 0 },
    { "a gap that begins at this host", ".. .p .p .p .p .t", TRACE_OF_ALL, TRACE_UNKNOWN,
      TRACE_SILENTLY, 0, 2, 0 },
    { "a gap from the provider into the world", "pp pp .. .. .p .p .t", TRACE_OF_ALL, TRACE_UNKNOWN,
      TRACE_SILENTLY, 2, 5, 0 },
    { "a gap up to the target", "pp pp pp pp .. .. .t", TRACE_OF_ONE, TRACE_UNKNOWN, TRACE_SILENTLY,
      4, 7, 0 },
    { "a gap in the middle", "pp pp pp pp .. .. .p .p .p .t", TRACE_OF_ALL, TRACE_PATH,
      TRACE_SILENTLY, 4, 7, 0 },
    { "a hop that hides from port 25 alone", "pp .p pp pp pp pp .p .p .p .t", TRACE_OF_ALL,
      TRACE_PATH, TRACE_SILENTLY, 6, 7, 0 },
    { "a hop that could not be tried", "pp lp .p .p .p .t", TRACE_OF_ALL, TRACE_UNKNOWN,
      TRACE_SILENTLY, 1, 2, 0 },
    { "a hop that was not tried in time", "pp -p", TRACE_OF_ALL, TRACE_UNKNOWN, TRACE_SILENTLY, 1,
      2, 0 },
    { "RST behind the first hop", "pp rp rp rp rp rt", TRACE_OF_ALL, TRACE_PROVIDER, TRACE_BY_RESET,
      1, 2, 0 },
    { "RST from where the target is", "pp pp pp pp pp rt", TRACE_OF_ONE, TRACE_FAR, TRACE_BY_RESET,
      5, 6, 0 },
    { "RST before any hop", "rp rp rt", TRACE_OF_ALL, TRACE_FIRST_HOP, TRACE_BY_RESET, 0, 1, 0 },
    { "RST behind silent routers", ".. .. r. r. r.", TRACE_OF_ALL, TRACE_UNKNOWN, TRACE_BY_RESET, 0,
      0, 0 },
    { "prohibited by hop 1", "pp xp xp xp xp xt", TRACE_OF_ALL, TRACE_PROVIDER, TRACE_BY_ICMP, 1, 2,
      1 },
    { "prohibited by hop 5", "pp pp pp pp pp xp xp xp xt", TRACE_OF_ALL, TRACE_PATH, TRACE_BY_ICMP,
      5, 6, 5 },
    { "unreachable, by a hop that nobody has seen", "pp .p ux .p .p .t", TRACE_OF_ALL,
      TRACE_PROVIDER, TRACE_BY_ICMP, 1, 2, 0 },
    { "prohibited by the target", "pp pp pp pp pp Tt", TRACE_OF_ALL, TRACE_FAR, TRACE_BY_ICMP, 5, 6,
      6 },
    { "both ports are prohibited", "pp xx xx", TRACE_OF_ALL, TRACE_UNKNOWN, TRACE_BY_ICMP, 1, 0,
      1 },
    { "this host's kernel says no", "dp -p -t", TRACE_OF_ALL, TRACE_HOST, TRACE_BY_KERNEL, 0, 1,
      0 },
};

static void every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hop_trace_result t = trace(rows[i].hops, 0);
        struct trace_conclusion c = trace_decide(&t, rows[i].scope);
        if (c.where != rows[i].where || c.how != rows[i].how || c.last.hop != rows[i].last ||
            c.next.hop != rows[i].next || c.reporter.hop != rows[i].reporter)
            fail_msg("%s: where %d how %d last %zu next %zu reporter %zu", rows[i].what, c.where,
                     c.how, c.last.hop, c.next.hop, c.reporter.hop);
    }
}

static void what_never_left_is_this_hosts(void **state)
{
    struct hop_trace_result t = trace(".p .p .t", 0);

    (void)state;
    t.kept = true;
    assert_int_equal(trace_decide(&t, TRACE_OF_ALL).where, TRACE_HOST);
    t = trace("pp .p .t", 0);
    assert_int_equal(trace_decide(&t, TRACE_OF_ALL).where, TRACE_PROVIDER);
}

static void private_hops_are_near(void **state)
{
    struct hop_trace_result t = trace("pp pp pp pp pp .p .p .p .t", 6);

    (void)state;
    struct trace_conclusion c = trace_decide(&t, TRACE_OF_ALL);
    assert_int_equal(c.where, TRACE_PROVIDER);
    assert_int_equal(c.last.kind, ADDRESS_PRIVATE);
    assert_int_equal(c.next.kind, ADDRESS_PRIVATE);
}

/* An answer that comes from nearer than the target's is not the target's. */
static void an_early_answer(void **state)
{
    static const struct {
        const char *hops;
        bool early;
    } cases[] = { { "pp tp tp tt", true },
                  { "pp pp pp tt", false },
                  { "pp rp rp rt", true },
                  { "pp pp pp rt", false },
                  { "pp tp tp t.", false } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hop_trace_result t = trace(cases[i].hops, 0);
        assert_int_equal(trace_decide(&t, TRACE_OF_ALL).early, cases[i].early);
    }
}

/* Another address may be at another distance. */
static void a_control_elsewhere_shows_no_distance(void **state)
{
    struct hop_trace_result t = trace("pp pp pp pp pp .t", 0);

    (void)state;
    assert_true(address_parse("203.0.113.99", 587, &t.control));
    struct trace_conclusion c = trace_decide(&t, TRACE_OF_ONE);
    assert_int_equal(c.where, TRACE_PATH);
    assert_true(address_equal(&c.next.at, &t.control));
}

static void kinds_of_addresses(void **state)
{
    static const struct {
        const char *text;
        enum address_kind kind;
    } cases[] = {
        { "10.0.0.1", ADDRESS_PRIVATE },       { "11.0.0.1", ADDRESS_PUBLIC },
        { "172.15.255.255", ADDRESS_PUBLIC },  { "172.16.0.0", ADDRESS_PRIVATE },
        { "172.31.255.255", ADDRESS_PRIVATE }, { "172.32.0.0", ADDRESS_PUBLIC },
        { "192.168.1.1", ADDRESS_PRIVATE },    { "192.169.0.1", ADDRESS_PUBLIC },
        { "169.254.1.1", ADDRESS_PRIVATE },    { "100.63.255.255", ADDRESS_PUBLIC },
        { "100.64.0.0", ADDRESS_SHARED },      { "100.127.255.255", ADDRESS_SHARED },
        { "100.128.0.0", ADDRESS_PUBLIC },     { "fd00::1", ADDRESS_PRIVATE },
        { "fc00::1", ADDRESS_PRIVATE },        { "fe80::1", ADDRESS_PRIVATE },
        { "fec0::1", ADDRESS_PUBLIC },         { "2001:db8::1", ADDRESS_PUBLIC },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address a;
        assert_true(address_parse(cases[i].text, 0, &a));
        if (address_kind(&a) != cases[i].kind)
            fail_msg("%s is of kind %d", cases[i].text, address_kind(&a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(what_never_left_is_this_hosts),
        cmocka_unit_test(private_hops_are_near),
        cmocka_unit_test(an_early_answer),
        cmocka_unit_test(a_control_elsewhere_shows_no_distance),
        cmocka_unit_test(kinds_of_addresses),
    };

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
