/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/play.h"

#include "daemon/decide/enough.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX    10
#define HOSTS_MAX      (TARGETS_MAX * HOSTS_PER_TARGET)
#define CANDIDATES     11 /* three ports of three targets, and two relays */
#define RELAY_PATH     HOSTS_MAX
#define CONNECTS_MAX   (HOSTS_MAX + ENOUGH_MORE + HOSTS_MAX)
#define EVENTS_MAX     1024
#define TIMEOUT_MS     8000
#define CONTROL_MS     2500
#define ATTEMPT_MIN_MS 1000
#define QUORUM         3
#define LISTENING      0.6 /* of the candidates, the relays aside */
#define LOOKUP_MAX_MS  60

enum event_kind { HOST_FOUND, CONNECTED, REFUSED, ENDED, ANSWERED, UNANSWERED };

struct event {
    int64_t when;
    enum event_kind kind;
    size_t number;
};

struct connection {
    size_t host;
    enum outcome outcome;
};

struct game {
    const struct scenario *scenario;
    struct network network;
    struct enough *enough;
    size_t targets, hosts_of[TARGETS_MAX];
    size_t hosts, begun;
    size_t target_of[HOSTS_MAX];
    struct connection connections[CONNECTS_MAX];
    size_t connection_count;
    enum outcome outcome[TARGETS_MAX];
    int64_t deadline[HOSTS_MAX]; /* of its first connection */
    bool listens[CANDIDATES];
    int64_t now;
    struct event events[EVENTS_MAX]; /* a heap, the earliest first */
    size_t event_count;
};

/* Events */

static void swap(struct event *a, struct event *b)
{
    struct event c = *a;

    *a = *b;
    *b = c;
}

static void push(struct game *g, int64_t when, enum event_kind kind, size_t number)
{
    size_t i = g->event_count++;

    if (i == EVENTS_MAX)
        abort();
    g->events[i] = (struct event){ when, kind, number };
    for (; i > 0 && g->events[(i - 1) / 2].when > g->events[i].when; i = (i - 1) / 2)
        swap(&g->events[i], &g->events[(i - 1) / 2]);
}

static struct event pop(struct game *g)
{
    struct event first = g->events[0];

    g->events[0] = g->events[--g->event_count];
    for (size_t i = 0, child; (child = 2 * i + 1) < g->event_count; i = child) {
        if (child + 1 < g->event_count && g->events[child + 1].when < g->events[child].when)
            child++;
        if (g->events[i].when <= g->events[child].when)
            break;
        swap(&g->events[i], &g->events[child]);
    }
    return first;
}

/* What the round does */

static void start_connection(struct game *g, size_t host)
{
    int64_t deadline = g->deadline[host], answer = -1;
    size_t number = enough_connect(g->enough, host, g->now);

    if (number == CONNECTS_MAX)
        abort();
    if (deadline - g->now <= ATTEMPT_MIN_MS)
        deadline = g->now + TIMEOUT_MS;
    g->connections[number] = (struct connection){ host, OUTCOME_TIMEOUT };
    g->connection_count = number + 1;
    if (g->scenario->truth != TRUTH_DROPPED)
        answer = network_answer(&g->network, host, g->now, deadline);
    if (answer == -1)
        push(g, deadline, ENDED, number);
    else
        push(g, answer, g->scenario->truth == TRUTH_OPEN ? CONNECTED : REFUSED, number);
}

static size_t path_of(size_t candidate)
{
    return candidate < 9 ? candidate / 3 : RELAY_PATH + candidate - 9;
}

static void send_control(struct game *g, size_t candidate)
{
    int64_t deadline = g->now + CONTROL_MS, answer = -1;
    size_t number;

    if (!enough_control(g->enough, (int)candidate, g->now, &number))
        return;
    if (g->listens[candidate])
        answer = network_answer(&g->network, path_of(candidate), g->now, deadline);
    push(g, answer == -1 ? deadline : answer, answer == -1 ? UNANSWERED : ANSWERED, number);
}

static bool act(struct game *g, const struct enough_action *action)
{
    switch (action->what) {
    case ENOUGH_WAVE:
        for (size_t i = 0; i < CANDIDATES; i++)
            if (i >= 9 || path_of(i) < g->hosts)
                send_control(g, i);
        return true;
    case ENOUGH_CONTROL:
        send_control(g, (size_t)action->candidate);
        return true;
    case ENOUGH_CONNECT:
        start_connection(g, action->host);
        return true;
    case ENOUGH_WAIT:
    case ENOUGH_DONE:
        break;
    }
    return false;
}

/* What happens to it */

static void note_outcome(struct game *g, size_t connection, enum outcome outcome)
{
    size_t target = g->target_of[g->connections[connection].host];

    g->connections[connection].outcome = outcome;
    g->outcome[target] = outcome_better(g->outcome[target], outcome);
}

