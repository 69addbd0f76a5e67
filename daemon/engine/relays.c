/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/engine/relays.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define CHECK_MS 10000

struct candidate {
    struct relays *relays;
    struct relay_state state;
    struct tls_trust *trust;
    struct relay_check *check;
};

struct relays {
    struct event_base *base;
    struct dns *dns;
    const struct config *config;
    gid_t group;
    struct candidate *candidates;
    size_t count;
    relays_changed *changed;
    void *context;
};

/* Relays that name the same CA file share its store. */
static struct tls_trust *trust_for(const struct relays *r, const struct relay *relay, char *why,
                                   size_t whylen)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->candidates[i].state.relay->ca_file, relay->ca_file) == 0)
            return tls_trust_hold(r->candidates[i].trust);
    return tls_trust_new(relay->ca_file, why, whylen);
}

static int add_relay(struct relays *r, const struct relay *relay, char *why, size_t whylen)
{
    for (size_t p = 0; p < relay->ports.count; p++) {
        struct candidate *c = &r->candidates[r->count];
        c->relays = r;
        c->state.relay = relay;
        c->state.route = route_relay(relay->name, relay->ports.port[p]);
        c->trust = trust_for(r, relay, why, whylen);
        if (c->trust == NULL)
            return -1;
        r->count++;
    }
    return 0;
}

struct relays *relays_new(struct event_base *base, struct dns *dns, const struct config *config,
                          gid_t group, char *why, size_t whylen)
{
    struct relays *r = memory_zero(1, sizeof *r);

    r->base = base;
    r->dns = dns;
    r->config = config;
    r->group = group;
    r->candidates = memory_zero(config->relay_count * PORTS_MAX, sizeof *r->candidates);
    for (size_t i = 0; i < config->relay_count; i++)
        if (add_relay(r, &config->relays[i], why, whylen) == -1) {
            relays_free(r);
            return NULL;
        }
    return r;
}

void relays_free(struct relays *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++) {
        relay_check_stop(r->candidates[i].check);
        tls_trust_free(r->candidates[i].trust);
    }
    free(r->candidates);
    free(r);
}

struct tls_trust *relays_system_trust(const struct relays *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->candidates[i].state.relay->ca_file, SYSTEM_CA_FILE) == 0)
            return r->candidates[i].trust;
    return NULL;
}

size_t relays_count(const struct relays *r)
{
    return r->count;
}

const struct relay_state *relays_at(const struct relays *r, size_t n)
{
    return n < r->count ? &r->candidates[n].state : NULL;
}

const struct relay_state *relays_find(const struct relays *r, const struct route *route)
{
    for (size_t i = 0; i < r->count; i++)
        if (route_equal(&r->candidates[i].state.route, route))
            return &r->candidates[i].state;
    return NULL;
}

/* One line when a relay's state changes, none while it stays. */
static void log_change(const struct relay_state *s, const struct relay_check_result *now)
{
    char route[ROUTE_TEXT];

    route_text(&s->route, route);
    if (s->checked != 0 && s->result.proof == now->proof)
        log_debug("relay %s: %s", route, relay_proof_name(now->proof));
    else if (now->proof == RELAY_PROVEN)
        log_notice("relay %s is proven: %s", route, now->detail);
    else
        log_warning("relay %s is not usable (%s): %s", route, relay_proof_name(now->proof),
                    now->detail);
}

static void check_ended(const struct relay_check_result *result, void *context)
{
    struct candidate *c = context;

    c->check = NULL;
    log_change(&c->state, result);
    c->state.checking = false;
    c->state.checked = clock_wall();
    c->state.result = *result;
    c->state.failures = result->proof == RELAY_PROVEN ? 0 : c->state.failures + 1;
    c->relays->changed(c->relays->context);
}

static void start_check(struct candidate *c, const struct probe_settings *settings,
                        unsigned families)
{
    const struct relays *r = c->relays;
    struct relay_check_plan plan = {
        .host = c->state.relay->host,
        .port = c->state.route.port,
        .implicit_tls = port_is_implicit_tls(c->state.route.port),
        .username = c->state.relay->username,
        .password_file = c->state.relay->password_file,
        .password_group = r->group,
        .trust = c->trust,
        .verify = r->config->postfix.tls_level != TLS_LEVEL_ENCRYPT,
        .families = families,
        .settings = *settings,
        .deadline_ms = clock_mono_ms() + CHECK_MS,
    };

    c->state.checking = true;
    c->check = relay_check_start(r->base, r->dns, &plan, check_ended, c);
}

static bool is_of(const struct candidate *c, const char *name)
{
    return name == NULL || strcmp(c->state.route.name, name) == 0;
}

void relays_check(struct relays *r, const char *name, const struct probe_settings *settings,
                  unsigned families, relays_changed *changed, void *context)
{
    r->changed = changed;
    r->context = context;
    for (size_t i = 0; i < r->count; i++)
        if (is_of(&r->candidates[i], name) && r->candidates[i].check == NULL)
            start_check(&r->candidates[i], settings, families);
}

bool relays_checking(const struct relays *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->candidates[i].check != NULL)
            return true;
    return false;
}

static enum candidate_state state_of(const struct candidate *c, const char *name,
                                     const struct route *except, int64_t since)
{
    if (!is_of(c, name) || (except != NULL && route_equal(&c->state.route, except)))
        return CANDIDATE_FAILED;
    if (c->check != NULL)
        return CANDIDATE_PENDING;
    return c->state.checked >= since && c->state.checked > 0 &&
                   c->state.result.proof == RELAY_PROVEN
               ? CANDIDATE_PROVEN
               : CANDIDATE_FAILED;
}

bool relays_choose(const struct relays *r, const char *name, const struct route *except,
                   int64_t since, struct route *out, bool *wait)
{
    enum candidate_state *states = memory_zero(r->count, sizeof *states);

    for (size_t i = 0; i < r->count; i++)
        states[i] = state_of(&r->candidates[i], name, except, since);
    size_t choice = choose_route(states, r->count);
    free(states);
    *wait = choice == CHOICE_WAIT;
    if (choice == CHOICE_WAIT || choice == CHOICE_NONE)
        return false;
    *out = r->candidates[choice].state.route;
    return true;
}
