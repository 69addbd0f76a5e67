/* SPDX-License-Identifier: BSD-2-Clause */
/* When a round asks for controls and connections, what counts, and when it ends. */
#include "tests/unit/unit.h"

#include "daemon/decide/enough.h"
#include <stdio.h>

#define START      INT64_C(50000)
#define TIMEOUT    8000
#define CANDIDATES 3

/* A round that a test plays by hand. Its controls answer at once, as long as UP. */
struct hand {
    struct enough *enough;
    int64_t now;
    bool up, refuses;
    size_t hosts, waves, controls, more;
    size_t first_wave_at, host_of_more[64];
};

static void begin_host(struct hand *h, size_t target)
{
    char network[32];

    snprintf(network, sizeof network, "198.18.%zu.0/24", target);
    enough_connect(h->enough, enough_host(h->enough, target, network), h->now);
    h->hosts++;
}

static struct hand silent_round(size_t operators, size_t hosts_of_each, size_t quorum)
{
    struct enough_settings settings = { operators, quorum, TIMEOUT };
    struct hand h = { .enough = enough_new(&settings), .now = START, .up = true };

    for (size_t t = 0; t < operators; t++)
        for (size_t i = 0; i < hosts_of_each; i++)
            begin_host(&h, t);
    return h;
}

static void control(struct hand *h, int candidate)
{
    size_t number;

    if (!enough_control(h->enough, candidate, h->now, &number))
        return;
    h->controls++;
    if (h->up)
        enough_control_ended(h->enough, number, true, h->now);
}

static void act(struct hand *h, const struct enough_action *action)
{
    if (action->what == ENOUGH_WAVE) {
        h->waves++;
        for (int i = 0; i < CANDIDATES; i++)
            control(h, i);
    } else if (action->what == ENOUGH_CONTROL) {
        control(h, action->candidate);
    } else if (action->what == ENOUGH_CONNECT) {
        size_t number = enough_connect(h->enough, action->host, h->now);
        if (h->more < 64)
            h->host_of_more[h->more] = action->host;
        h->more++;
        if (h->refuses)
            enough_ended(h->enough, number, ENOUGH_REFUSED, h->now);
    }
}

/* Goes on until END or until it is over; says whether it is. */
static bool go_on(struct hand *h, int64_t end)
{
    for (;;) {
        struct enough_action action = enough_next(h->enough, h->now);
        if (action.what == ENOUGH_DONE)
            return true;
        if (action.what != ENOUGH_WAIT) {
            act(h, &action);
            continue;
        }
        assert_true(action.until_ms > h->now);
        if (action.until_ms > end) {
            h->now = end;
            return false;
        }
        h->now = action.until_ms;
    }
}

static bool is_proven(struct hand *h)
{
    return enough_seen(h->enough, h->now).proven;
}

static void nothing_is_sent_while_probes_connect(void **state)
{
    struct hand h = silent_round(5, 2, 3);

    (void)state;
    assert_false(go_on(&h, START + ENOUGH_SUSPICION_MS - 1));
    enough_connected(h.enough, 0);
    assert_false(go_on(&h, START + ENOUGH_AGAIN_MS - 1));
    assert_int_equal(h.controls, 0);
    assert_int_equal(h.more, 0);
    for (size_t i = 0; i < h.hosts; i++)
        enough_ended(h.enough, i, ENOUGH_ENDED, h.now);
    assert_true(go_on(&h, h.now));
    enough_free(h.enough);
}

static void a_slow_host_is_tried_again_where_others_connect(void **state)
{
    struct hand h = silent_round(5, 1, 3);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        enough_connected(h.enough, i);
        enough_ended(h.enough, i, ENOUGH_ENDED, START + 10);
    }
    assert_false(go_on(&h, START + ENOUGH_AGAIN_MS));
    assert_int_equal(h.more, 1);
    assert_int_equal(h.host_of_more[0], 4);
    assert_false(go_on(&h, START + TIMEOUT - 1));
    assert_int_equal(h.more, 1);
    assert_int_equal(h.controls, 0);
    enough_free(h.enough);
}

