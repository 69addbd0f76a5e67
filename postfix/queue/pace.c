/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/pace.h"

#include "lib/memory.h"
#include <stdlib.h>

/* Messages under way at once: at first, and at most. */
#define WINDOW_FIRST  15.0
#define WINDOW_MOST   500.0
#define WINDOW_GROWTH 1.5  /* from look to look */
#define TRIED_SHARE   0.15 /* of what was taken, in addition to WINDOW_FIRST */
#define AHEAD_SHARE   1.5
#define AHEAD_MS      400 /* how much more than fills the way to the relay */
#define MEASURE_MS    400

/* The way to the relay is taken for longer while it takes less than it did; but no longer than
 * fresh mail may wait. */
#define SLOWER_SHARE   0.8
#define BEST_DECAY     0.99
#define FASTEST_GROWTH 1.05
#define FASTEST_MOST   3000.0

#define LOOK_MS        50
#define LOOK_CAPPED_MS 500
#define BURST_MS       1000 /* with a cap: what may be released at once */

#define CAP_KNOWN   0.95 /* of the rate that the relay is known for */
#define CAP_SEEN    0.95 /* of what it took */
#define CAP_AGAIN   0.9
#define CAP_GROWTH  1.05
#define CAP_GROW_MS 10000
/* The first cap is too low by the time that passed before the relay was asked again. */
#define CAP_GROWTH_FIRST  1.1
#define CAP_GROW_FIRST_MS 4000
#define CAP_LEAST         (1.0 / 60) /* a message a minute */

#define PAUSE_FIRST_MS 1000
#define PAUSE_GROWTH   1.5
#define PAUSE_MOST_MS  60000
#define FAILED_MANY    5    /* without one that was delivered */
#define STARVED_MS     5000 /* fresh mail alone may keep the relay busy */
#define FAIR_SHARE     0.25 /* of what Postfix has in hand */
#define SMALL_MS       3000
#define SMALL_MOST     500.0

/* What does not count as a sign of too much: one of so many. */
#define NOISE 50

struct pace {
    double window, window_least;
    double cap;   /* messages a second; 0: none */
    double known; /* the most that the cap may be; 0: any */
    double tokens;
    double taken;        /* in all */
    double rate;         /* messages a second, measured while there was something to do */
    double best;         /* the highest rate, of late */
    double fastest_ms;   /* the way to the relay and back, when nothing is queued before it */
    double measured;     /* messages since measure_ms */
    int64_t measure_ms;  /* the measurement began */
    int64_t last_ms;     /* the look before */
    int64_t released_ms; /* something was released */

    int64_t burst_ms; /* the relay took something for the first time since it last refused */
    double burst;     /* what it has taken since then */
    int64_t calm_ms;  /* the cap was last changed */
    int refusals;     /* how often it began to refuse */
    bool closed;      /* it refused, and nothing was taken since */
    bool asking;      /* a single message is under way to find out */
    int64_t ask_ms;   /* when to ask again */
    double pause_ms;
    size_t failed; /* since the last that was delivered */
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double per_second(int rate)
{
    return CAP_KNOWN * rate / 3600;
}

static double first_window(int concurrency)
{
    return concurrency > 0 ? most(2, least(WINDOW_FIRST, 2.0 * concurrency)) : WINDOW_FIRST;
}

size_t pace_small(int rate, int concurrency)
{
    if (rate > 0)
        return (size_t)most(1, least(SMALL_MOST, per_second(rate) * SMALL_MS / 1000));
    return (size_t)first_window(concurrency);
}

struct pace *pace_new(int rate, int concurrency, int64_t now)
{
    struct pace *p = memory_zero(1, sizeof *p);

