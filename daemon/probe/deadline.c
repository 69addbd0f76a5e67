/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/deadline.h"

#include "lib/clock.h"
#include "lib/log.h"
#include <stdlib.h>

int64_t deadline_left(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();

    return left > 0 ? left : 0;
}

int64_t deadline_within(int64_t deadline_ms, int64_t span_ms)
{
    int64_t then = clock_mono_ms() + span_ms;

    return then < deadline_ms ? then : deadline_ms;
}

void deadline_arm(struct event *timer, int64_t deadline_ms)
{
    int64_t left = deadline_left(deadline_ms);
    struct timeval tv = { .tv_sec = left / 1000, .tv_usec = (left % 1000) * 1000 };

    /* libevent counts from when this turn of the loop began, which may be long ago by now. */
    event_base_update_cache_time(event_get_base(timer));
    event_add(timer, &tv);
}

void deadline_soon(struct event *timer)
{
    static const struct timeval now = { 0, 0 };

    event_add(timer, &now);
}

struct event *deadline_timer(struct event_base *base, event_callback_fn callback, void *context)
{
    struct event *timer = evtimer_new(base, callback, context);

    if (timer == NULL) {
        log_error("out of memory");
        exit(EXIT_FAILURE);
    }
    return timer;
}
