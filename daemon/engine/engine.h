/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What detourd does all day: rounds, health, the route, requests to detour-apply. Data flows one
 * way: a round's verdict feeds health, health wishes for a route, a relay proves itself, and
 * detour-apply is asked. What it says is then the truth about the route, not what was wished.
 */
#ifndef DETOURD_ENGINE_H
#define DETOURD_ENGINE_H

#include "daemon/decide/health.h"
#include "daemon/diagnosis/circumstances.h"
#include "daemon/engine/relays.h"
#include "daemon/round/round.h"
#include "lib/config.h"
#include "lib/route.h"
#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct engine;

/* Owns CONFIG from here on. GROUP may read the password files besides root. NULL with a reason in
 * WHY (CONFIG is then freed). Nothing is sent before the loop runs. */
struct engine *engine_new(struct event_base *base, struct config *config, gid_t group, char *why,
                          size_t whylen);
void engine_free(struct engine *engine);

/* Takes over CONFIG in place of the present one. -1 with a reason in WHY: the present one stays,
 * and CONFIG is freed. */
int engine_reload(struct engine *engine, struct config *config, char *why, size_t whylen);

/* Orders of an operator. The callback gets one line for people and comes once, possibly before the
 * call returns; engine_forget ends the interest in it. */
typedef void engine_answer(bool ok, const char *line, void *context);

/* NAME is "direct" or a relay's; the route is held once it is in force. */
void engine_take_route(struct engine *engine, const char *name, engine_answer *answer,
                       void *context);
void engine_hold(struct engine *engine, engine_answer *answer, void *context);
void engine_release(struct engine *engine, engine_answer *answer, void *context);
/* Configuration management has applied that generation of a fragment (mode = fragment). */
void engine_applied(struct engine *engine, unsigned long generation, engine_answer *answer,
                    void *context);
void engine_forget(struct engine *engine, void *context);

/* Everything there is to know, for the reports. The pointers are the engine's, valid until the loop
 * goes on. */
struct engine_view {
    const struct config *config;
    const struct relays *relays;
    const struct round_result *round; /* the last one, or NULL */
    const struct circumstances_seen *seen;
    const struct health *health;
    struct health_advice advice;
    struct health_settings settings;
    bool families[FAMILIES]; /* that Postfix uses */
    struct route route;      /* in force; meaningless unless route_known */
    bool route_known;
    const json_t *facts;       /* what detour-apply last said, or NULL */
    int64_t facts_at;          /* wall clock */
    const char *apply_problem; /* why detour-apply did not answer, or "" */
    const char *change;        /* what is being done right now, or "" */
    const char *change_failed; /* why the last change failed, or "" */
    const char *change_slow;   /* why mail left late after the last change, or "" */
    int64_t retry_at;          /* wall clock, when it is tried again */
    const char *state_problem; /* why the state cannot be written, or "" */
    int64_t next_round;        /* wall clock; 0 while a round runs */
    int64_t now;               /* wall clock */
};

struct engine_view engine_view(const struct engine *engine);

/* What a switch would do next: the route that `plan` without arguments is about. False when there
 * is no relay. */
bool engine_next_route(const struct engine *engine, struct route *out);

#endif
