/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/network.h"

#include <math.h>
#include <string.h>

#define OUTAGE_MS    10000
#define OUTAGE_EVERY 600000

uint64_t chance_next(struct chance *c)
{
    uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double chance_real(struct chance *c)
{
    return (double)(chance_next(c) >> 11) * 0x1p-53;
}

int64_t chance_between(struct chance *c, int64_t a, int64_t b)
{
    return a + (int64_t)(chance_next(c) % (uint64_t)(b - a + 1));
}

static int64_t chance_wait(struct chance *c, double mean)
{
    return (int64_t)(-mean * log(1 - chance_real(c))) + 1;
}

static void add_down(struct downs *d, int64_t from, int64_t to)
{
    if (d->count == DOWN_MAX)
        return;
    d->from[d->count] = from;
    d->to[d->count++] = to;
}

static bool is_down(const struct downs *d, int64_t when)
{
    for (size_t i = 0; i < d->count && d->from[i] <= when; i++)
        if (when < d->to[i])
            return true;
    return false;
}

static void make_glitches(struct network *n)
{
    int64_t now = NETWORK_START - 3000;

    while (now < NETWORK_END) {
        now += chance_wait(&n->chance, 1000 / n->weather.glitches);
        int64_t to = now + chance_between(&n->chance, 100, 2000);
        add_down(&n->glitches, now, to);
        now = to;
    }
}

/* What would fool whoever takes a network for up because it was up before and after. */
static void make_relapse(struct network *n)
{
    int64_t from = NETWORK_START + chance_between(&n->chance, 420, 2000);
    double shortest = log(100), longest = log(6000);
    double span = shortest + chance_real(&n->chance) * (longest - shortest);

    add_down(&n->glitches, NETWORK_START - 1000, NETWORK_START + 395);
    add_down(&n->glitches, from, from + (int64_t)exp(span));
}

void network_init(struct network *n, const struct weather *weather, uint64_t seed)
{
    n->weather = *weather;
    n->chance.state = seed;
    n->glitches.count = 0;
    n->new_kernel = chance_next(&n->chance) & 1;
    n->outage_from =
        NETWORK_START - (weather->at_edge ? chance_between(&n->chance, -8000, OUTAGE_MS + 500)
                                          : chance_between(&n->chance, 0, OUTAGE_EVERY - 1));
    if (weather->glitches > 0)
        make_glitches(n);
    else if (weather->relapse)
        make_relapse(n);
}

/* Gilbert and Elliott: good and bad by turns, each for an exponential time. */
static void make_bursts(struct network *n, struct path *p)
{
    double bad = n->weather.burst_ms, good = bad * (1 / n->weather.burst_share - 1);
    bool is_bad = chance_real(&n->chance) < n->weather.burst_share;
    int64_t now = NETWORK_START;

    while (now < NETWORK_END) {
        int64_t to = now + chance_wait(&n->chance, is_bad ? bad : good);
        if (is_bad)
            add_down(&p->downs, now, to);
        is_bad = !is_bad;
        now = to;
    }
}

void network_add_path(struct network *n, size_t path)
{
    struct path *p = &n->paths[path];

    p->downs.count = 0;
    /* From 1 to 250 ms, the short ones as likely as the long ones. */
    p->round_trip = (int64_t)exp(chance_real(&n->chance) * log(250));
    if (n->weather.burst_share > 0)
        make_bursts(n, p);
}

static bool outage(const struct network *n, int64_t when)
{
    int64_t phase = (when - n->outage_from) % OUTAGE_EVERY;

    return (n->weather.outages || n->weather.at_edge) &&
           (phase < 0 ? phase + OUTAGE_EVERY : phase) < OUTAGE_MS;
}

static bool passes(struct network *n, const struct path *p, int64_t when)
{
    return chance_real(&n->chance) >= n->weather.loss && !outage(n, when) &&
           !is_down(&n->glitches, when) && !is_down(&p->downs, when);
}

/* A server would send its answer again when nobody acknowledges it; this one does not, which makes
 * for more silence than in life. */
int64_t network_answer(struct network *n, size_t path, int64_t now, int64_t until)
{
    static const int64_t old_syns[] = { 0, 1000, 3000, 7000, -1 };
    static const int64_t new_syns[] = { 0, 1000, 2000, 3000, 4000, 5000, 7000, -1 };
    const struct path *p = &n->paths[path];

    for (const int64_t *at = n->new_kernel ? new_syns : old_syns; *at != -1; at++) {
        /* Kernels' timers are late, never early. */
        int64_t sent = now + *at + (*at > 0 ? chance_between(&n->chance, 0, 60) : 0);
        int64_t back = sent + p->round_trip;
        if (back >= until)
            return -1;
        if (passes(n, p, sent) && passes(n, p, back))
            return back;
    }
    return -1;
}
