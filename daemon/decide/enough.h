/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a round has seen enough of one family, and what it should do until then: events in, the next
 * action out. Pure: every call is handed the time, in ms on one clock that never goes back.
 *
 * While somebody connects there is nothing to prove, and no control is sent. When nobody has for
 * ENOUGH_SUSPICION_MS (or every connection has been refused), controls go out, first to everybody,
 * then one every ENOUGH_BEAT_MS (twice as often where some are lost) by turns to those who
 * answered; and as often, while controls answer, another connection to port 25 (two at
 * first), by turns over the operators. Silent SYNs and refusals between answered controls count
 * (silence.h, brackets.h) until q^n is at most ENOUGH_ERROR. n is how many count, no more than half
 * of them of one operator or in one bracket; q the loss that controls show, and never taken to be
 * below ENOUGH_LOSS. Neither may an operator alone carry it, so QUORUM of them must be silent, nor
 * a short outage, so silent SYNs must come from ENOUGH_BRACKETS brackets and ENOUGH_SPAN_MS apart.
 */
#ifndef DETOURD_ENOUGH_H
#define DETOURD_ENOUGH_H

#include "daemon/decide/silence.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENOUGH_SUSPICION_MS 400
#define ENOUGH_BEAT_MS      250
#define ENOUGH_MORE         24   /* further connections at the most, in one round and family */
#define ENOUGH_OFFLINE_MS   3000 /* no control answered for so long: the network is down */
#define ENOUGH_AGAIN_MS     2500 /* where others connect, a slow host is tried a second time */
#define ENOUGH_ANSWER_MS    300  /* a SYN's time for an answer, or twice what controls take */
#define ENOUGH_BRACKETS     4
#define ENOUGH_SPAN_MS      1000
#define ENOUGH_LOSS         0.5
#define ENOUGH_ERROR        1e-6

struct enough_settings {
    size_t targets;
    size_t quorum;
    /* From the first connection to the end; twice as long where controls come and go. */
    int64_t timeout_ms;
};

struct enough;

/* Never NULL. */
struct enough *enough_new(const struct enough_settings *settings);
void enough_free(struct enough *enough);

/*
 * Events
 */

/* Targets that are still looked up, and hosts that wait for their first connection. */
void enough_pending(struct enough *enough, size_t count);

/* The first connection to a host of TARGET, in NETWORK, is about to begin; the host's number, from
 * 0 on. */
size_t enough_host(struct enough *enough, size_t target, const char *network);

/* A connection to HOST began; its number, from 0 on. */
size_t enough_connect(struct enough *enough, size_t host, int64_t now);

/* It stands; enough_ended() follows when its session is over. */
void enough_connected(struct enough *enough, size_t connect);

enum enough_end {
    ENOUGH_ENDED, /* given up without an answer, or its session is over */
    ENOUGH_REFUSED,
    ENOUGH_FAULT /* this host could not even try */
};

/* Once for each connection. */
void enough_ended(struct enough *enough, size_t connect, enum enough_end end, int64_t now);

/* Whether more candidates for controls are being looked up. */
void enough_looking(struct enough *enough, bool looking);

/* A control to CANDIDATE (from 0 on, below BRACKET_CANDIDATES_MAX) left; its number. False: no more
 * can be taken in. */
bool enough_control(struct enough *enough, int candidate, int64_t now, size_t *control);

/* It was answered, or ended without an answer. Once. */
void enough_control_ended(struct enough *enough, size_t control, bool answered, int64_t now);

/*
 * Actions
 */

enum enough_what {
    ENOUGH_WAIT,
    ENOUGH_WAVE,    /* send a control to every candidate there is, and look for them */
    ENOUGH_CONTROL, /* send one to CANDIDATE */
    ENOUGH_CONNECT, /* start another connection to HOST */
    ENOUGH_DONE,    /* the family's round is over */
};

struct enough_action {
    enum enough_what what;
    int candidate;
    size_t host;
    int64_t until_ms; /* ENOUGH_WAIT: ask again then, and after any event */
};

/* To be asked again until it says wait or done. What is asked for is begun at once. */
struct enough_action enough_next(struct enough *enough, int64_t now);

/* Whether nobody has connected for so long that controls were asked for. */
bool enough_suspects(const struct enough *enough);

/*
 * What was seen so far
 */

struct enough_seen {
    bool proven;           /* silence that no loss explains, between answered controls */
    size_t sent, answered; /* controls */
    double loss;           /* of the controls to addresses that had answered before */
    double q;              /* what the count was judged with */
    int counted;           /* SYNs */
};

struct enough_seen enough_seen(struct enough *enough, int64_t now);

#endif
