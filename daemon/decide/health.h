/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From verdicts to a wish to switch, with patience: `fall` bad rounds in a row to leave direct,
 * `rise` good ones and `stay` seconds on the relay to return, at most `switch_limit` switches an
 * hour, and an operator's hold above all. Pure: the clock is passed in, in seconds of wall time,
 * since what is kept here outlives the process.
 */
#ifndef DETOURD_HEALTH_H
#define DETOURD_HEALTH_H

#include "daemon/decide/verdict.h"
#include <stdbool.h>
#include <stdint.h>

#define HEALTH_SWITCHES_MAX 1000

struct health_settings {
    int fall, rise;
    int64_t stay;                /* s */
    int64_t interval, fastinter; /* s */
    int switch_limit;            /* within an hour, at most HEALTH_SWITCHES_MAX */
};

enum health_sign {
    HEALTH_NOTHING, /* unknown, offline: no reason for anything */
    HEALTH_MIXED,   /* unstable, reputation: ends a row of good or bad ones */
    HEALTH_GOOD,
    HEALTH_BAD,
};

/* What the verdicts of the families that Postfix uses say together: IPv4 decides, and IPv6 only
 * where Postfix uses it alone, since most MX hosts have no IPv6 address. */
enum health_sign health_sign(const enum verdict_kind verdict[FAMILIES], const bool used[FAMILIES]);

struct health {
    int good, bad;                         /* rounds in a row */
    int64_t since;                         /* of the route in force */
    bool hold;                             /* an operator's order to stay */
    int64_t switches[HEALTH_SWITCHES_MAX]; /* the last ones, a ring */
    int switch_count, switch_next;
};

void health_round(struct health *health, enum health_sign sign);

/* Notes that the route changed. */
void health_switched(struct health *health, int64_t now);

enum health_wish {
    HEALTH_KEEP,
    HEALTH_LEAVE,  /* direct, for a relay */
    HEALTH_RETURN, /* to direct */
};

/* Why a wish is not granted yet, for status. */
enum health_bar {
    HEALTH_FREE,
    HEALTH_HELD,    /* an operator said hold */
    HEALTH_STAYING, /* `stay` is not over */
    HEALTH_LIMITED, /* too many switches within the hour */
};

struct health_advice {
    enum health_wish wish; /* what the rounds say */
    enum health_bar bar;   /* HEALTH_FREE: do it now */
    int64_t until;         /* when the bar lifts; 0 where that is not known */
};

struct health_advice health_advise(const struct health *health,
                                   const struct health_settings *settings, bool on_relay,
                                   int64_t now);

/* Whether rounds should follow at `fastinter`: the last ones contradict the route in force, but
 * not often enough yet. */
bool health_suspects(const struct health *health, const struct health_settings *settings,
                     bool on_relay);

#endif
