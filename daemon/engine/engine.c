/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/engine/engine.h"

#include "daemon/act/change.h"
#include "daemon/act/inquiry.h"
#include "daemon/act/state_file.h"
#include "daemon/diagnosis/lookout.h"
#include "daemon/engine/equipment.h"
#include "daemon/engine/postfix_news.h"
#include "daemon/engine/rounds.h"
#include "daemon/probe/deadline.h"
#include "daemon/round/identity.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELAY_BEAT     3600 /* s between checks of the relays while direct */
#define STATUS_BEAT    60   /* s between questions about Postfix at the most */
#define STATUS_FRESH   2 /* s: what was said of Postfix longer ago is asked again before a change */
#define RETRY_FIRST    60 /* s after a change that failed; doubled with each failure */
#define RETRY_LAST     600
#define RELAY_GIVEN_UP 2    /* checks in a row that the relay in use may fail */
#define FIRST_ROUND_MS 5000 /* so long the first round waits for Postfix's source address */
#define REASON_MAX     512

struct order {
    bool given;            /* the change under way is an operator's, and holds when it is done, */
    bool release;          /* or only accepts what somebody else has edited, */
    bool applied;          /* or has configuration management's work looked at */
    engine_answer *answer; /* NULL when nobody waits any more */
    void *context;
};

struct engine {
    struct event_base *base;
    gid_t group;
    struct dns *dns;
    struct equipment *equipment; /* all that depends on the configuration, and of it: */
    const struct config *config;
    struct relays *relays;
    struct lookout *lookout;
    struct identity identity;
    struct rounds *rounds;
    struct verdicts_logged logged;

    struct state state; /* route, health, hold: what is written down */
    bool route_known;
    char state_problem[REASON_MAX];

    struct event *status_timer;
    struct inquiry *inquiry;
    bool was_answered;
    struct change *change; /* under way, or NULL */
    unsigned long
        applying;       /* what it is about, where configuration management's work is looked at */
    struct order order; /* of an operator who waits for the change */
    char change_failed[REASON_MAX], change_slow[REASON_MAX];
    int64_t retry_at, retry_after;
    struct postfix_news news;
    int64_t relays_due;
};

static void decide(struct engine *e);

/* What configuration management is to apply, and has not yet. */
static bool waits_for(const struct engine *e, struct inquiry_fragment *fragment)
{
    return e->config->mode == MODE_FRAGMENT &&
           inquiry_fragment(inquiry_members(e->inquiry), fragment) && !fragment->applied;
}

/* The route in force, or the one that it is about to be. */
static struct route heading(const struct engine *e)
{
    struct inquiry_fragment fragment;

    return waits_for(e, &fragment) ? fragment.route : e->state.route;
}

static bool on_relay(const struct engine *e)
{
    struct route route = heading(e);

    return !route_is_direct(&route);
}

static struct health_settings health_settings(const struct engine *e)
{
    const struct probe_config *p = &e->config->probe;

    return (struct health_settings){ .fall = p->fall,
                                     .rise = p->rise,
                                     .stay = p->stay,
                                     .interval = p->interval,
                                     .fastinter = p->fastinter,
                                     .switch_limit = e->config->switch_limit };
}

/* State */

static void save(struct engine *e)
{
    char why[REASON_MAX] = "";

    if (state_save(e->config->state_directory, &e->state, why, sizeof why) == -1 &&
        strcmp(why, e->state_problem) != 0)
        log_error("state is not kept: %s", why);
    snprintf(e->state_problem, sizeof e->state_problem, "%s", why);
}

static void route_changed(struct engine *e, const struct route *route)
{
    char old[ROUTE_TEXT], new[ROUTE_TEXT];

    route_text(&e->state.route, old);
    route_text(route, new);
    log_notice("route is %s now, it was %s", new, old);
    e->state.route = *route;
    e->state.health.good = e->state.health.bad = 0;
    health_switched(&e->state.health, clock_wall());
    e->relays_due = clock_wall() + e->config->probe.interval;
    save(e);
}

