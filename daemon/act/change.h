/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One change of the route: a relay proves itself, unless it has just done so, and detour-apply is
 * asked. To direct nothing needs to be proved.
 */
#ifndef DETOURD_CHANGE_H
#define DETOURD_CHANGE_H

#include "daemon/engine/relays.h"
#include "daemon/round/identity.h"
#include "lib/route.h"
#include <event2/event.h>
#include <stdbool.h>

/* What it works with; all of it must outlive the change. */
struct change_means {
    struct event_base *base;
    struct relays *relays;
    const char *socket; /* detour-apply's */
    const struct identity *identity;
    relays_changed *proofs_changed; /* has to call change_proofs_changed */
    void *context;                  /* of that and of the end */
};

struct change_wish {
    bool direct;               /* to direct, or to a relay: */
    char relay[TOKEN_MAX + 1]; /* that one alone; empty for any */
    bool leave;                /* not the one in use */
    struct route in_use;
    bool as_it_is;         /* ask for IN_USE again, without a proof: finishes what was cut off */
    bool release;          /* accept what somebody else has edited of a route, which ends it */
    unsigned long applied; /* configuration management has applied that generation; 0: no */
};

struct change_result {
    bool ok;
    bool known; /* detour-apply said which route is in force now: */
    struct route route;
    bool handed_over; /* configuration management has something new to apply */
    const char *slow; /* why mail that hung in the block leaves late, or "" */
    const char *line; /* what became of it, for people */
};

/* RESULT is valid during the call alone; the change is gone when it returns. */
typedef void change_done(const struct change_result *result, void *context);

struct change;

/* The callback comes once, always from the loop. */
struct change *change_start(const struct change_means *means, const struct change_wish *wish,
                            change_done *callback);
void change_proofs_changed(struct change *change);

/* Whether nothing has been asked of detour-apply yet. */
bool change_is_proving(const struct change *change);

/* "switching to ses:587", for status. */
const char *change_text(const struct change *change);

/* Ends it without its callback; what detour-apply has begun goes on. NULL is allowed. */
void change_stop(struct change *change);

#endif
