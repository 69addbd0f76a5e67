/* SPDX-License-Identifier: BSD-2-Clause */
/* Patience: fall, rise, stay, the limit, the hold; and a year of it in a second. */
#include "tests/unit/unit.h"

#include "daemon/decide/health.h"
#include "daemon/decide/route.h"
#include <string.h>

#define START INT64_C(1700000000)

static const struct health_settings settings = {
    .fall = 2, .rise = 3, .stay = 600, .interval = 300, .fastinter = 5, .switch_limit = 6
};

static enum health_sign sign4(enum verdict_kind v4, enum verdict_kind v6)
{
    const enum verdict_kind verdicts[FAMILIES] = { v4, v6 };
    const bool used[FAMILIES] = { true, true };

    return health_sign(verdicts, used);
}

static void every_verdict_has_its_sign(void **state)
{
    static const enum health_sign expected[VERDICTS] = {
        [VERDICT_UNKNOWN] = HEALTH_NOTHING, [VERDICT_INTERCEPTED] = HEALTH_BAD,
        [VERDICT_UNSTABLE] = HEALTH_MIXED,  [VERDICT_REMOTE] = HEALTH_GOOD,
        [VERDICT_OPEN] = HEALTH_GOOD,       [VERDICT_REPUTATION] = HEALTH_MIXED,
        [VERDICT_BLOCKED] = HEALTH_BAD,     [VERDICT_OFFLINE] = HEALTH_NOTHING,
    };
    (void)state;
    for (int kind = 0; kind < VERDICTS; kind++)
        assert_int_equal(sign4((enum verdict_kind)kind, VERDICT_OPEN), expected[kind]);
}

static void ipv6_counts_only_where_it_is_alone(void **state)
{
    const enum verdict_kind verdicts[FAMILIES] = { VERDICT_OFFLINE, VERDICT_BLOCKED };
    const bool v6_only[FAMILIES] = { false, true };

    (void)state;
    assert_int_equal(sign4(VERDICT_OPEN, VERDICT_BLOCKED), HEALTH_GOOD);
    assert_int_equal(sign4(VERDICT_BLOCKED, VERDICT_OPEN), HEALTH_BAD);
    assert_int_equal(health_sign(verdicts, v6_only), HEALTH_BAD);
}

static enum health_wish wish_of(const struct health *h, bool on_relay, int64_t now)
{
    struct health_advice a = health_advise(h, &settings, on_relay, now);

    return a.bar == HEALTH_FREE ? a.wish : HEALTH_KEEP;
}

static void fall_rounds_leave_direct(void **state)
{
    struct health h = { .since = START };

    (void)state;
    health_round(&h, HEALTH_BAD);
    assert_int_equal(wish_of(&h, false, START), HEALTH_KEEP);
    assert_true(health_suspects(&h, &settings, false));
    health_round(&h, HEALTH_NOTHING); /* an unknown round neither adds nor takes */
    assert_int_equal(wish_of(&h, false, START), HEALTH_KEEP);
    health_round(&h, HEALTH_BAD);
    assert_int_equal(wish_of(&h, false, START), HEALTH_LEAVE);
    assert_false(health_suspects(&h, &settings, false));
}

static void good_and_mixed_rounds_end_suspicion(void **state)
{
    struct health h = { .since = START };

    (void)state;
    health_round(&h, HEALTH_BAD);
    health_round(&h, HEALTH_GOOD);
    health_round(&h, HEALTH_BAD);
    assert_int_equal(wish_of(&h, false, START), HEALTH_KEEP);
    health_round(&h, HEALTH_MIXED);
    health_round(&h, HEALTH_BAD);
    assert_int_equal(wish_of(&h, false, START), HEALTH_KEEP);
}

static void rise_and_stay_return(void **state)
{
    struct health h = { .since = START };

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(health_advise(&h, &settings, true, START + 5000).wish, HEALTH_KEEP);
        health_round(&h, HEALTH_GOOD);
    }
    struct health_advice early = health_advise(&h, &settings, true, START + 599);
    assert_int_equal(early.wish, HEALTH_RETURN);
    assert_int_equal(early.bar, HEALTH_STAYING);
    assert_int_equal(early.until, START + 600);
    assert_int_equal(wish_of(&h, true, START + 600), HEALTH_RETURN);
}

