/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/silence.h"

#include "daemon/decide/operators.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* When the SYNs leave, and by how much a kernel's coarse timers may be late (at HZ = 100 to 1000,
 * added up over the retransmissions). */
static const struct {
    int64_t at, slack;
} syns[] = { { 0, 0 }, { 1000, 80 }, { 3000, 160 }, { 7000, 450 } };
#define SYNS (sizeof syns / sizeof syns[0])

enum connect_state { CONNECT_RUNS, CONNECT_GAVE_UP, CONNECT_WAS_REFUSED, CONNECT_SAYS_NOTHING };

struct connect {
    size_t host, target;
    int64_t started, ended;
    enum connect_state state;
};

/* What one operator has in a count. */
struct share {
    int all, firm;
    bool probed;
};

struct silence {
    size_t targets;
    struct operators *operators;
    struct connect *connects;
    size_t count, room;
    struct share *shares; /* of each operator, by the number of its target */
    bool *refused;        /* of each host: counted */
    size_t hosts;
};

int syns_sent(int64_t ms)
{
    int sent = 0;

    for (size_t i = 0; i < SYNS; i++)
        sent += ms >= syns[i].at;
    return sent;
}

struct silence *silence_new(size_t targets)
{
    struct silence *s = memory_zero(1, sizeof *s);

    s->targets = targets;
    s->operators = operators_new(targets);
    s->shares = memory_zero(targets, sizeof *s->shares);
    return s;
}

void silence_free(struct silence *s)
{
    if (s == NULL)
        return;
    operators_free(s->operators);
    free(s->connects);
    free(s->shares);
    free(s->refused);
    free(s);
}

void silence_network(struct silence *s, size_t target, const char *network)
{
    operators_add(s->operators, target, network);
}

size_t silence_operator(struct silence *s, size_t target)
{
    return operators_of(s->operators, target);
}

size_t silence_connect(struct silence *s, size_t host, size_t target, int64_t now)
{
    if (s->count == s->room) {
        s->room = s->room > 0 ? 2 * s->room : 32;
        s->connects = memory_grow(s->connects, s->room, sizeof *s->connects);
    }
    if (host >= s->hosts) {
        s->hosts = 2 * (host + 8);
        s->refused = memory_grow(s->refused, s->hosts, sizeof *s->refused);
    }
    s->connects[s->count] = (struct connect){ .host = host, .target = target, .started = now };
    return s->count++;
}

static void end(struct silence *s, size_t connect, enum connect_state state, int64_t now)
{
    s->connects[connect].state = state;
    s->connects[connect].ended = now;
}

void silence_refused(struct silence *s, size_t connect, int64_t now)
{
    end(s, connect, CONNECT_WAS_REFUSED, now);
}

void silence_ended(struct silence *s, size_t connect, int64_t now)
{
    end(s, connect, CONNECT_GAVE_UP, now);
}

void silence_void(struct silence *s, size_t connect)
{
    end(s, connect, CONNECT_SAYS_NOTHING, 0);
}

/* Counting */

struct counting {
    const struct brackets *brackets;
    struct silence_count count;
    int64_t until; /* SYNs that left later have not had their time */
    int64_t first, last;
    int in_bracket[BRACKET_CONTROLS_MAX]; /* silent SYNs */
};

static void note_bracket(struct counting *c, int bracket, int64_t when)
{
    if (c->count.brackets == 0 || when < c->first)
        c->first = when;
    if (c->count.brackets == 0 || when > c->last)
        c->last = when;
    c->count.brackets += c->in_bracket[bracket]++ == 0;
}

static int count_silent(struct counting *c, const struct connect *connect)
{
    int64_t until = c->until;
    int counted = 0;

    if (connect->state == CONNECT_GAVE_UP && connect->ended < until)
        until = connect->ended;
    for (size_t i = 0; i < SYNS; i++) {
        int64_t left = connect->started + syns[i].at;
        if (left + syns[i].slack > until)
            break;
        int bracket = brackets_find(c->brackets, left, syns[i].slack);
        if (bracket == -1)
            continue;
        counted++;
        note_bracket(c, bracket, left);
    }
    return counted;
}

/* The network was up from before the SYN left until after the refusal came. */
static int count_refusal(struct silence *s, struct counting *c, const struct connect *connect)
{
    int64_t took = connect->ended - connect->started;

    if (brackets_find(c->brackets, connect->started, took) == -1)
        return 0;
    if (s->refused[connect->host])
        return 1;
    s->refused[connect->host] = true;
    return SILENCE_REFUSAL;
}

static void count_connect(struct silence *s, struct counting *c, const struct connect *connect)
{
    struct share *share = &s->shares[operators_of(s->operators, connect->target)];

    if (connect->state == CONNECT_SAYS_NOTHING)
        return;
    share->probed = true;
    if (connect->state == CONNECT_WAS_REFUSED) {
        int firm = count_refusal(s, c, connect);
        share->firm += firm;
        share->all += firm;
    } else {
        share->all += count_silent(c, connect);
    }
}

/* So many of TOTAL that MOST, the greatest share, is no more than half of it. */
static int fair(int total, int most)
{
    return most * 2 > total ? 2 * (total - most) : total;
}

static int most_in_a_bracket(const struct counting *c)
{
    int most = 0;

    for (size_t i = 0; i < c->brackets->up_count; i++)
        most = c->in_bracket[i] > most ? c->in_bracket[i] : most;
    return most;
}

static void sum_up(const struct silence *s, struct counting *c)
{
    int firm = 0, most = 0, most_firm = 0, spread;

    for (size_t i = 0; i < s->targets; i++) {
        const struct share *share = &s->shares[i];
        c->count.probed += share->probed;
        c->count.operators += share->all > 0;
        c->count.refusing += share->firm > 0;
        c->count.all += share->all;
        firm += share->firm;
        most = share->all > most ? share->all : most;
        most_firm = share->firm > most_firm ? share->firm : most_firm;
    }
    c->count.fair = fair(c->count.all, most);
    spread = firm + fair(c->count.all - firm, most_in_a_bracket(c));
    c->count.fair = spread < c->count.fair ? spread : c->count.fair;
    c->count.firm = fair(firm, most_firm);
    c->count.span = c->last - c->first;
}

struct silence_count silence_count(struct silence *s, const struct brackets *brackets,
                                   int64_t patience, int64_t now)
{
    struct counting c = { .brackets = brackets, .until = now - patience };

    memset(s->shares, 0, s->targets * sizeof *s->shares);
    for (size_t i = 0; i < s->hosts; i++)
        s->refused[i] = false;
    for (size_t i = 0; i < s->count; i++)
        count_connect(s, &c, &s->connects[i]);
    sum_up(s, &c);
    return c.count;
}
