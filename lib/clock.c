/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/clock.h"

#include <time.h>

int64_t clock_mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall(void)
{
    return (int64_t)time(NULL);
}

void clock_text(int64_t wall, char *out)
{
    time_t seconds = (time_t)wall;
    struct tm tm;

    out[0] = '\0';
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
