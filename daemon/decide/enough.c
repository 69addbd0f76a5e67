/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/enough.h"

#include "lib/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Refusals come at once where silence takes its time: so many hosts more than needed are asked
 * again together. */
#define BURST_SPARE 1
#define BURST_MAX   8

/* The first of the further connections leave in pairs: that soon makes up for the many SYNs that
 * are sent again in one moment. */
#define PAIRED 12

/* So many times the quorum need not wait for the others. */
#define EARLY_QUORUMS 4

/* While no control has been answered for so long, a further connection would be wasted. */
#define QUIET_MS 1000

/* The last connection of all had its answer, and so had a control after it. */
#define LAST_WORDS_MS 1250

struct host {
    size_t target;
    int64_t started; /* its first connection */
    int running;     /* connections */
    bool connected, again, fault, silent;
};

struct link {
    size_t host;
    bool connected, ended;
};

struct enough {
    struct enough_settings settings;
    struct silence *silence;
    struct brackets brackets;

    struct host *hosts;
    size_t host_count, host_room;
    struct link *connects;
    size_t connect_count, connect_room;
    bool *begun; /* of each target: it has a connection */
    size_t begun_count;

    size_t pending, running; /* not begun; connections that have not ended */
    size_t silent;           /* hosts without an answer, given up or not */
    size_t next_again;       /* hosts before it need no second attempt any more */
    int64_t first_connect, last_first, quorum_at, last_end;
    bool connected, suspects, looking, proven;
    bool uncontrolled; /* something has ended, and no control has left since */

    int waves, last_candidate;
    int64_t first_control, last_control, last_answer;

    size_t more[ENOUGH_MORE]; /* the hosts of the further connections */
    size_t more_count, burst;
    bool had_burst;
    int64_t last_more;
    struct silence_count count;
};

struct enough *enough_new(const struct enough_settings *settings)
{
    struct enough *e = memory_zero(1, sizeof *e);

    e->settings = *settings;
    e->silence = silence_new(settings->targets);
    e->begun = memory_zero(settings->targets, sizeof *e->begun);
    e->last_candidate = -1;
    return e;
}

void enough_free(struct enough *e)
{
    if (e == NULL)
        return;
    silence_free(e->silence);
    free(e->hosts);
    free(e->connects);
    free(e->begun);
    free(e);
}

/* Events */

void enough_pending(struct enough *e, size_t count)
{
    e->pending = count;
}

size_t enough_host(struct enough *e, size_t target, const char *network)
{
    if (e->host_count == e->host_room) {
        e->host_room = e->host_room > 0 ? 2 * e->host_room : 16;
        e->hosts = memory_grow(e->hosts, e->host_room, sizeof *e->hosts);
    }
    e->hosts[e->host_count] = (struct host){ .target = target, .started = -1 };
    silence_network(e->silence, target, network);
    return e->host_count++;
}

static void note_first_connect(struct enough *e, struct host *host, int64_t now)
{
    if (e->connect_count == 0)
        e->first_connect = now;
    host->started = e->last_first = now;
    host->silent = true;
    e->silent++;
    if (e->begun[host->target])
        return;
    e->begun[host->target] = true;
    if (++e->begun_count == e->settings.quorum)
        e->quorum_at = now;
}

size_t enough_connect(struct enough *e, size_t host, int64_t now)
{
    struct host *h = &e->hosts[host];

    if (e->connect_count == e->connect_room) {
        e->connect_room = e->connect_room > 0 ? 2 * e->connect_room : 32;
        e->connects = memory_grow(e->connects, e->connect_room, sizeof *e->connects);
    }
    if (h->started == -1)
        note_first_connect(e, h, now);
    h->running++;
    e->running++;
    e->connects[e->connect_count++] = (struct link){ .host = host };
    return silence_connect(e->silence, host, h->target, now);
}

static void not_silent(struct enough *e, struct host *host)
{
    e->silent -= host->silent;
    host->silent = false;
}

void enough_connected(struct enough *e, size_t connect)
{
    struct link *link = &e->connects[connect];

    link->connected = true;
    e->connected = true;
    e->hosts[link->host].connected = true;
    not_silent(e, &e->hosts[link->host]);
}

