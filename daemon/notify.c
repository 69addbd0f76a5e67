/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/notify.h"

#include "config-build.h"
#include "lib/memory.h"
#include <stdlib.h>

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>
#include <time.h>

struct notify {
    struct event *watchdog;
};

static void ping(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    (void)context;
    sd_notify(0, "WATCHDOG=1");
}

struct notify *notify_new(struct event_base *base)
{
    struct notify *n = memory_zero(1, sizeof *n);
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) > 0) {
        const struct timeval half = { .tv_sec = (time_t)(usec / 2 / 1000000),
                                      .tv_usec = (suseconds_t)(usec / 2 % 1000000) };
        n->watchdog = event_new(base, -1, EV_PERSIST, ping, NULL);
        event_add(n->watchdog, &half);
    }
    return n;
}

void notify_free(struct notify *n)
{
    if (n == NULL)
        return;
    if (n->watchdog != NULL)
        event_free(n->watchdog);
    free(n);
}

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

#else

struct notify {
    char nothing;
};

struct notify *notify_new(struct event_base *base)
{
    (void)base;
    return memory_zero(1, sizeof(struct notify));
}

void notify_free(struct notify *n)
{
    free(n);
}

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

#endif
