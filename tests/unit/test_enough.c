/* SPDX-License-Identifier: BSD-2-Clause */
/* When a round asks for controls, and when it ends. */
#include "tests/unit/unit.h"

#include "daemon/decide/enough.h"

static struct round_view silent_round(int64_t ms)
{
    return (struct round_view){
        .running = 10, .silent = 10, .operators = 5, .quorum = 3, .silent_ms = ms
    };
}

static void no_controls_while_probes_connect(void **state)
{
    struct round_view v = silent_round(5000);

    (void)state;
    v.anyone_connected = true;
    v.silent = 3;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.running = v.silent = 0;
    assert_int_equal(enough(&v), ROUND_DONE);
}

static void silence_goes_through_both_waves(void **state)
{
    struct round_view v = silent_round(ENOUGH_SUSPICION_MS - 1);

    (void)state;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.silent_ms = ENOUGH_SUSPICION_MS;
    assert_int_equal(enough(&v), ROUND_CONTROLS_BEFORE);
    v.before = WAVE_RUNNING;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.before = WAVE_ANSWERED;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.silent_ms = ENOUGH_SILENCE_MS;
    assert_int_equal(enough(&v), ROUND_CONTROLS_AFTER);
    v.after = WAVE_RUNNING;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.after = WAVE_ANSWERED;
    assert_int_equal(enough(&v), ROUND_DONE);
}

static void silent_controls_do_not_cut_a_round_short(void **state)
{
    struct round_view v = silent_round(ENOUGH_SILENCE_MS);

    (void)state;
    v.before = WAVE_SILENT;
    v.after = WAVE_SILENT;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.running = v.silent = 0;
    assert_int_equal(enough(&v), ROUND_DONE);
}

static void refusals_need_controls_too(void **state)
{
    struct round_view v = silent_round(3);

    (void)state;
    v.running = v.silent = 0;
    assert_int_equal(enough(&v), ROUND_CONTROLS_BEFORE);
    v.before = WAVE_ANSWERED;
    assert_int_equal(enough(&v), ROUND_CONTROLS_AFTER);
    v.after = WAVE_ANSWERED;
    assert_int_equal(enough(&v), ROUND_DONE);
}

static void nothing_to_probe_ends_after_the_lookups(void **state)
{
    struct round_view v = { .lookups = 1, .quorum = 3, .silent_ms = -1 };

    (void)state;
    assert_int_equal(enough(&v), ROUND_WAIT);
    v.lookups = 0;
    assert_int_equal(enough(&v), ROUND_DONE);
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
        cmocka_unit_test(no_controls_while_probes_connect),
        cmocka_unit_test(silence_goes_through_both_waves),
        cmocka_unit_test(silent_controls_do_not_cut_a_round_short),
        cmocka_unit_test(refusals_need_controls_too),
        cmocka_unit_test(nothing_to_probe_ends_after_the_lookups),
        cmocka_unit_test(syns_follow_the_slowest_kernel),
    };
    return cmocka_run_group_tests_name("enough", tests, NULL, NULL);
}