static void many_silent_ones_among_others_are_measured(void **state)
{
    struct hand h = silent_round(4, 1, 3);

    (void)state;
    enough_connected(h.enough, 0);
    assert_false(go_on(&h, START + ENOUGH_AGAIN_MS + 2000));
    assert_int_equal(h.waves, 1);
    assert_true(h.controls > CANDIDATES + 5);
    assert_true(enough_seen(h.enough, h.now).loss == 0);
    assert_false(is_proven(&h));
    enough_free(h.enough);
}

static void silence_is_proven_between_controls(void **state)
{
    struct hand h = silent_round(10, 2, 3);

    (void)state;
    assert_false(go_on(&h, START + ENOUGH_SUSPICION_MS - 1));
    assert_int_equal(h.controls, 0);
    assert_true(go_on(&h, START + TIMEOUT));
    assert_true(is_proven(&h));
    assert_true(h.now < START + 2000);
    struct enough_seen seen = enough_seen(h.enough, h.now);
    assert_true(seen.counted >= 20);
    assert_int_equal(seen.sent, seen.answered);
    assert_int_equal(h.waves, 1);
    enough_free(h.enough);
}

static void few_hosts_take_longer_and_end_too(void **state)
{
    struct hand h = silent_round(3, 1, 3);

    (void)state;
    assert_true(go_on(&h, START + TIMEOUT));
    assert_true(is_proven(&h));
    assert_true(h.more <= ENOUGH_MORE);
    enough_free(h.enough);
}

static void further_connections_go_round_the_operators(void **state)
{
    struct hand h = silent_round(3, 2, 3);
    size_t of_operator[3] = { 0 };

    (void)state;
    go_on(&h, START + ENOUGH_SUSPICION_MS + 5 * ENOUGH_BEAT_MS);
    assert_int_equal(h.more, 12); /* in pairs at first */
    for (size_t i = 0; i < 9; i++)
        of_operator[h.host_of_more[i] / 2]++;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(of_operator[i], 3);
    for (size_t i = 0; i < 3; i++) /* the other host, the second time */
        assert_int_not_equal(h.host_of_more[i], h.host_of_more[i + 3]);
    enough_free(h.enough);
}

static void no_controls_no_proof(void **state)
{
    struct hand h = silent_round(10, 2, 3);

    (void)state;
    h.up = false;
    assert_true(go_on(&h, START + TIMEOUT));
    assert_false(is_proven(&h));
    assert_int_equal(h.now, START + ENOUGH_SUSPICION_MS + ENOUGH_OFFLINE_MS);
    assert_int_equal(enough_seen(h.enough, h.now).answered, 0);
    enough_free(h.enough);
}

/* What the first SYNs and those of the outage say does not count. */
static void an_outage_proves_nothing(void **state)
{
    struct hand h = silent_round(10, 2, 3);

    (void)state;
    go_on(&h, START + ENOUGH_SUSPICION_MS);
    h.up = false; /* just after the first wave */
    go_on(&h, START + TIMEOUT - 10);
    assert_false(is_proven(&h));
    assert_int_equal(enough_seen(h.enough, h.now).counted, 0);
    assert_true(h.more < ENOUGH_MORE / 2); /* they wait for the network */
    enough_free(h.enough);
}

static void a_round_lasts_longer_while_controls_come_and_go(void **state)
{
    struct hand h = silent_round(10, 2, 3);

    (void)state;
    go_on(&h, START + ENOUGH_SUSPICION_MS);
    h.up = false;
    assert_false(go_on(&h, START + TIMEOUT + 1000));
    h.up = true;
    assert_true(go_on(&h, START + 2 * TIMEOUT));
    enough_free(h.enough);

    h = silent_round(10, 2, 3);
    go_on(&h, START + ENOUGH_SUSPICION_MS);
    h.up = false;
    assert_true(go_on(&h, START + 3 * TIMEOUT));
    assert_int_equal(h.now, START + 2 * TIMEOUT);
    assert_false(is_proven(&h));
    enough_free(h.enough);
}

