/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace of a backlog, against simulated relays, in virtual time. */
#include "tests/unit/unit.h"

#include "lib/memory.h"
#include "postfix/queue/pace.h"
#include <stdlib.h>
#include <string.h>

#define TICK_MS  10
#define HOUR_MS  3600000
#define NEVER    INT64_MAX
#define FRESH    (-1)
#define MESSAGES 200000

struct relay {
    int concurrency, latency_ms;
    double rate;              /* messages a second that it gets done; 0: any */
    int limit, limit_ms;      /* so many in that time, from the first on; more are refused */
    int64_t refuses_until;    /* everything */
    int64_t stalls, stall_ms; /* from then on, so long, nothing ends */
    bool rejects;             /* everything, for another reason than too much */
};

struct delivery {
    int64_t released, ends;
    bool fresh;
};

struct world {
    struct relay relay;
    int fresh_every_ms;  /* a fresh message; 0: none */
    int release_cost_ms; /* of each message: the work of postqueue(1) */
    bool unpaced;

    int64_t now;
    size_t waiting;
    struct delivery *fifo; /* what Postfix has in hand, from FIRST to LAST */
    size_t first, last, busy;
    int64_t slot; /* when a relay with a rate is done with the one before */
    int64_t window_began;
    int window_count;
    struct pace_seen seen;

    /* results */
    int64_t all_out; /* ms */
    size_t delivered, refused, failed, fresh_delivered;
    int64_t fresh_wait; /* the longest */
};

static void put(struct world *w, size_t count, bool fresh)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(w->last < MESSAGES);
        w->fifo[w->last++] = (struct delivery){ .released = w->now, .ends = NEVER, .fresh = fresh };
    }
}

static bool refuses(struct world *w)
{
    const struct relay *r = &w->relay;

    if (w->now < r->refuses_until)
        return true;
    if (r->limit == 0)
        return false;
    if (w->now - w->window_began >= r->limit_ms || w->window_count == 0) {
        w->window_began = w->now;
        w->window_count = 0;
    }
    return ++w->window_count > r->limit;
}

/* What is in hand is handed over in its order, as many at once as there are connections. */
static void begin_deliveries(struct world *w)
{
    const struct relay *r = &w->relay;
    int64_t gap = r->rate > 0 ? (int64_t)(1000 / r->rate) : 0;

    for (size_t i = w->first; i < w->last && w->busy < (size_t)r->concurrency; i++) {
        if (w->fifo[i].ends != NEVER)
            continue;
        int64_t done = w->now + r->latency_ms;
        w->slot = w->slot + gap > done ? w->slot + gap : done;
        w->fifo[i].ends = gap > 0 ? w->slot : done;
        w->busy++;
    }
}

static void end_delivery(struct world *w, const struct delivery *d)
{
    int64_t took = w->now - d->released;
    bool refused = refuses(w), failed = w->relay.rejects;

    w->busy--;
    w->refused += refused;
    w->failed += failed;
    if (d->fresh) {
        w->fresh_wait = took > w->fresh_wait ? took : w->fresh_wait;
        w->fresh_delivered += !refused;
    } else if (refused) {
        w->seen.refused++;
        w->waiting++;
    } else if (failed) {
        w->seen.failed++;
    } else {
        if (w->seen.delivered == 0 || took < w->seen.fastest_ms)
            w->seen.fastest_ms = took;
        w->seen.delivered++;
        w->delivered++;
    }
}

static void end_deliveries(struct world *w)
{
    const struct relay *r = &w->relay;
    size_t kept = w->first;

    if (w->now >= r->stalls && w->now < r->stalls + r->stall_ms)
        return;
    for (size_t i = w->first; i < w->last; i++) {
        if (w->fifo[i].ends <= w->now)
            end_delivery(w, &w->fifo[i]);
        else
            w->fifo[kept++] = w->fifo[i];
    }
    w->last = kept;
}

static size_t own_in_hand(const struct world *w)
{
    size_t count = 0;

    for (size_t i = w->first; i < w->last; i++)
        count += !w->fifo[i].fresh;
    return count;
}