/* Notes which route is in force, as detour-apply says. */
static void note_route(struct engine *e, const struct route *route)
{
    char name[ROUTE_TEXT];

    if (!route_equal(&e->state.route, route)) {
        route_changed(e, route);
    } else if (!e->route_known) {
        route_text(route, name);
        log_info("route in force: %s", name);
        if (e->state.health.since == 0) {
            e->state.health.since = clock_wall();
            save(e);
        }
    }
    e->route_known = true;
}

/* What is true of Postfix */

static void take_identity(struct engine *e)
{
    struct postfix_identity postfix;

    inquiry_identity(e->inquiry, &postfix);
    identity_make(&e->config->probe, &postfix, &e->identity);
    lookout_identity(e->lookout, &e->identity);
}

static void ask_postfix(struct engine *e)
{
    if (e->change == NULL || change_is_proving(e->change))
        inquiry_ask(e->inquiry, e->config->apply.socket);
}

static bool has_drift(const struct engine *e)
{
    return postfix_has_drift(inquiry_members(e->inquiry));
}

static void postfix_answered(void *context)
{
    struct engine *e = context;
    struct route route;

    take_identity(e);
    postfix_news_log(&e->news, inquiry_members(e->inquiry));
    if (inquiry_route(inquiry_members(e->inquiry), &route))
        note_route(e, &route);
    if (!e->was_answered && rounds_last(e->rounds) == NULL)
        rounds_now(e->rounds);
    e->was_answered = true;
    if (inquiry_wants_all(e->inquiry) && *inquiry_problem(e->inquiry) == '\0')
        ask_postfix(e);
    decide(e);
}

static void status_due(evutil_socket_t fd, short events, void *context)
{
    struct engine *e = context;

    (void)fd;
    (void)events;
    ask_postfix(e);
    deadline_arm(e->status_timer, clock_mono_ms() + STATUS_BEAT * 1000);
}

/* Changes */

static void forget_retry(struct engine *e)
{
    e->retry_at = 0;
    e->retry_after = RETRY_FIRST;
}

static void note_failure(struct engine *e, const char *line)
{
    if (strcmp(line, e->change_failed) != 0)
        log_warning("%s", line);
    snprintf(e->change_failed, sizeof e->change_failed, "%s", line);
    e->retry_at = clock_wall() + e->retry_after;
    e->retry_after = e->retry_after * 2 < RETRY_LAST ? e->retry_after * 2 : RETRY_LAST;
}

static void note_slowness(struct engine *e, const char *slow)
{
    if (*slow != '\0')
        log_warning("mail that hung in the block leaves late: %s", slow);
    snprintf(e->change_slow, sizeof e->change_slow, "%s", slow);
}

static void answer_order(struct engine *e, bool ok, const char *line)
{
    struct order order = e->order;

    e->order = (struct order){ 0 };
    if (order.answer != NULL)
        order.answer(ok, line, order.context);
}

static void set_hold(struct engine *e, bool hold)
{
    if (e->state.health.hold == hold)
        return;
    e->state.health.hold = hold;
    log_notice(hold ? "an operator says hold" : "an operator releases the hold");
    save(e);
}

/* It is not in force, but it counts for the limit; and from now on the rounds count for the way
 * back. */
static void note_handed_over(struct engine *e)
{
    int64_t since = e->state.health.since;

    e->state.health.good = e->state.health.bad = 0;
    health_switched(&e->state.health, clock_wall());
    e->state.health.since = since;
    save(e);
}

static void change_ended(const struct change_result *result, void *context)
{
    struct engine *e = context;
    bool holds = e->order.given && !e->order.release && !e->order.applied;

    e->change = NULL;
    e->applying = 0;
    if (result->known)
        note_route(e, &result->route);
    if (result->ok) {
        if (holds)
            set_hold(e, true);
        if (result->handed_over) {
            log_notice("%s", result->line);
            note_handed_over(e);
        }
        e->change_failed[0] = '\0';
        note_slowness(e, result->slow);
        forget_retry(e);
    } else if (!e->order.applied) {
        note_failure(e, result->line);
    }
    answer_order(e, result->ok, result->line);
    inquiry_want_all(e->inquiry);
    ask_postfix(e);
}