static void one_operator_never_carries_it(void **state)
{
    struct hand h = silent_round(1, 2, 2);

    (void)state;
    assert_true(go_on(&h, START + 2 * TIMEOUT));
    assert_false(is_proven(&h));
    assert_true(h.now < START + TIMEOUT);
    assert_int_equal(enough_seen(h.enough, h.now).counted, 0);
    enough_free(h.enough);
}

static void fewer_operators_than_quorum_prove_nothing(void **state)
{
    struct hand h = silent_round(3, 2, 4);

    (void)state;
    assert_true(go_on(&h, START + 2 * TIMEOUT));
    assert_false(is_proven(&h));
    assert_true(enough_seen(h.enough, h.now).counted >= 20);
    enough_free(h.enough);
}

/* Many SYNs in one moment may all be lost to one mishap, and so may those of two. */
static void a_moment_or_two_prove_nothing(void **state)
{
    struct enough_settings settings = { 40, 3, TIMEOUT };
    struct hand h = { .enough = enough_new(&settings), .now = START };

    (void)state;
    for (size_t t = 0; t < 20; t++)
        begin_host(&h, t);
    go_on(&h, START + 300);
    for (size_t t = 20; t < 40; t++)
        begin_host(&h, t);
    go_on(&h, START + 880);
    h.up = true;
    go_on(&h, START + 1200);
    assert_true(enough_seen(h.enough, START + 1600).counted < 20); /* of one bracket, above all */
    go_on(&h, START + 1450);
    h.up = false;
    assert_false(go_on(&h, START + 2500));
    assert_true(enough_seen(h.enough, h.now).counted >= 20);
    assert_false(is_proven(&h));
    enough_free(h.enough);
}

/* Targets in one network are one operator, however many they are. */
static void shared_networks_are_one_operator(void **state)
{
    struct enough_settings settings = { 4, 2, TIMEOUT };
    struct hand h = { .enough = enough_new(&settings), .now = START, .up = true };

    (void)state;
    for (size_t t = 0; t < 4; t++)
        enough_connect(h.enough, enough_host(h.enough, t, "198.18.1.0/24"), h.now);
    go_on(&h, START + 2 * TIMEOUT);
    assert_false(is_proven(&h));
    enough_free(h.enough);
}

static void refuse_all(struct hand *h)
{
    for (size_t i = 0; i < h->hosts; i++)
        enough_ended(h->enough, i, ENOUGH_REFUSED, h->now);
    h->refuses = true;
}

static void refusals_need_no_time_but_controls(void **state)
{
    struct hand h = silent_round(5, 2, 3);

    (void)state;
    h.now++;
    refuse_all(&h);
    assert_true(go_on(&h, START + TIMEOUT));
    assert_true(is_proven(&h));
    assert_true(h.now < START + 10);
    assert_true(h.controls >= CANDIDATES + 1);
    assert_true(h.more <= 5);
    enough_free(h.enough);

    h = silent_round(5, 2, 3);
    h.up = false;
    refuse_all(&h);
    go_on(&h, START + 2 * TIMEOUT);
    assert_false(is_proven(&h));
    enough_free(h.enough);
}

static void two_refusing_operators_are_asked_more_often(void **state)
{
    struct hand h = silent_round(2, 1, 2);

    (void)state;
    refuse_all(&h);
    assert_true(go_on(&h, START + TIMEOUT));
    assert_true(is_proven(&h));
    assert_true(h.now > START + ENOUGH_BEAT_MS);
    enough_free(h.enough);
}