static void host_found(struct game *g)
{
    char network[ADDRESS_TEXT];
    size_t target = g->target_of[g->begun];

    g->deadline[g->begun++] = g->now + TIMEOUT_MS;
    snprintf(network, sizeof network, "198.18.%zu.0/24", target);
    start_connection(g, enough_host(g->enough, target, network));
    enough_pending(g->enough, g->hosts - g->begun);
}

static void connected(struct game *g, size_t number)
{
    note_outcome(g, number, OUTCOME_OPEN);
    enough_connected(g->enough, number);
    /* Banner and EHLO, over a connection whose losses TCP makes up for. */
    push(g, g->now + 3 * g->network.paths[g->connections[number].host].round_trip, ENDED, number);
}

static void happen(struct game *g, const struct event *event)
{
    switch (event->kind) {
    case HOST_FOUND:
        host_found(g);
        break;
    case CONNECTED:
        connected(g, event->number);
        break;
    case REFUSED:
        note_outcome(g, event->number, OUTCOME_REFUSED);
        enough_ended(g->enough, event->number, ENOUGH_REFUSED, g->now);
        break;
    case ENDED:
        note_outcome(g, event->number, g->connections[event->number].outcome);
        enough_ended(g->enough, event->number, ENOUGH_ENDED, g->now);
        break;
    case ANSWERED:
    case UNANSWERED:
        enough_control_ended(g->enough, event->number, event->kind == ANSWERED, g->now);
        break;
    }
}

/* Beginning and end */

static void make_targets(struct game *g)
{
    struct chance *chance = &g->network.chance;

    g->targets = (size_t)chance_between(chance, (int64_t)g->scenario->targets_min,
                                        (int64_t)g->scenario->targets_max);
    for (size_t t = 0; t < g->targets; t++) {
        g->outcome[t] = OUTCOME_DNS_FAILED;
        for (int64_t h = chance_between(chance, 1, HOSTS_PER_TARGET); h > 0; h--)
            g->target_of[g->hosts++] = t;
    }
    for (size_t i = 0; i < g->hosts; i++) {
        network_add_path(&g->network, i);
        push(g, NETWORK_START + chance_between(chance, 0, LOOKUP_MAX_MS), HOST_FOUND, i);
    }
    network_add_path(&g->network, RELAY_PATH);
    network_add_path(&g->network, RELAY_PATH + 1);
    for (size_t i = 0; i < CANDIDATES; i++)
        g->listens[i] = i >= 9 || chance_real(chance) < LISTENING;
}

static enum verdict_kind judge(struct game *g, size_t quorum)
{
    struct target_evidence targets[TARGETS_MAX] = { 0 };
    struct enough_seen seen = enough_seen(g->enough, g->now);
    struct evidence evidence = { .targets = targets,
                                 .count = g->targets,
                                 .quorum = quorum,
                                 .controls = { .answered = seen.answered > 0,
                                               .proven = seen.proven,
                                               .loss = seen.loss,
                                               .q = seen.q,
                                               .counted = seen.counted } };

    for (size_t i = 0; i < g->connection_count; i++)
        note_outcome(g, i, g->connections[i].outcome); /* silent so far */
    for (size_t t = 0; t < g->targets; t++) {
        targets[t].outcome = g->outcome[t];
        snprintf(targets[t].network[0], ADDRESS_TEXT, "198.18.%zu.0/24", t);
    }
    return verdict_decide(&evidence).kind;
}

static void run(struct game *g)
{
    struct enough_action action;

    for (;;) {
        do
            action = enough_next(g->enough, g->now);
        while (act(g, &action));
        if (action.what == ENOUGH_DONE)
            return;
        if (g->event_count > 0 && g->events[0].when <= action.until_ms) {
            struct event event = pop(g);
            g->now = event.when;
            happen(g, &event);
        } else {
            g->now = action.until_ms;
        }
        if (g->now > NETWORK_END + TIMEOUT_MS)
            abort();
    }
}

void play(const struct scenario *scenario, uint64_t seed, struct played *out)
{
    static struct game g;

    g.scenario = scenario;
    g.event_count = g.hosts = g.begun = g.connection_count = 0;
    network_init(&g.network, &scenario->weather, seed);
    make_targets(&g);
    struct enough_settings settings = { .targets = g.targets,
                                        .quorum = g.targets < QUORUM ? g.targets : QUORUM,
                                        .timeout_ms = TIMEOUT_MS };
    g.enough = enough_new(&settings);
    enough_pending(g.enough, g.hosts);
    g.now = NETWORK_START;
    run(&g);
    out->verdict = judge(&g, settings.quorum);
    out->ms = g.now - NETWORK_START;
    out->connections = g.connection_count;
    out->controls = enough_seen(g.enough, g.now).sent;
    enough_free(g.enough);
}
