/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/linger.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "postfix/activate.h"
#include "postfix/home.h"
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define LIMIT_MS       300000
#define LOOK_EVERY_MS  500
#define FLUSH_EVERY_MS 10000

#define SYN_SENT 2 /* TCP_SYN_SENT of the kernel's include/net/tcp_states.h */
#define SMTP     25

static unsigned count_in(const char *path)
{
    char line[512];
    unsigned port, state, count = 0;
    FILE *table = fopen(path, "re");

    while (table != NULL && fgets(line, sizeof line, table) != NULL)
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%*x %*[0-9A-Fa-f]:%x %x", &port, &state) == 2 &&
            port == SMTP && state == SYN_SENT)
            count++;
    if (table != NULL)
        fclose(table);
    return count;
}

unsigned linger_count(void)
{
    return count_in("/proc/net/tcp") + count_in("/proc/net/tcp6");
}

static bool still_in_force(const struct config *config, const struct route *route)
{
    struct main_cf_now now;
    struct why ignored;
    bool same = main_cf_now_read(config, &now, &ignored) == 0 &&
                route_equal(&now.mark->route, route);

    main_cf_now_free(&now);
    return same;
}

static void flush(const struct config *config)
{
    struct why why;

    if (activate_flush(config, &why) == -1)
        log_warning("%s", why.text);
}

void linger(const struct config *config, const struct route *route)
{
    int64_t start = clock_mono_ms(), flushed = start;
    unsigned last = linger_count();
    bool fell = false;

    /* None at one look may be a process on its way to the next address; none at two is the end. */
    for (unsigned zeros = last == 0 ? 2 : 0; zeros < 2;) {
        poll(NULL, 0, LOOK_EVERY_MS);
        int64_t now = clock_mono_ms();
        unsigned count = linger_count();
        if (now - start > LIMIT_MS || !still_in_force(config, route))
            return;
        fell = fell || count < last;
        zeros = count == 0 ? zeros + 1 : 0;
        last = count;
        if (zeros == 2 || (fell && now - flushed >= FLUSH_EVERY_MS)) {
            flush(config);
            flushed = now;
            fell = false;
        }
    }
}