void enough_ended(struct enough *e, size_t connect, enum enough_end end, int64_t now)
{
    struct link *link = &e->connects[connect];
    struct host *host = &e->hosts[link->host];

    if (link->ended)
        return;
    link->ended = true;
    host->running--;
    e->running--;
    e->last_end = now;
    e->uncontrolled = true;
    if (end == ENOUGH_FAULT)
        host->fault = true;
    if (end != ENOUGH_ENDED)
        not_silent(e, host);
    if (link->connected || end == ENOUGH_FAULT)
        silence_void(e->silence, connect);
    else if (end == ENOUGH_REFUSED)
        silence_refused(e->silence, connect, now);
    else
        silence_ended(e->silence, connect, now);
}

void enough_looking(struct enough *e, bool looking)
{
    e->looking = looking;
}

bool enough_control(struct enough *e, int candidate, int64_t now, size_t *control)
{
    if (brackets_full(&e->brackets) || candidate >= BRACKET_CANDIDATES_MAX)
        return false;
    if (e->brackets.count == 0)
        e->first_control = now;
    e->last_control = now;
    e->uncontrolled = false;
    e->last_candidate = candidate;
    *control = brackets_sent(&e->brackets, candidate, now);
    return true;
}

void enough_control_ended(struct enough *e, size_t control, bool answered, int64_t now)
{
    brackets_ended(&e->brackets, control, answered, now);
    if (answered)
        e->last_answer = now;
}

/* What was seen */

static int64_t patience(const struct enough *e)
{
    int64_t twice = 2 * e->brackets.slowest;

    return twice > ENOUGH_ANSWER_MS ? twice : ENOUGH_ANSWER_MS;
}

/* One loss and one answer more than were seen, and a standard deviation on top, so that few
 * controls make for a careful guess. */
static double loss_to_expect(const struct enough *e, int64_t now)
{
    struct control_loss loss = brackets_loss(&e->brackets, now);
    double known = loss.known + 2, q = (loss.lost + 1) / known;

    q += sqrt(q * (1 - q) / known);
    return q < ENOUGH_LOSS ? ENOUGH_LOSS : q < 1 ? q : 1;
}

static bool seems_lossy(const struct enough *e, int64_t now)
{
    return brackets_loss(&e->brackets, now).lost > 0;
}

static bool suffices(int counted, double q)
{
    return pow(q, counted) <= ENOUGH_ERROR;
}

static bool is_spread(const struct silence_count *c)
{
    return c->brackets >= ENOUGH_BRACKETS && c->span >= ENOUGH_SPAN_MS;
}

static bool is_proven(const struct enough *e, double q)
{
    const struct silence_count *c = &e->count;
    size_t quorum = e->settings.quorum;

    if (e->connected)
        return false;
    if (c->refusing >= quorum && suffices(c->firm, q))
        return true;
    return c->operators >= quorum && is_spread(c) && suffices(c->fair, q);
}

static void look(struct enough *e, int64_t now)
{
    e->count = silence_count(e->silence, &e->brackets, patience(e), now);
    e->proven = is_proven(e, loss_to_expect(e, now));
}

struct enough_seen enough_seen(struct enough *e, int64_t now)
{
    struct control_loss loss = brackets_loss(&e->brackets, now);

    look(e, now);
    return (struct enough_seen){
        .proven = e->proven,
        .sent = e->brackets.count,
        .answered = e->brackets.answered,
        .loss = loss.known > 0 ? (double)loss.lost / loss.known : 0,
        .q = loss_to_expect(e, now),
        .counted = e->count.fair,
    };
}

/* The end */

static bool all_ended(const struct enough *e)
{
    return e->pending == 0 && e->running == 0;
}

static bool controls_come_and_go(const struct enough *e, int64_t now)
{
    return e->brackets.answered > 0 && seems_lossy(e, now);
}

static int64_t latest_end(const struct enough *e, int64_t now)
{
    return e->first_connect + e->settings.timeout_ms * (controls_come_and_go(e, now) ? 2 : 1);
}

/* Nothing has answered: neither in a long time, nor where nothing is left to wait for. */
static bool is_offline(const struct enough *e, int64_t now)
{
    const struct brackets *b = &e->brackets;

    if (b->answered > 0 || e->looking)
        return false;
    if (b->count > 0 && now - e->first_control >= ENOUGH_OFFLINE_MS)
        return true;
    return all_ended(e) && b->running == 0 && (b->count == 0 || e->waves > 1);
}