    p->window = p->window_least = first_window(concurrency);
    p->cap = p->known = rate > 0 ? most(CAP_LEAST, per_second(rate)) : 0;
    p->tokens = p->cap > 0 ? most(1, p->cap * BURST_MS / 1000) : 0;
    p->last_ms = p->measure_ms = p->released_ms = p->burst_ms = p->calm_ms = now;
    p->pause_ms = PAUSE_FIRST_MS;
    return p;
}

void pace_free(struct pace *p)
{
    free(p);
}

bool pace_is_open(const struct pace *p)
{
    return !p->closed && p->taken > 0;
}

/* The pace that the relay keeps up, and how long the way to it takes. */
static void measure(struct pace *p, const struct pace_seen *seen, int64_t now)
{
    double elapsed = (double)(now - p->measure_ms);

    if (seen->delivered > 0) {
        double sample = (double)most(1, (double)seen->fastest_ms);
        p->fastest_ms = p->fastest_ms == 0 ? sample : least(sample, p->fastest_ms);
    }
    p->measured += (double)seen->delivered;
    p->taken += (double)seen->delivered;
    /* Often at first, when each look teaches something. */
    if (p->measured == 0 ? elapsed < 5 * MEASURE_MS : p->rate > 0 && elapsed < MEASURE_MS)
        return;
    if (elapsed > 0)
        p->rate = p->measured * 1000 / elapsed;
    if (p->rate < SLOWER_SHARE * p->best)
        p->fastest_ms = least(FASTEST_MOST, p->fastest_ms * FASTEST_GROWTH);
    p->best = most(p->rate, BEST_DECAY * p->best);
    p->measured = 0;
    p->measure_ms = now;
}

/* As much as fills the way to the relay, and some more, lest the relay wait for us. */
static void fit_window(struct pace *p, const struct pace_seen *seen)
{
    double wanted = p->rate * (AHEAD_SHARE * p->fastest_ms + AHEAD_MS) / 1000;
    double tried = WINDOW_FIRST + TRIED_SHARE * p->taken;

    if (seen->delivered == 0 && p->rate > 0)
        return;
    if (p->rate > 0)
        p->window = most(p->window_least, least(wanted, p->window * WINDOW_GROWTH));
    p->window = least(p->window, least(tried, WINDOW_MOST));
}

static void set_cap(struct pace *p, double cap, int64_t now)
{
    p->cap = most(CAP_LEAST, p->known > 0 ? least(p->known, cap) : cap);
    p->calm_ms = now;
}

/* The relay took something again: what it took since it first did, in all that time, is what it
 * takes. */
static void open_again(struct pace *p, int64_t now)
{
    double elapsed = (double)(now - p->burst_ms) / 1000;

    if (p->burst > 0 && elapsed > 0) {
        double seen = CAP_SEEN * p->burst / elapsed;
        set_cap(p, p->cap > 0 ? least(seen, CAP_AGAIN * p->cap) : seen, now);
    }
    p->closed = p->asking = false;
    p->pause_ms = PAUSE_FIRST_MS;
    p->window = least(p->window, p->window_least);
    p->tokens = 0;
    p->burst = 0;
    p->burst_ms = now;
}

static void shut(struct pace *p, int64_t now)
{
    p->refusals += !p->closed;
    if (p->asking)
        p->pause_ms = least(PAUSE_MOST_MS, p->pause_ms * PAUSE_GROWTH);
    p->closed = true;
    p->asking = false;
    p->ask_ms = now + (int64_t)p->pause_ms;
}

static bool is_too_much(const struct pace *p, const struct pace_seen *seen)
{
    size_t bad = seen->refused;

    if (p->failed >= FAILED_MANY || (p->closed && seen->failed > 0 && seen->delivered == 0))
        return true;
    return bad > 0 && (p->closed || (double)bad * NOISE > p->burst || seen->delivered < 3 * bad);
}

static void judge(struct pace *p, const struct pace_seen *seen, int64_t now)
{
    p->failed = seen->delivered > 0 ? 0 : p->failed + seen->failed;
    p->burst += (double)seen->delivered;
    if (is_too_much(p, seen)) {
        /* What was under way when it began to refuse comes back a little later. */
        if (!p->closed || p->asking)
            shut(p, now);
        p->failed = 0;
    } else if (p->closed && p->asking && seen->delivered > 0) {
        p->burst -= (double)seen->delivered;
        open_again(p, now);
        p->burst += (double)seen->delivered;
    } else if (p->closed && p->asking && seen->own == 0) {
        p->asking = false; /* what was asked with has gone another way */
    }
    bool first = p->refusals < 2;
    if (!p->closed && p->cap > 0 && now - p->calm_ms >= (first ? CAP_GROW_FIRST_MS : CAP_GROW_MS))
        set_cap(p, p->cap * (first ? CAP_GROWTH_FIRST : CAP_GROWTH), now);
}

static size_t count_open(struct pace *p, const struct pace_seen *seen, int64_t now)
{
    double room = p->window - (double)seen->under_way;
    double fair = least(p->window, FAIR_SHARE * (double)seen->under_way) - (double)seen->own;

    /* Where fresh mail alone is more than the relay takes, it is not to keep all else waiting. */
    room = most(room, fair);
    if (p->cap > 0) {
        double depth = most(2, p->cap * BURST_MS / 1000);
        p->tokens = least(depth, p->tokens + p->cap * (double)(now - p->last_ms) / 1000);
        room = least(room, p->tokens);
    }
    if (room < 1 && seen->own == 0 && now - p->released_ms >= STARVED_MS &&
        (p->cap == 0 || p->tokens >= 1))
        room = 1;
    size_t count = room < 1 ? 0 : (size_t)room;
    if (p->cap > 0)
        p->tokens -= (double)count;
    return count;
}

static struct pace_order order_closed(struct pace *p, int64_t now)
{
    struct pace_order order = { .wait_ms = LOOK_CAPPED_MS };

    if (p->asking)
        return order;
    if (now >= p->ask_ms) {
        p->asking = true;
        order.release = 1;
    } else if (p->ask_ms - now < order.wait_ms) {
        order.wait_ms = (int)(p->ask_ms - now);
    }
    return order;
}

struct pace_order pace_look(struct pace *p, const struct pace_seen *seen, int64_t now)
{
    struct pace_order order;

    measure(p, seen, now);
    judge(p, seen, now);
    if (p->closed) {
        order = order_closed(p, now);
    } else {
        fit_window(p, seen);
        order.release = count_open(p, seen, now);
        order.wait_ms = p->cap > 0 ? LOOK_CAPPED_MS : LOOK_MS;
    }
    if (order.release > 0)
        p->released_ms = now;
    p->last_ms = now;
    return order;
}
