/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/linger.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "postfix/activate.h"
#include "postfix/home.h"
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define LIMIT_MS       300000
#define LOOK_EVERY_MS  500
#define FLUSH_EVERY_MS 10000

static size_t count_running(const struct processes *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += process_runs(&list->item[i]);
    return count;
}

static bool still_in_force(const struct config *config, const struct route *route)
{
    struct main_cf_now now;
    struct why ignored;
    bool same =
        main_cf_now_read(config, &now, &ignored) == 0 && route_equal(&now.mark->route, route);

    main_cf_now_free(&now);
    return same;
}

static void flush(const struct config *config)
{
    struct why why;

    if (activate_flush(config, &why) == -1)
        log_warning("%s", why.text);
}

void linger(const struct config *config, const struct route *route, const struct processes *hung)
{
    int64_t start = clock_mono_ms(), flushed = start, now = start;
    size_t at_flush = hung->count;

    for (size_t count = hung->count; count > 0 && now - start <= LIMIT_MS;) {
        poll(NULL, 0, LOOK_EVERY_MS);
        now = clock_mono_ms();
        count = count_running(hung);
        if (!still_in_force(config, route))
            return;
        bool is_last = count == 0 || now - start > LIMIT_MS;
        if (count < at_flush && (is_last || now - flushed >= FLUSH_EVERY_MS)) {
            flush(config);
            flushed = now;
            at_flush = count;
        }
    }
}