/* It is all the operators there are, and even they alone can prove nothing more. */
static bool is_too_few(const struct enough *e, double q)
{
    return e->pending == 0 && e->count.probed < e->settings.quorum && suffices(e->count.all, q) &&
           (is_spread(&e->count) || e->count.refusing > 0);
}

static bool is_spent(const struct enough *e, int64_t now)
{
    return all_ended(e) && e->more_count == ENOUGH_MORE && now - e->last_end >= LAST_WORDS_MS;
}

/* More are still looked up than have been asked, and these are few: they may all be dead. */
static bool is_early(const struct enough *e)
{
    return e->pending > e->count.probed && e->count.probed < EARLY_QUORUMS * e->settings.quorum;
}

static bool is_over(struct enough *e, int64_t now)
{
    look(e, now);
    return (e->proven && !is_early(e)) || is_offline(e, now) ||
           is_too_few(e, loss_to_expect(e, now)) || is_spent(e, now) || now >= latest_end(e, now);
}

/* Controls */

static struct enough_action send_wave(struct enough *e)
{
    e->waves++;
    return (struct enough_action){ .what = ENOUGH_WAVE };
}

static struct enough_action send_control(const struct enough *e)
{
    int candidate = brackets_turn(&e->brackets, e->last_candidate);

    return (struct enough_action){ .what = ENOUGH_CONTROL, .candidate = candidate };
}

/* Where some are lost, twice as many make for as many brackets. */
static int64_t beat(const struct enough *e, int64_t now)
{
    return seems_lossy(e, now) ? ENOUGH_BEAT_MS / 2 : ENOUGH_BEAT_MS;
}

static int64_t next_control(const struct enough *e, int64_t now)
{
    if (brackets_full(&e->brackets) || e->brackets.candidates == 0)
        return INT64_MAX;
    /* Once everything is refused, there is nothing to wait for but the next tick of the clock. */
    if (all_ended(e) && e->uncontrolled && e->more_count > 0)
        return e->last_end + 1;
    return e->last_control + beat(e, now);
}

/* Further connections */

static size_t already_more(const struct enough *e, size_t host, size_t *of_operator)
{
    size_t own = 0, operator= silence_operator(e->silence, e->hosts[host].target);

    *of_operator = 0;
    for (size_t i = 0; i < e->more_count; i++) {
        own += e->more[i] == host;
        *of_operator += silence_operator(e->silence, e->hosts[e->more[i]].target) == operator;
    }
    return own;
}

/* By turns over the operators, and over their hosts; -1 where there is none. */
static int64_t host_in_turn(const struct enough *e)
{
    size_t best_own = SIZE_MAX, best_of_operator = SIZE_MAX, of_operator;
    int64_t best = -1;

    for (size_t i = 0; i < e->host_count; i++) {
        if (e->hosts[i].fault)
            continue;
        size_t own = already_more(e, i, &of_operator);
        if (of_operator > best_of_operator || (of_operator == best_of_operator && own >= best_own))
            continue;
        best = (int64_t)i;
        best_own = own;
        best_of_operator = of_operator;
    }
    return best;
}

static bool seems_up(const struct enough *e, int64_t now)
{
    int64_t since = e->last_answer > 0 ? e->last_answer : e->first_control;

    return e->brackets.count > 0 && now - since <= QUIET_MS;
}

static void allow_burst(struct enough *e)
{
    size_t firm = (size_t)ceil(log(ENOUGH_ERROR) / log(ENOUGH_LOSS) / SILENCE_REFUSAL);

    if (e->had_burst || !all_ended(e))
        return;
    e->had_burst = true;
    e->burst = (e->settings.quorum > firm ? e->settings.quorum : firm) + BURST_SPARE;
    if (e->burst > e->host_count)
        e->burst = e->host_count;
    if (e->burst > BURST_MAX)
        e->burst = BURST_MAX;
}

/* Not where they may be needed for longer. */
static bool goes_in_pairs(const struct enough *e, int64_t now)
{
    return e->more_count < PAIRED && !e->had_burst && !seems_lossy(e, now);
}

static int64_t next_more(const struct enough *e, int64_t now)
{
    if (e->more_count == ENOUGH_MORE || !seems_up(e, now))
        return INT64_MAX;
    if (e->burst > 0 || e->more_count == 0)
        return now;
    if (goes_in_pairs(e, now) && e->more_count % 2 == 1)
        return e->last_more;
    return e->last_more + ENOUGH_BEAT_MS;
}