/* No route, say: it needs no seconds to find out. */
static void refused_controls_end_it_at_once(void **state)
{
    struct hand h = silent_round(5, 2, 3);
    struct enough_action action;
    size_t number;

    (void)state;
    h.up = false;
    refuse_all(&h);
    for (int i = 0; (action = enough_next(h.enough, h.now)).what != ENOUGH_DONE; i++) {
        assert_true(i < 100);
        if (action.what == ENOUGH_WAVE && enough_control(h.enough, 0, h.now, &number))
            enough_control_ended(h.enough, number, false, h.now);
        else if (action.what == ENOUGH_CONNECT)
            act(&h, &action);
        else if (action.what == ENOUGH_WAIT)
            h.now = action.until_ms;
    }
    assert_true(h.now < START + 1000);
    enough_free(h.enough);
}

static void lost_controls_raise_the_price(void **state)
{
    struct hand h = silent_round(10, 2, 3);
    int64_t end;

    (void)state;
    go_on(&h, START + ENOUGH_SUSPICION_MS);
    for (end = h.now; end < START + 2 * TIMEOUT; end += 130) {
        h.up = !h.up;
        if (go_on(&h, end))
            break;
    }
    struct enough_seen seen = enough_seen(h.enough, h.now);
    assert_true(seen.loss > 0.3);
    assert_true(seen.q >= ENOUGH_LOSS);
    assert_true(h.now > START + 2000);
    enough_free(h.enough);
}

static void a_late_answer_encloses_nothing(void **state)
{
    struct brackets b = { 0 };

    (void)state;
    size_t first = brackets_sent(&b, 0, 1000), second = brackets_sent(&b, 0, 1250);
    brackets_ended(&b, first, true, 1010);
    brackets_ended(&b, second, true, 1250 + 1000); /* its second SYN may have been answered */
    assert_int_equal(b.answered, 2);
    assert_int_equal(brackets_find(&b, 1100, 0), -1);
    size_t third = brackets_sent(&b, 0, 1500);
    brackets_ended(&b, third, true, 1501);
    assert_int_equal(brackets_find(&b, 1100, 0), 0);
    assert_int_equal(brackets_find(&b, 999, 0), -1);
    assert_int_equal(brackets_find(&b, 1499, 2), -1);
}

static void brackets_are_half_a_second_wide(void **state)
{
    struct brackets b = { 0 };
    static const int64_t sent[] = { 1000, 1500, 2001, 2400 };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        brackets_ended(&b, brackets_sent(&b, 0, sent[i]), true, sent[i]);
    assert_int_equal(brackets_find(&b, 1200, 100), 0);
    assert_int_equal(brackets_find(&b, 1600, 0), -1);
    assert_int_equal(brackets_find(&b, 1400, 200), -1); /* it may have left in the gap */
    assert_int_equal(brackets_find(&b, 2100, 0), 2);
}

static void only_repeated_controls_measure_loss(void **state)
{
    struct brackets b = { 0 };

    (void)state;
    brackets_ended(&b, brackets_sent(&b, 0, 1000), true, 1001);
    brackets_ended(&b, brackets_sent(&b, 1, 1000), false, 3500); /* it never answers */
    size_t late = brackets_sent(&b, 0, 1250);
    assert_int_equal(brackets_loss(&b, 1300).known, 0);
    assert_int_equal(brackets_loss(&b, 1500).known, 1);
    assert_int_equal(brackets_loss(&b, 1500).lost, 1); /* as long as nothing comes */
    brackets_ended(&b, late, true, 1600);
    assert_int_equal(brackets_loss(&b, 1600).lost, 0);
    assert_int_equal(brackets_turn(&b, 0), 0);
}