/* BACKLOG messages until all are out, or for LIMIT_MS. */
static void play(struct world *w, struct pace *pace, size_t backlog, int64_t limit_ms)
{
    int64_t next_look = 0;

    w->fifo = memory_zero(MESSAGES, sizeof *w->fifo);
    w->waiting = backlog;
    w->window_began = -NEVER / 2;
    for (w->now = 0; w->now < limit_ms; w->now += TICK_MS) {
        if (w->fresh_every_ms > 0 && w->now % w->fresh_every_ms == 0)
            put(w, 1, true);
        end_deliveries(w);
        if (w->unpaced && w->now == 0) {
            put(w, w->waiting, false);
            w->waiting = 0;
        }
        if (!w->unpaced && w->now >= next_look) {
            w->seen.under_way = w->last - w->first;
            w->seen.own = own_in_hand(w);
            struct pace_order order = pace_look(pace, &w->seen, w->now);
            memset(&w->seen, 0, sizeof w->seen);
            size_t count = order.release < w->waiting ? order.release : w->waiting;
            put(w, count, false);
            w->waiting -= count;
            next_look = w->now + order.wait_ms + (int64_t)count * w->release_cost_ms;
        }
        begin_deliveries(w);
        if (w->waiting == 0 && own_in_hand(w) == 0)
            break;
    }
    w->all_out = w->now;
    free(w->fifo);
    pace_free(pace);
}

static struct world world(struct relay relay)
{
    if (relay.concurrency == 0)
        relay.concurrency = 20; /* default_destination_concurrency_limit */
    if (relay.latency_ms == 0)
        relay.latency_ms = 100;
    return (struct world){ .relay = relay, .release_cost_ms = 4 };
}

static void say(const char *name, const struct world *w)
{
    print_message(
        "# %s: %zu delivered in %.1f s, %zu refused, %zu failed, a fresh one waited %.1f s\n", name,
        w->delivered, (double)w->all_out / 1000, w->refused, w->failed,
        (double)w->fresh_wait / 1000);
}

static void fresh_mail_goes_first(void **state)
{
    struct world w = world((struct relay){ .rate = 20 });

    (void)state;
    w.fresh_every_ms = 1000;
    play(&w, pace_new(0, 0, 0), 2000, HOUR_MS);
    say("20 a second", &w);
    assert_int_equal(w.delivered, 2000);
    assert_true(w.fresh_wait < 5000);
    assert_true(w.all_out < 115000); /* 2000 / 19, and a little */
}

static void little_is_refused(void **state)
{
    struct world w = world((struct relay){ .limit = 100, .limit_ms = 10000 });

    (void)state;
    w.fresh_every_ms = 2000;
    play(&w, pace_new(0, 0, 0), 1000, HOUR_MS);
    say("100 per 10 s", &w);
    assert_int_equal(w.delivered, 1000);
    assert_true(w.refused <= 40);
    assert_true(w.all_out < 150000);
}

static void a_fast_relay_is_used(void **state)
{
    struct world w = world((struct relay){ .latency_ms = 140 }), peer = w;

    (void)state;
    peer.unpaced = true;
    play(&peer, NULL, 500, HOUR_MS);
    say("fast, unpaced", &peer);
    play(&w, pace_new(0, 0, 0), 500, HOUR_MS);
    say("fast", &w);
    assert_int_equal(w.delivered, 500);
    assert_true(w.all_out * 5 <= peer.all_out * 6);
}

static void a_minute_of_refusals(void **state)
{
    struct world w = world((struct relay){ .refuses_until = 60000 });

    (void)state;
    play(&w, pace_new(0, 0, 0), 500, HOUR_MS);
    say("a minute of refusals", &w);
    assert_int_equal(w.delivered, 500);
    assert_true(w.refused <= 25);
    assert_true(w.all_out < 110000);
}

static void a_stall(void **state)
{
    struct world w = world((struct relay){ .stalls = 1000, .stall_ms = 120000 });

    (void)state;
    play(&w, pace_new(0, 0, 0), 1000, HOUR_MS);
    say("two minutes of silence", &w);
    assert_int_equal(w.delivered, 1000);
    assert_int_equal(w.refused, 0);
    assert_true(w.all_out < 140000);
}