static bool connect_more(struct enough *e, int64_t now, struct enough_action *action)
{
    int64_t host = host_in_turn(e);

    if (host == -1)
        return false;
    e->burst -= e->burst > 0;
    e->more[e->more_count++] = (size_t)host;
    e->last_more = now;
    *action = (struct enough_action){ .what = ENOUGH_CONNECT, .host = (size_t)host };
    return true;
}

/* The course of it */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct enough_action wait_until(int64_t until, int64_t now)
{
    return (struct enough_action){ .what = ENOUGH_WAIT, .until_ms = until > now ? until : now + 1 };
}

static const struct enough_action done = { .what = ENOUGH_DONE };

/* When silence is suspicious: counted from when enough operators have been sent a SYN. */
static int64_t suspicious_at(const struct enough *e, int64_t now)
{
    if (all_ended(e))
        return now;
    if (e->begun_count >= e->settings.quorum)
        return e->quorum_at + ENOUGH_SUSPICION_MS;
    return e->pending == 0 ? e->last_first + ENOUGH_SUSPICION_MS : INT64_MAX;
}

static bool can_tell(const struct enough *e)
{
    for (size_t i = 0; i < e->host_count; i++)
        if (!e->hosts[i].fault)
            return true;
    return e->pending > 0;
}

static struct enough_action when_silent(struct enough *e, int64_t now)
{
    struct enough_action action;
    int64_t again = INT64_MAX;

    if (is_over(e, now))
        return done;
    if (all_ended(e) && e->brackets.answered == 0 && e->brackets.running == 0 && !e->looking)
        return send_wave(e);
    allow_burst(e);
    if (next_more(e, now) <= now && connect_more(e, now, &action))
        return action;
    if (next_control(e, now) <= now)
        return send_control(e);
    again = earlier(next_more(e, now), next_control(e, now));
    if (e->last_more + patience(e) > now)
        again = earlier(again, e->last_more + patience(e));
    if (e->brackets.count > 0 && e->brackets.answered == 0)
        again = earlier(again, e->first_control + ENOUGH_OFFLINE_MS);
    if (all_ended(e) && e->more_count == ENOUGH_MORE)
        again = earlier(again, e->last_end + LAST_WORDS_MS);
    return wait_until(earlier(again, latest_end(e, now)), now);
}

/* Some connect and many do not: controls say whether the path loses packets. */
static bool looks_unstable(const struct enough *e, int64_t now)
{
    return e->silent >= 2 && e->silent * 2 >= e->host_count && e->pending == 0 &&
           now - e->last_first >= ENOUGH_AGAIN_MS;
}

/* The first host that is still waited for and was not tried again; they began in this order. */
static struct host *waits_longest(struct enough *e)
{
    for (; e->next_again < e->host_count; e->next_again++) {
        struct host *host = &e->hosts[e->next_again];
        if (host->running > 0 && !host->again)
            return host;
    }
    return NULL;
}

static struct enough_action when_connected(struct enough *e, int64_t now)
{
    struct host *host = waits_longest(e);
    int64_t again = INT64_MAX;

    if (all_ended(e))
        return done;
    if (host != NULL && now - host->started >= ENOUGH_AGAIN_MS) {
        host->again = true;
        return (struct enough_action){ .what = ENOUGH_CONNECT, .host = e->next_again };
    }
    if (looks_unstable(e, now) && e->waves == 0)
        return send_wave(e);
    if (e->waves > 0 && looks_unstable(e, now) && next_control(e, now) <= now)
        return send_control(e);
    if (host != NULL)
        again = host->started + ENOUGH_AGAIN_MS;
    if (looks_unstable(e, now))
        again = earlier(again, next_control(e, now));
    return wait_until(earlier(again, e->last_first + ENOUGH_AGAIN_MS > now
                                         ? e->last_first + ENOUGH_AGAIN_MS
                                         : INT64_MAX),
                      now);
}

struct enough_action enough_next(struct enough *e, int64_t now)
{
    if (e->connected)
        return when_connected(e, now);
    if (!can_tell(e))
        return done;
    if (!e->suspects) {
        int64_t at = suspicious_at(e, now);
        if (now < at)
            return wait_until(at, now);
        e->suspects = true;
        return send_wave(e);
    }
    return when_silent(e, now);
}

bool enough_suspects(const struct enough *e)
{
    return e->suspects;
}