static void proofs_changed(void *context)
{
    struct engine *e = context;

    if (e->change != NULL)
        change_proofs_changed(e->change);
    else
        decide(e);
}

static void start_change(struct engine *e, struct change_wish wish)
{
    struct change_means means = { .base = e->base,
                                  .relays = e->relays,
                                  .socket = e->config->apply.socket,
                                  .identity = &e->identity,
                                  .proofs_changed = proofs_changed,
                                  .context = e };

    inquiry_stop(e->inquiry); /* its answer might be older than the change */
    wish.in_use = heading(e);
    e->applying = wish.applied;
    e->change = change_start(&means, &wish, change_ended);
}

/* Decisions */

/* Whether the relay in use has failed its last checks; then the next one that works takes over. */
static bool relay_is_lost(const struct engine *e)
{
    struct route route = heading(e);
    const struct relay_state *s = relays_find(e->relays, &route);

    return on_relay(e) && (s == NULL || (!s->checking && s->failures >= RELAY_GIVEN_UP &&
                                         s->result.proof != RELAY_AUTH_TEMPORARY));
}

static bool another_relay_works(const struct engine *e)
{
    int64_t since = clock_wall() - RELAY_BEAT;
    struct route route, except = heading(e);
    bool wait;

    return relays_choose(e->relays, NULL, &except, since, &route, &wait);
}

static bool may_change(const struct engine *e)
{
    return e->config->mode != MODE_OBSERVE && e->route_known && e->change == NULL &&
           *inquiry_problem(e->inquiry) == '\0' && clock_wall() >= e->retry_at && !has_drift(e);
}

/* detour-apply was cut off in the middle: asking for the route in force again finishes it. */
static bool is_unfinished(const struct engine *e)
{
    return json_is_true(json_object_get(inquiry_members(e->inquiry), "unfinished"));
}

/* Configuration management has done its part, and nobody has said so: then what follows a switch is
 * still to be done. */
static unsigned long unconfirmed(const struct engine *e)
{
    struct inquiry_fragment fragment;

    return e->config->mode == MODE_FRAGMENT &&
                   inquiry_fragment(inquiry_members(e->inquiry), &fragment) && fragment.applied &&
                   !fragment.confirmed
               ? fragment.generation
               : 0;
}

/* False: no change is called for. */
static bool find_wish(const struct engine *e, struct change_wish *wish)
{
    struct health_settings settings = health_settings(e);
    struct health_advice advice =
        health_advise(&e->state.health, &settings, on_relay(e), clock_wall());

    *wish = (struct change_wish){ .as_it_is = is_unfinished(e), .applied = unconfirmed(e) };
    if (wish->as_it_is || wish->applied != 0)
        return true;
    if (advice.bar != HEALTH_FREE)
        return false;
    if (advice.wish != HEALTH_KEEP) {
        wish->direct = advice.wish == HEALTH_RETURN;
        return true;
    }
    wish->leave = relay_is_lost(e) && !e->state.health.hold && another_relay_works(e);
    return wish->leave;
}

/* Somebody may have edited main.cf since it was last asked about: so it is asked again first, and
 * its answer brings us back here. */
static void decide(struct engine *e)
{
    struct change_wish wish;

    if (!may_change(e) || !find_wish(e, &wish))
        return;
    if (clock_wall() - inquiry_at(e->inquiry) > STATUS_FRESH)
        ask_postfix(e);
    else
        start_change(e, wish);
}

/* Rounds */

static bool wants_all(void *context)
{
    return on_relay(context);
}

static void suspected(enum family family, const struct round_result *so_far, void *context)
{
    struct engine *e = context;

    lookout_suspected(e->lookout, family, so_far);
}

static void take_verdict(struct engine *e, const struct round_result *result)
{
    enum verdict_kind kinds[FAMILIES];
    struct health_settings settings = health_settings(e);

    for (int f = 0; f < FAMILIES; f++)
        kinds[f] = result->family[f].verdict.kind;
    health_round(&e->state.health, health_sign(kinds, e->identity.families));
    /* On the first suspicion the relays are asked to prove themselves, so that they have by then.
     */
    if (!on_relay(e) && health_suspects(&e->state.health, &settings, false))
        e->relays_due = 0;
}

