/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds on simulated networks; `make sim` plays many more. */
#include "tests/unit/unit.h"

#include "tests/sim/play.h"
#include <string.h>

#define ROUNDS 100000

static const struct scenario *find(const char *name)
{
    const struct scenario *s = scenarios;

    while (s->name != NULL && strcmp(s->name, name) != 0)
        s++;
    assert_non_null(s->name);
    return s;
}

static size_t count(const struct scenario *s, size_t rounds, enum verdict_kind kind)
{
    struct played played;
    size_t found = 0;

    for (size_t i = 0; i < rounds; i++) {
        struct chance chance = { i };
        play(s, chance_next(&chance), &played);
        found += played.verdict == kind;
    }
    return found;
}

static void an_open_port_is_never_blocked(void **state)
{
    size_t share = 0;

    (void)state;
    for (const struct scenario *s = scenarios; s->name != NULL; s++)
        share += s->innocent;
    for (const struct scenario *s = scenarios; s->name != NULL; s++)
        if (s->innocent && count(s, ROUNDS / share, VERDICT_BLOCKED) > 0)
            fail_msg("blocked: %s", s->name);
}

static void a_block_is_seen(void **state)
{
    static const char *const certain[] = { "dropped, clean", "dropped, clean, three targets",
                                           "dropped, loss 10 %", "refused, clean",
                                           "refused, two targets" };
    (void)state;
    for (size_t i = 0; i < sizeof certain / sizeof certain[0]; i++)
        assert_int_equal(count(find(certain[i]), 1000, VERDICT_BLOCKED), 1000);
}

static void a_block_is_seen_through_loss(void **state)
{
    (void)state;
    assert_true(count(find("dropped, loss 30 %"), 1000, VERDICT_BLOCKED) >= 980);
    assert_true(count(find("refused, loss 30 %"), 1000, VERDICT_BLOCKED) >= 960);
}

static void an_open_port_needs_no_control(void **state)
{
    struct scenario near = {
        .name = "near", .truth = TRUTH_OPEN, .targets_min = 3, .targets_max = 10
    };
    struct played played;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        play(&near, i, &played);
        assert_int_equal(played.controls, 0);
        assert_int_equal(played.verdict, VERDICT_OPEN);
    }
}

static void the_same_seed_is_the_same_round(void **state)
{
    struct played first, second;

    (void)state;
    play(find("dropped, loss 30 %"), 5, &first);
    play(find("dropped, loss 30 %"), 5, &second);
    assert_int_equal(first.ms, second.ms);
    assert_int_equal(first.controls, second.controls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_port_is_never_blocked),
        cmocka_unit_test(a_block_is_seen),
        cmocka_unit_test(a_block_is_seen_through_loss),
        cmocka_unit_test(an_open_port_needs_no_control),
        cmocka_unit_test(the_same_seed_is_the_same_round),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
