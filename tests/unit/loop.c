/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/loop.h"

#include "lib/clock.h"
#include "tests/unit/unit.h"
#include <signal.h>

static void on_alarm(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    *(bool *)context = true;
}

struct event_base *loop_new(void)
{
    struct event_base *base = event_base_new();

    signal(SIGPIPE, SIG_IGN);
    assert_non_null(base);
    return base;
}

void loop_free(struct event_base *base)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}

bool loop_watch(struct event_base *base, const bool *happened, int ms)
{
    bool late = false;
    struct event *alarm_event = evtimer_new(base, on_alarm, &late);
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(alarm_event, &tv);
    while (!*happened && !late)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(alarm_event);
    return *happened;
}

void loop_until(struct event_base *base, const bool *happened)
{
    if (!loop_watch(base, happened, 10000))
        fail_msg("nothing happened in ten seconds");
}

int64_t soon(int64_t ms)
{
    return clock_mono_ms() + ms;
}