static void check_relays_if_due(struct engine *e)
{
    int64_t now = clock_wall();

    if (now < e->relays_due && e->relays_due - now <= RELAY_BEAT)
        return;
    relays_check(e->relays, NULL, &e->identity.settings, identity_families(&e->identity),
                 proofs_changed, e);
    e->relays_due = now + (on_relay(e) ? e->config->probe.interval : RELAY_BEAT);
}

static void schedule(struct engine *e)
{
    struct health_settings settings = health_settings(e);
    bool soon = health_suspects(&e->state.health, &settings, on_relay(e)) ||
                rounds_alarmed(e->rounds) || rounds_unsettled(e->rounds);

    rounds_next(e->rounds, (soon ? settings.fastinter : settings.interval) * 1000);
}

static void round_ended(const struct round_result *result, void *context)
{
    struct engine *e = context;

    if (!rounds_alarmed(e->rounds))
        take_verdict(e, result);
    else if (!on_relay(e))
        e->relays_due = 0;
    lookout_round(e->lookout, result);
    check_relays_if_due(e);
    schedule(e);
    decide(e);
    ask_postfix(e);
}

/* Orders */

static bool cannot_change(struct engine *e, engine_answer *answer, void *context)
{
    const char *why = NULL;

    if (e->config->mode == MODE_OBSERVE)
        why = "mode is observe: nothing is changed; set mode = switch";
    else if (e->change != NULL)
        why = "busy: another change is under way";
    else if (*inquiry_problem(e->inquiry) != '\0')
        why = inquiry_problem(e->inquiry);
    if (why != NULL)
        answer(false, why, context);
    return why != NULL;
}

void engine_take_route(struct engine *e, const char *name, engine_answer *answer, void *context)
{
    struct change_wish wish = { .direct = strcmp(name, "direct") == 0 };

    if (cannot_change(e, answer, context))
        return;
    if (!wish.direct && config_relay(e->config, name) == NULL) {
        answer(false, "no relay of that name is configured; `relays` lists them", context);
        return;
    }
    if (!wish.direct)
        snprintf(wish.relay, sizeof wish.relay, "%s", name);
    e->order = (struct order){ .given = true, .answer = answer, .context = context };
    start_change(e, wish);
}

void engine_hold(struct engine *e, engine_answer *answer, void *context)
{
    char line[ROUTE_TEXT + 64], name[ROUTE_TEXT];

    set_hold(e, true);
    route_text(&e->state.route, name);
    snprintf(line, sizeof line, "held: the route stays %s until release", name);
    answer(true, line, context);
}

/* detour-apply is asked whatever was last heard of drift: main.cf may just have been edited. */
void engine_release(struct engine *e, engine_answer *answer, void *context)
{
    set_hold(e, false);
    forget_retry(e);
    if (e->change == NULL && (has_drift(e) || *inquiry_problem(e->inquiry) == '\0')) {
        e->order =
            (struct order){ .given = true, .release = true, .answer = answer, .context = context };
        start_change(e, (struct change_wish){ .release = true });
        return;
    }
    answer(true, "released: detourd decides again", context);
    decide(e);
}

void engine_applied(struct engine *e, unsigned long generation, engine_answer *answer,
                    void *context)
{
    if (e->config->mode != MODE_FRAGMENT) {
        answer(false, "mode is not fragment: nothing waits to be applied", context);
        return;
    }
    bool asked_already = e->applying == generation && e->order.answer == NULL;
    if (!asked_already && cannot_change(e, answer, context))
        return;
    e->order =
        (struct order){ .given = true, .applied = true, .answer = answer, .context = context };
    if (!asked_already)
        start_change(e, (struct change_wish){ .applied = generation });
}

void engine_forget(struct engine *e, void *context)
{
    if (e->order.context == context)
        e->order.answer = NULL;
}

/* Life */

