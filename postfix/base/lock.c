/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/lock.h"

#include "lib/clock.h"
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/time.h>

#define TICK_US 100000

static void on_alarm(int signal)
{
    (void)signal;
}

/* A timer that repeats: a single alarm could ring before flock() has begun to wait. */
static void ring(long every_us)
{
    struct itimerval timer = { .it_interval = { .tv_usec = every_us },
                               .it_value = { .tv_usec = every_us } };

    setitimer(ITIMER_REAL, &timer, NULL);
}

bool lock_exclusive(int fd, int timeout_ms)
{
    struct sigaction action = { .sa_handler = on_alarm }, old_action;
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int error = 0;

    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK && errno != EINTR)
        return false;
    sigaction(SIGALRM, &action, &old_action);
    ring(TICK_US);
    do
        error = flock(fd, LOCK_EX) == 0 ? 0 : errno;
    while (error == EINTR && clock_mono_ms() < deadline);
    ring(0);
    sigaction(SIGALRM, &old_action, NULL);
    errno = error;
    return error == 0;
}
