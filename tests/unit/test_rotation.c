/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is, and when a few targets will do. */
#include "tests/unit/unit.h"

#include "daemon/decide/rotation.h"
#include <string.h>

#define COUNT 10

static void everybody_has_a_turn_before_anybody_has_two(void **state)
{
    struct rotation *r = rotation_new(COUNT, 7);
    size_t times[COUNT] = { 0 }, out[4];

    (void)state;
    for (int round = 0; round < 5; round++) {
        assert_int_equal(rotation_pick(r, NULL, 4, out), 4);
        for (size_t i = 0; i < 4; i++)
            times[out[i]]++;
        size_t least = SIZE_MAX, most = 0;
        for (size_t i = 0; i < COUNT; i++) {
            least = times[i] < least ? times[i] : least;
            most = times[i] > most ? times[i] : most;
        }
        assert_true(most - least <= 1);
    }
    rotation_free(r);
}

static void those_picked_are_of_different_operators(void **state)
{
    static const size_t operators[COUNT] = { 0, 0, 0, 0, 0, 0, 0, 7, 8, 9 };
    struct rotation *r = rotation_new(COUNT, 1);
    size_t out[4], of_the_great_one = 0, times[COUNT] = { 0 };

    (void)state;
    for (int round = 0; round < 70; round++) {
        assert_int_equal(rotation_pick(r, operators, 4, out), 4);
        size_t great = 0;
        for (size_t i = 0; i < 4; i++) {
            great += operators[out[i]] == 0;
            times[out[i]]++;
        }
        assert_int_equal(great, 1);
        of_the_great_one += great;
    }
    for (size_t i = 0; i < 7; i++) /* its targets take turns as well */
        assert_int_equal(times[i], of_the_great_one / 7);
    rotation_free(r);
}

static void too_few_operators_are_filled_up(void **state)
{
    static const size_t operators[3] = { 0, 0, 0 };
    struct rotation *r = rotation_new(3, 1);
    size_t out[3];

    (void)state;
    assert_int_equal(rotation_pick(r, operators, 3, out), 3);
    assert_true(out[0] != out[1] && out[1] != out[2] && out[0] != out[2]);
    assert_int_equal(rotation_pick(r, operators, 2, out), 2);
    assert_true(out[0] != out[1]);
    rotation_free(r);
}

static void each_host_has_an_order_of_its_own(void **state)
{
    size_t first[COUNT], other[COUNT], differ = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rotation *a = rotation_new(COUNT, seed), *b = rotation_new(COUNT, seed + 100);
        rotation_pick(a, NULL, COUNT, first);
        rotation_pick(b, NULL, COUNT, other);
        differ += memcmp(first, other, sizeof first) != 0;
        rotation_free(a);
        rotation_free(b);
    }
    assert_int_equal(differ, 20);
}

static void note(struct rotation *r, bool is_sample, enum verdict_kind v4, enum verdict_kind v6)
{
    const enum verdict_kind *const kinds[FAMILIES] = { &v4, &v6 };

    rotation_note(r, is_sample, kinds);
}

static void only_an_open_round_of_all_makes_for_calm(void **state)
{
    struct rotation *r = rotation_new(COUNT, 1);

    (void)state;
    assert_false(rotation_is_calm(r));
    note(r, true, VERDICT_OPEN, VERDICT_OPEN);
    assert_false(rotation_is_calm(r));
    for (int kind = 0; kind < VERDICTS; kind++) {
        note(r, false, (enum verdict_kind)kind, VERDICT_OPEN);
        assert_int_equal(rotation_is_calm(r), kind == VERDICT_OPEN);
    }
    rotation_free(r);
}

static void any_surprise_ends_the_calm(void **state)
{
    struct rotation *r = rotation_new(COUNT, 1);

    (void)state;
    for (int kind = 0; kind < VERDICTS; kind++) {
        note(r, false, VERDICT_OPEN, VERDICT_OFFLINE);
        note(r, true, VERDICT_OPEN, VERDICT_OFFLINE);
        assert_true(rotation_is_calm(r));
        note(r, true, (enum verdict_kind)kind, VERDICT_OFFLINE);
        assert_int_equal(rotation_is_calm(r), kind == VERDICT_OPEN);
        note(r, true, VERDICT_OPEN, VERDICT_OFFLINE);
        assert_int_equal(rotation_is_calm(r), kind == VERDICT_OPEN);
    }
    rotation_free(r);
}

static void the_other_family_may_be_silent_as_before(void **state)
{
    struct rotation *r = rotation_new(COUNT, 1);

    (void)state;
    note(r, false, VERDICT_OPEN, VERDICT_BLOCKED);
    note(r, true, VERDICT_OPEN, VERDICT_BLOCKED);
    note(r, true, VERDICT_OPEN, VERDICT_UNKNOWN); /* no address among the few */
    assert_true(rotation_is_calm(r));
    note(r, true, VERDICT_OPEN, VERDICT_OPEN);
    assert_false(rotation_is_calm(r));
    rotation_free(r);
}

static void ipv6_decides_where_it_is_alone(void **state)
{
    struct rotation *r = rotation_new(COUNT, 1);
    enum verdict_kind open = VERDICT_OPEN, unknown = VERDICT_UNKNOWN;
    const enum verdict_kind *kinds[FAMILIES] = { NULL, &open };

    (void)state;
    rotation_note(r, false, kinds);
    assert_true(rotation_is_calm(r));
    kinds[FAMILY_IPV6] = &unknown;
    rotation_note(r, true, kinds);
    assert_false(rotation_is_calm(r));
    rotation_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_has_a_turn_before_anybody_has_two),
        cmocka_unit_test(those_picked_are_of_different_operators),
        cmocka_unit_test(too_few_operators_are_filled_up),
        cmocka_unit_test(each_host_has_an_order_of_its_own),
        cmocka_unit_test(only_an_open_round_of_all_makes_for_calm),
        cmocka_unit_test(any_surprise_ends_the_calm),
        cmocka_unit_test(the_other_family_may_be_silent_as_before),
        cmocka_unit_test(ipv6_decides_where_it_is_alone),
    };
    return cmocka_run_group_tests_name("rotation", tests, NULL, NULL);
}
