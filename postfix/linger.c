/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/linger.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "postfix/change/home_now.h"
#include "postfix/fragment/handover.h"
#include "postfix/queue/rest.h"
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
    struct home_now now;
    struct why ignored;

    if (config->mode == MODE_FRAGMENT)
        return handover_in_force(config, route);
    bool same = home_now_read(config, &now, &ignored) == 0 && route_equal(&now.mark->route, route);

    home_now_free(&now);
    return same;
}

struct lingering {
    const struct config *config;
    const struct route *route;
    struct rest *rest;
    int64_t start, flushed, checked;
    size_t running, at_flush; /* hung deliveries */
};

/* What has let go goes by the relay now. */
static void flush(struct lingering *l)
{
    char detail[WHY_MAX];
    struct why why;

    if (l->rest->backlog != NULL)
        backlog_renew(l->rest->backlog);
    else if (backlog_flush(l->config, l->route, &l->rest->backlog, detail, &why) == -1)
        log_warning("%s", why.text);
}

static void look_at_hung(struct lingering *l, int64_t now)
{
    bool late = now - l->start > LIMIT_MS;

    l->running = count_running(&l->rest->hung);
    bool is_last = l->running == 0 || late;
    if (l->running < l->at_flush && (is_last || now - l->flushed >= FLUSH_EVERY_MS)) {
        flush(l);
        l->flushed = now;
        l->at_flush = l->running;
    }
    if (late)
        l->running = 0;
}

/* The time until the next look at the backlog. */
static int look_at_backlog(struct rest *rest)
{
    int wait = rest->backlog == NULL ? LOOK_EVERY_MS : backlog_look(rest->backlog);

    if (wait >= 0)
        return wait;
    backlog_free(rest->backlog);
    rest->backlog = NULL;
    return LOOK_EVERY_MS;
}

void linger(const struct config *config, const struct route *route, struct rest *rest)
{
    int64_t now = clock_mono_ms();
    struct lingering l = { .config = config,
                           .route = route,
                           .rest = rest,
                           .start = now,
                           .flushed = now,
                           .checked = now,
                           .running = rest->hung.count,
                           .at_flush = rest->hung.count };
    int wait = rest->backlog == NULL ? LOOK_EVERY_MS : 0;

    while (l.running > 0 || rest->backlog != NULL) {
        poll(NULL, 0, l.running > 0 && wait > LOOK_EVERY_MS ? LOOK_EVERY_MS : wait);
        now = clock_mono_ms();
        if (now - l.checked >= LOOK_EVERY_MS) {
            l.checked = now;
            if (!still_in_force(config, route))
                return;
            if (l.running > 0)
                look_at_hung(&l, now);
        }
        wait = look_at_backlog(rest);
    }
}
