/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configured relays and what they last proved. A check goes to all of them at once, each port
 * a candidate of its own, so that the best one that works is known as soon as it can be.
 */
#ifndef DETOURD_RELAYS_H
#define DETOURD_RELAYS_H

#include "daemon/decide/route.h"
#include "daemon/probe/relay_check.h"
#include "lib/config.h"
#include "lib/route.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relay_state {
    const struct relay *relay;
    struct route route;
    bool checking;
    int failures;                     /* in a row */
    int64_t checked;                  /* wall clock of the last result, 0 before the first */
    struct relay_check_result result; /* of the last check */
};

struct relays;

/* Refers to CONFIG. GROUP may read the password files besides root. NULL with a reason in WHY when
 * a CA file cannot be used. */
struct relays *relays_new(struct event_base *base, struct dns *dns, const struct config *config,
                          gid_t group, char *why, size_t whylen);
void relays_free(struct relays *relays);

/* The store of the system's certificates where a relay uses it, else NULL; the relays' own. */
struct tls_trust *relays_system_trust(const struct relays *relays);

size_t relays_count(const struct relays *relays);
const struct relay_state *relays_at(const struct relays *relays, size_t n);
const struct relay_state *relays_find(const struct relays *relays, const struct route *route);

typedef void relays_changed(void *context);

/* Starts checks of the candidates of the relay NAME, or of all where NAME is NULL, unless they run
 * already. CHANGED is called from the loop after each result. */
void relays_check(struct relays *relays, const char *name, const struct probe_settings *settings,
                  unsigned families, relays_changed *changed, void *context);

bool relays_checking(const struct relays *relays);

/* The route to take among the candidates of NAME (all where NULL), other than EXCEPT (if not NULL),
 * by proofs not older than SINCE. False with *WAIT telling whether a running check may change
 * that. */
bool relays_choose(const struct relays *relays, const char *name, const struct route *except,
                   int64_t since, struct route *out, bool *wait);

#endif