static void hold_is_above_all(void **state)
{
    struct health h = { .since = START, .bad = 5, .hold = true };
    struct health_advice a = health_advise(&h, &settings, false, START + 10000);

    (void)state;
    assert_int_equal(a.wish, HEALTH_LEAVE);
    assert_int_equal(a.bar, HEALTH_HELD);
}

static void the_limit_lifts_after_an_hour(void **state)
{
    struct health h = { .since = START, .bad = 2 };

    (void)state;
    for (int i = 0; i < settings.switch_limit; i++) {
        assert_int_equal(wish_of(&h, false, START + i), HEALTH_LEAVE);
        health_switched(&h, START + i);
    }
    struct health_advice a = health_advise(&h, &settings, false, START + 10);
    assert_int_equal(a.bar, HEALTH_LIMITED);
    assert_int_equal(a.until, START + 3600);
    assert_int_equal(wish_of(&h, false, START + 3600), HEALTH_LEAVE);
}

static void a_clock_set_back_does_not_lock_the_route(void **state)
{
    struct health h = { .since = START, .good = 3 };

    (void)state;
    for (int i = 0; i < settings.switch_limit; i++)
        health_switched(&h, START);
    assert_int_equal(wish_of(&h, true, START - 86400), HEALTH_RETURN);
}

/* A round every interval for a year, the port closed for a day in every thirty, one round in fifty
 * misjudged: two switches an outage and no more than the limit in any hour. */
static void a_year_in_a_second(void **state)
{
    struct health h = { .since = START };
    bool on_relay = false;
    int switches = 0, outages = 0;
    unsigned seed = 7;
    bool was_blocked = false;

    (void)state;
    for (int64_t now = START; now < START + 365 * 86400; now += settings.interval) {
        bool blocked = (now - START) % (30 * 86400) > 29 * 86400;
        outages += blocked && !was_blocked;
        was_blocked = blocked;
        seed = seed * 1103515245u + 12345u;
        bool wrong = (seed >> 16) % 50 == 0;
        health_round(&h, wrong ? HEALTH_NOTHING : blocked ? HEALTH_BAD : HEALTH_GOOD);
        if (wish_of(&h, on_relay, now) == HEALTH_KEEP)
            continue;
        on_relay = !on_relay;
        switches++;
        health_switched(&h, now);
    }
    assert_int_equal(outages, 12);
    assert_int_equal(switches, 2 * outages);
}

static void the_first_proven_relay_is_chosen(void **state)
{
    enum candidate_state c[3] = { CANDIDATE_PENDING, CANDIDATE_PROVEN, CANDIDATE_PROVEN };

    (void)state;
    assert_int_equal(choose_route(c, 3), CHOICE_WAIT);
    c[0] = CANDIDATE_FAILED;
    assert_int_equal(choose_route(c, 3), 1);
    c[0] = CANDIDATE_PROVEN;
    assert_int_equal(choose_route(c, 3), 0);
    c[0] = c[1] = c[2] = CANDIDATE_FAILED;
    assert_int_equal(choose_route(c, 3), CHOICE_NONE);
    assert_int_equal(choose_route(c, 0), CHOICE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_has_its_sign),
        cmocka_unit_test(ipv6_counts_only_where_it_is_alone),
        cmocka_unit_test(fall_rounds_leave_direct),
        cmocka_unit_test(good_and_mixed_rounds_end_suspicion),
        cmocka_unit_test(rise_and_stay_return),
        cmocka_unit_test(hold_is_above_all),
        cmocka_unit_test(the_limit_lifts_after_an_hour),
        cmocka_unit_test(a_clock_set_back_does_not_lock_the_route),
        cmocka_unit_test(a_year_in_a_second),
        cmocka_unit_test(the_first_proven_relay_is_chosen),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
