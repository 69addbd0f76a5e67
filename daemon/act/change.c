/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/act/change.h"

#include "daemon/act/apply_client.h"
#include "daemon/act/inquiry.h"
#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_FRESH    30 /* s: a proof that is younger counts as just now */
#define LINE_MAX_BYTES 512

struct change {
    struct change_means means;
    struct change_wish wish;
    int64_t proof_since;     /* wall clock; 0 while nobody has been waited for */
    struct apply_call *call; /* once detour-apply has been asked */
    struct route route;      /* for that one */
    char text[ROUTE_TEXT + 32];
    char line[LINE_MAX_BYTES];
    struct change_result result;
    struct event *next; /* the end, or the beginning, always from the loop */
    change_done *callback;
};

static void release(struct change *c)
{
    apply_stop(c->call);
    event_free(c->next);
    free(c);
}

static void finish(struct change *c)
{
    c->result.line = c->line;
    if (c->result.slow == NULL)
        c->result.slow = "";
    c->callback(&c->result, c->means.context);
    release(c);
}

/* What became of it, where it is well. */
static void say_done(struct change *c, const json_t *last)
{
    struct inquiry_fragment fragment;
    char name[ROUTE_TEXT];

    route_text(&c->route, name);
    if (c->wish.release) {
        snprintf(c->line, sizeof c->line, "released: detourd decides again");
    } else if (inquiry_fragment(last, &fragment)) {
        route_text(&fragment.route, name);
        bool is_new = strcmp(json_string_value(json_object_get(last, "result")), "ok") == 0;
        snprintf(c->line, sizeof c->line,
                 !fragment.applied ? "generation %lu, route %s, waits to be applied"
                 : is_new          ? "generation %lu is in force: route is %s"
                                   : "generation %lu is in force already: route is %s",
                 fragment.generation, name);
        c->result.handed_over = is_new && !fragment.applied;
    } else {
        snprintf(c->line, sizeof c->line, "route is %s", name);
    }
}

static void say_failed(struct change *c, const char *reason)
{
    char name[ROUTE_TEXT];

    route_text(&c->route, name);
    if (c->wish.release)
        snprintf(c->line, sizeof c->line, "release: %s", reason);
    else if (c->wish.applied != 0)
        snprintf(c->line, sizeof c->line, "generation %lu: %s", c->wish.applied, reason);
    else
        snprintf(c->line, sizeof c->line, "route %s: %s", name, reason);
}

static void answered(const struct apply_result *result, void *context)
{
    struct change *c = context;

    c->call = NULL;
    c->result.ok = result->end == APPLY_OK;
    c->result.slow =
        result->end == APPLY_OK ? json_string_value(json_object_get(result->last, "slow")) : NULL;
    c->result.known = c->result.ok && inquiry_route(result->last, &c->result.route);
    if (c->result.ok)
        say_done(c, result->last);
    else
        say_failed(c, result->reason);
    finish(c);
}

static void say_begun(struct change *c)
{
    char name[ROUTE_TEXT];

    route_text(&c->route, name);
    if (c->wish.release) {
        snprintf(c->text, sizeof c->text, "asking what was edited");
    } else if (c->wish.applied != 0) {
        snprintf(c->text, sizeof c->text, "looking at generation %lu", c->wish.applied);
    } else {
        snprintf(c->text, sizeof c->text, "switching to %s", name);
        log_notice("%s", c->text);
    }
}

static void ask(struct change *c, const struct route *route)
{
    struct request request = { .verb = c->wish.release          ? VERB_RELEASE
                                       : c->wish.applied != 0   ? VERB_APPLIED
                                       : route_is_direct(route) ? VERB_DIRECT
                                                                : VERB_RELAY,
                               .route = *route,
                               .generation = c->wish.applied };

    c->route = *route;
    say_begun(c);
    c->call = apply_start(c->means.base, c->means.socket, &request, answered, c);
}

static const char *relay_wanted(const struct change *c)
{
    return c->wish.relay[0] != '\0' ? c->wish.relay : NULL;
}

static void say_unproven(struct change *c)
{
    const struct relay_state *s;
    size_t used = (size_t)snprintf(c->line, sizeof c->line, "no relay has proved itself");

    for (size_t i = 0; (s = relays_at(c->means.relays, i)) != NULL && used < sizeof c->line; i++) {
        char name[ROUTE_TEXT];
        if (relay_wanted(c) != NULL && !route_is_of(&s->route, c->wish.relay))
            continue;
        route_text(&s->route, name);
        used += (size_t)snprintf(c->line + used, sizeof c->line - used, "; %s: %s", name,
                                 s->result.detail);
    }
}

/* Takes what has proved itself since then; true when there is nothing to wait for any more. */
static bool choose(struct change *c, int64_t since)
{
    const struct route *except = c->wish.leave ? &c->wish.in_use : NULL;
    struct route route;
    bool wait;

    if (!relays_choose(c->means.relays, relay_wanted(c), except, since, &route, &wait))
        return !wait;
    ask(c, &route);
    return true;
}

/* A proof that comes between the start and begin() is found there: choosing already here, begin()
 * would ask a second time. */
void change_proofs_changed(struct change *c)
{
    if (c->proof_since == 0 || c->call != NULL || !choose(c, c->proof_since) || c->call != NULL)
        return;
    say_unproven(c);
    finish(c);
}

static void begin(evutil_socket_t fd, short events, void *context)
{
    struct change *c = context;
    struct route direct = route_direct();
    int64_t now = clock_wall();

    (void)fd;
    (void)events;
    if (c->wish.as_it_is || c->wish.direct || c->wish.release || c->wish.applied != 0) {
        ask(c, c->wish.as_it_is ? &c->wish.in_use : &direct);
        return;
    }
    c->proof_since = now - PROOF_FRESH;
    choose(c, c->proof_since);
    if (c->call != NULL)
        return;
    c->proof_since = now;
    relays_check(c->means.relays, relay_wanted(c), &c->means.identity->settings,
                 identity_families(c->means.identity), c->means.proofs_changed, c->means.context);
    if (!relays_checking(c->means.relays)) { /* there is none */
        say_unproven(c);
        finish(c);
    }
}

struct change *change_start(const struct change_means *means, const struct change_wish *wish,
                            change_done *callback)
{
    struct change *c = memory_zero(1, sizeof *c);

    c->means = *means;
    c->wish = *wish;
    c->callback = callback;
    snprintf(c->text, sizeof c->text, "waiting for a relay to prove itself");
    c->next = deadline_timer(means->base, begin, c);
    deadline_soon(c->next);
    return c;
}

bool change_is_proving(const struct change *c)
{
    return c->call == NULL;
}

const char *change_text(const struct change *c)
{
    return c->text;
}

void change_stop(struct change *c)
{
    if (c != NULL)
        release(c);
}