static struct rounds *new_rounds(struct engine *e)
{
    struct rounds_means means = { .base = e->base,
                                  .dns = e->dns,
                                  .config = e->config,
                                  .identity = &e->identity,
                                  .controls = &e->equipment->controls,
                                  .knowledge = &e->equipment->knowledge,
                                  .logged = &e->logged };
    struct rounds_events events = {
        .wants_all = wants_all, .suspected = suspected, .ended = round_ended, .context = e
    };

    return rounds_new(&means, &events);
}

static void take_equipment(struct engine *e, struct equipment *equipment)
{
    e->equipment = equipment;
    e->config = equipment->config;
    e->relays = equipment->relays;
    e->lookout = equipment->lookout;
    e->rounds = new_rounds(e);
    forget_retry(e);
    take_identity(e);
    deadline_soon(e->status_timer);
}

static void drop_equipment(struct engine *e)
{
    rounds_free(e->rounds);
    equipment_free(e->equipment);
}

static void load_state(struct engine *e)
{
    char why[REASON_MAX];

    if (state_load(e->config->state_directory, &e->state, why, sizeof why) == -1)
        log_warning("%s", why);
    if (e->state.health.hold)
        log_notice("an operator's hold is still in force");
}

struct engine *engine_new(struct event_base *base, struct config *config, gid_t group, char *why,
                          size_t whylen)
{
    struct dns *dns = dns_new(base);
    struct equipment *equipment = equipment_new(base, dns, config, group, why, whylen);

    if (equipment == NULL) {
        dns_free(dns);
        return NULL;
    }
    struct engine *e = memory_zero(1, sizeof *e);
    e->base = base;
    e->group = group;
    e->dns = dns;
    e->inquiry = inquiry_new(base, postfix_answered, e);
    e->status_timer = deadline_timer(base, status_due, e);
    take_equipment(e, equipment);
    load_state(e);
    rounds_next(e->rounds, FIRST_ROUND_MS);
    return e;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    change_stop(e->change);
    inquiry_free(e->inquiry);
    drop_equipment(e);
    dns_free(e->dns);
    event_free(e->status_timer);
    free(e);
}

int engine_reload(struct engine *e, struct config *config, char *why, size_t whylen)
{
    struct equipment *equipment = equipment_new(e->base, e->dns, config, e->group, why, whylen);

    if (equipment == NULL)
        return -1;
    /* A change refers to what goes now; what detour-apply has begun it finishes without us. */
    change_stop(e->change);
    e->change = NULL;
    e->applying = 0;
    answer_order(e, false, "the configuration was reloaded meanwhile; look at status");
    inquiry_stop(e->inquiry);
    inquiry_want_all(e->inquiry);
    drop_equipment(e);
    take_equipment(e, equipment);
    e->relays_due = 0;
    rounds_now(e->rounds);
    return 0;
}

struct engine_view engine_view(const struct engine *e)
{
    struct health_settings settings = health_settings(e);

    return (struct engine_view){
        .config = e->config,
        .relays = e->relays,
        .round = rounds_last(e->rounds),
        .seen = lookout_seen(e->lookout),
        .health = &e->state.health,
        .settings = settings,
        .advice = health_advise(&e->state.health, &settings, on_relay(e), clock_wall()),
        .families = { e->identity.families[FAMILY_IPV4], e->identity.families[FAMILY_IPV6] },
        .route = e->state.route,
        .route_known = e->route_known,
        .facts = inquiry_members(e->inquiry),
        .facts_at = inquiry_at(e->inquiry),
        .apply_problem = inquiry_problem(e->inquiry),
        .change = e->change != NULL ? change_text(e->change) : "",
        .change_failed = e->change_failed,
        .change_slow = e->change_slow,
        .retry_at = e->retry_at,
        .state_problem = e->state_problem,
        .next_round = rounds_due(e->rounds),
        .now = clock_wall(),
    };
}

bool engine_next_route(const struct engine *e, struct route *out)
{
    bool wait;

    *out = route_direct();
    if (on_relay(e))
        return true;
    if (relays_choose(e->relays, NULL, NULL, 1, out, &wait))
        return true;
    if (relays_count(e->relays) == 0)
        return false;
    *out = relays_at(e->relays, 0)->route;
    return true;
}