static void nothing_to_probe_ends_after_the_lookups(void **state)
{
    struct enough_settings settings = { 3, 3, TIMEOUT };
    struct enough *e = enough_new(&settings);

    (void)state;
    enough_pending(e, 1);
    assert_int_equal(enough_next(e, START).what, ENOUGH_WAIT);
    enough_pending(e, 0);
    assert_int_equal(enough_next(e, START).what, ENOUGH_DONE);
    assert_int_equal(enough_seen(e, START).counted, 0);
    enough_free(e);
}

static void what_cannot_be_tried_says_nothing(void **state)
{
    struct hand h = silent_round(5, 1, 3);

    (void)state;
    for (size_t i = 0; i < h.hosts; i++)
        enough_ended(h.enough, i, ENOUGH_FAULT, h.now);
    assert_true(go_on(&h, START + TIMEOUT));
    assert_int_equal(h.controls, 0);
    assert_false(is_proven(&h));
    enough_free(h.enough);
}

/* A thousand targets, most of which wait for their turn. */
/* Three dead ones that the DNS knows at once, and seven that it takes its time for. */
static void a_verdict_does_not_come_before_most_were_asked(void **state)
{
    struct hand h = silent_round(3, 1, 3);

    (void)state;
    enough_pending(h.enough, 7);
    assert_false(go_on(&h, START + 4000));
    enough_pending(h.enough, 3); /* one or two that stay unknown keep nobody */
    assert_true(go_on(&h, START + TIMEOUT));
    assert_true(is_proven(&h));
    assert_true(h.now < START + 4500);
    enough_free(h.enough);
}

static void a_verdict_does_not_wait_for_all(void **state)
{
    struct hand h = silent_round(200, 1, 3);

    (void)state;
    enough_pending(h.enough, 800);
    assert_true(go_on(&h, START + TIMEOUT));
    assert_true(is_proven(&h));
    assert_true(h.now < START + 2000);
    enough_free(h.enough);
}

static void syns_follow_the_slowest_kernel(void **state)
{
    (void)state;
    assert_int_equal(syns_sent(0), 1);
    assert_int_equal(syns_sent(999), 1);
    assert_int_equal(syns_sent(3300), 3);
    assert_int_equal(syns_sent(8000), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_while_probes_connect),
        cmocka_unit_test(a_slow_host_is_tried_again_where_others_connect),
        cmocka_unit_test(many_silent_ones_among_others_are_measured),
        cmocka_unit_test(silence_is_proven_between_controls),
        cmocka_unit_test(few_hosts_take_longer_and_end_too),
        cmocka_unit_test(further_connections_go_round_the_operators),
        cmocka_unit_test(no_controls_no_proof),
        cmocka_unit_test(an_outage_proves_nothing),
        cmocka_unit_test(a_round_lasts_longer_while_controls_come_and_go),
        cmocka_unit_test(one_operator_never_carries_it),
        cmocka_unit_test(fewer_operators_than_quorum_prove_nothing),
        cmocka_unit_test(a_moment_or_two_prove_nothing),
        cmocka_unit_test(shared_networks_are_one_operator),
        cmocka_unit_test(refusals_need_no_time_but_controls),
        cmocka_unit_test(two_refusing_operators_are_asked_more_often),
        cmocka_unit_test(refused_controls_end_it_at_once),
        cmocka_unit_test(lost_controls_raise_the_price),
        cmocka_unit_test(a_late_answer_encloses_nothing),
        cmocka_unit_test(brackets_are_half_a_second_wide),
        cmocka_unit_test(only_repeated_controls_measure_loss),
        cmocka_unit_test(nothing_to_probe_ends_after_the_lookups),
        cmocka_unit_test(what_cannot_be_tried_says_nothing),
        cmocka_unit_test(a_verdict_does_not_come_before_most_were_asked),
        cmocka_unit_test(a_verdict_does_not_wait_for_all),
        cmocka_unit_test(syns_follow_the_slowest_kernel),
    };
    return cmocka_run_group_tests_name("enough", tests, NULL, NULL);
}
