/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines and libevent's idea of time. */
#include "tests/unit/unit.h"

#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "tests/unit/loop.h"

static struct event *timer;
static int64_t deadline_ms, fired_ms;
static bool fired;

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
    fired_ms = clock_mono_ms();
    fired = true;
}

/* Works for a while before it arms the timer, as a callback with much to do would. */
static void on_busy(evutil_socket_t fd, short what, void *context)
{
    int64_t until = clock_mono_ms() + 200;
    (void)fd;
    (void)what;
    (void)context;

    while (clock_mono_ms() < until)
        continue;
    deadline_ms = clock_mono_ms() + 100;
    deadline_arm(timer, deadline_ms);
}

static void a_deadline_is_kept(void **state)
{
    struct event_base *base = loop_new();
    struct event *busy = deadline_timer(base, on_busy, NULL);

    (void)state;
    timer = deadline_timer(base, on_timer, NULL);
    fired = false;
    deadline_soon(busy);
    loop_until(base, &fired);
    assert_true(fired_ms >= deadline_ms - COARSE);

    fired = false;
    deadline_arm(timer, clock_mono_ms() - 5000);
    loop_until(base, &fired);

    fired = false;
    deadline_arm(timer, clock_mono_ms() + 60000);
    deadline_soon(timer); /* takes the other's place */
    loop_until(base, &fired);
    event_free(busy);
    event_free(timer);
    loop_free(base);
}

static void time_left(void **state)
{
    int64_t now = clock_mono_ms();

    (void)state;
    assert_int_equal(deadline_left(now - 1), 0);
    assert_int_equal(deadline_left(INT64_MIN / 2), 0);
    assert_true(deadline_left(now + 10000) > 5000 && deadline_left(now + 10000) <= 10000);
    assert_int_equal(deadline_within(now - 7, 1000), now - 7);
    assert_true(deadline_within(INT64_MAX, 1000) >= now + 1000);
    assert_true(deadline_within(INT64_MAX, 1000) < now + 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_kept),
        cmocka_unit_test(time_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
