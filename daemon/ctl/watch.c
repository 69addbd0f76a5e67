/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/watch.h"

#include "daemon/ctl/terminal.h"
#include "lib/memory.h"
#include <stdlib.h>

struct watch {
    struct live *live;
    size_t targets;
    bool families[FAMILIES];
    char **names; /* a row each */
    struct live_row *rows;
    size_t count;
    size_t first[FAMILIES]; /* row of the first target */
};

static const char *waits_for(enum target_state state)
{
    static const char *const words[] = { [TARGET_WAITING] = "waiting",
                                         [TARGET_LOOKING_UP] = "looking up",
                                         [TARGET_CONNECTING] = "connecting",
                                         [TARGET_BANNER] = "waiting for the banner" };

    return words[state];
}

static void changed(const struct round_event *event, void *context)
{
    struct watch *w = context;

    if (event->kind != ROUND_TARGET || !w->families[event->family] || event->target >= w->targets)
        return;
    struct live_row *row = &w->rows[w->first[event->family] + event->target];
    row->deadline_ms = 0;
    if (event->state == TARGET_DONE) {
        row->state = outcome_name(event->outcome);
        row->mood = event->outcome == OUTCOME_OPEN ? LIVE_GOOD : LIVE_BAD;
        return;
    }
    row->state = waits_for(event->state);
    row->mood = LIVE_WAITING;
    if (event->state == TARGET_CONNECTING || event->state == TARGET_BANNER)
        row->deadline_ms = event->deadline_ms;
}

static const struct live_row *rows(void *context, size_t *count)
{
    const struct watch *w = context;

    *count = w->count;
    return w->rows;
}

static void add_family(struct watch *w, const struct round_plan *plan, enum family family)
{
    char name[ENDPOINT_TEXT];

    w->first[family] = w->count;
    for (size_t i = 0; w->families[family] && i < w->targets; i++) {
        endpoint_text(&plan->targets[i], 25, name);
        w->names[w->count] = memory_format(family == FAMILY_IPV6 ? "%s (IPv6)" : "%s", name);
        w->rows[w->count] = (struct live_row){ .target = w->names[w->count],
                                               .state = waits_for(TARGET_WAITING),
                                               .mood = LIVE_WAITING };
        w->count++;
    }
}

struct watch *watch_start(struct event_base *base, int fd, struct round_plan *plan)
{
    struct watch *w;

    if (!terminal_can_move(fd))
        return NULL;
    w = memory_zero(1, sizeof *w);
    w->targets = plan->target_count;
    w->names = memory_zero(FAMILIES * w->targets, sizeof *w->names);
    w->rows = memory_zero(FAMILIES * w->targets, sizeof *w->rows);
    for (int f = 0; f < FAMILIES; f++) {
        w->families[f] = plan->families[f];
        add_family(w, plan, (enum family)f);
    }
    w->live = live_start(base, fd, rows, w);
    plan->observer = (struct round_observer){ .changed = changed, .context = w };
    return w;
}

void watch_stop(struct watch *w)
{
    if (w == NULL)
        return;
    live_stop(w->live);
    for (size_t i = 0; i < w->count; i++)
        free(w->names[i]);
    free(w->names);
    free(w->rows);
    free(w);
}