static void one_connection(void **state)
{
    struct world w = world((struct relay){ .concurrency = 1, .latency_ms = 1000 });

    (void)state;
    w.fresh_every_ms = 5000;
    play(&w, pace_new(0, 1, 0), 200, HOUR_MS);
    say("one connection", &w);
    assert_int_equal(w.delivered, 200);
    assert_true(w.fresh_wait < 15000);
    assert_true(w.all_out < 280000);
}

/* 20 connections to a relay that takes 2 s for each message: none of them is left idle for long. */
static void a_long_way(void **state)
{
    struct world w = world((struct relay){ .latency_ms = 2000 });

    (void)state;
    play(&w, pace_new(0, 0, 0), 1000, HOUR_MS);
    say("a long way", &w);
    assert_int_equal(w.delivered, 1000);
    assert_true(w.all_out < 150000); /* unpaced: 100 s */
}

static void what_is_known_is_kept(void **state)
{
    struct world w = world((struct relay){ .limit = 10, .limit_ms = 10000 });

    (void)state;
    play(&w, pace_new(3600, 0, 0), 200, HOUR_MS);
    say("known: 3600 an hour", &w);
    assert_int_equal(w.delivered, 200);
    assert_true(w.refused <= 1);
    assert_true(w.all_out < 230000);
    assert_int_equal(pace_small(3600, 0), 2);
    assert_int_equal(pace_small(1, 0), 1);
    assert_int_equal(pace_small(2000000000, 0), 500);
    assert_int_equal(pace_small(0, 1), 2);
    assert_true(pace_small(0, 0) >= 10 && pace_small(0, 0) <= 50);
}

/* A password that is wrong now, an account that is suspended: no use in trying them all. */
static void a_relay_that_takes_nothing(void **state)
{
    struct world w = world((struct relay){ .rejects = true });

    (void)state;
    play(&w, pace_new(0, 0, 0), 10000, HOUR_MS);
    say("takes nothing", &w);
    assert_int_equal(w.delivered, 0);
    assert_true(w.failed < 100);
}

/* Fresh mail alone keeps the relay busy; the backlog leaves all the same. */
static void fresh_mail_starves_nobody(void **state)
{
    struct world w = world((struct relay){ .rate = 20 });

    (void)state;
    w.fresh_every_ms = 50;
    play(&w, pace_new(0, 0, 0), 100, HOUR_MS);
    say("as much fresh mail as it takes", &w);
    assert_int_equal(w.delivered, 100);
    assert_true(w.all_out < 60000);
}

static void it_is_open_when_something_was_taken(void **state)
{
    struct pace *p = pace_new(0, 0, 0);
    struct pace_seen nothing = { 0 }, taken = { .delivered = 5, .fastest_ms = 100 },
                     refused = { .refused = 5 };

    (void)state;
    assert_false(pace_is_open(p));
    assert_true(pace_look(p, &nothing, 0).release > 1);
    assert_false(pace_is_open(p));
    pace_look(p, &taken, 1000);
    assert_true(pace_is_open(p));
    assert_int_equal(pace_look(p, &refused, 2000).release, 0);
    assert_false(pace_is_open(p));
    assert_int_equal(pace_look(p, &nothing, 10000).release, 1);
    assert_false(pace_is_open(p));
    pace_look(p, &taken, 10500);
    assert_true(pace_is_open(p));
    pace_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_mail_goes_first),
        cmocka_unit_test(little_is_refused),
        cmocka_unit_test(a_fast_relay_is_used),
        cmocka_unit_test(a_minute_of_refusals),
        cmocka_unit_test(a_stall),
        cmocka_unit_test(one_connection),
        cmocka_unit_test(a_long_way),
        cmocka_unit_test(what_is_known_is_kept),
        cmocka_unit_test(a_relay_that_takes_nothing),
        cmocka_unit_test(fresh_mail_starves_nobody),
        cmocka_unit_test(it_is_open_when_something_was_taken),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
