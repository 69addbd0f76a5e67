/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/engine.h"

#include "daemon/act/apply_client.h"
#include "daemon/act/state_file.h"
#include "daemon/control_hosts.h"
#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_ROUNDS 8
#define PROOF_FRESH    30   /* s: a proof that is younger counts as just now */
#define RELAY_BEAT     3600 /* s between checks of the relays while direct */
#define STATUS_BEAT    60   /* s between questions about Postfix at the most */
#define RETRY_FIRST    60   /* s after a change that failed; doubled with each failure */
#define RETRY_LAST     600
#define FIRST_ROUND_MS 5000 /* so long the first round waits for Postfix's source address */
#define RELAY_GIVEN_UP 2    /* checks in a row that the relay in use may fail */
#define REASON_MAX     512

enum stage {
    STAGE_NONE,
    STAGE_PROVING,  /* waiting for a relay to prove itself */
    STAGE_APPLYING, /* waiting for detour-apply */
};

struct change {
    enum stage stage;
    bool direct;               /* to direct, or to a relay */
    char relay[TOKEN_MAX + 1]; /* that relay alone; empty for any */
    bool leave;                /* away from the relay in use */
    int64_t proof_since;
    struct route route;         /* what detour-apply was asked for */
    char text[ROUTE_TEXT + 32]; /* for status */
    engine_answer *answer;      /* of the operator who ordered it, or NULL */
    void *context;
};

struct engine {
    struct event_base *base;
    struct config *config;
    struct catalogue *catalogue;
    gid_t group;
    struct dns *dns;
    struct relays *relays;
    struct control_hosts controls;

    struct event *round_timer, *status_timer;
    struct round *round;
    struct round_result *last_round;
    struct target_history *history[FAMILIES];
    int64_t next_round;
    enum verdict_kind logged[FAMILIES];
    bool has_logged[FAMILIES];

    struct state state; /* route, health, hold: what is written down */
    bool route_known;
    char state_problem[REASON_MAX];

    struct probe_settings settings;
    bool families[FAMILIES];
    struct apply_call *question, *request;
    bool facts_wanted; /* not status alone */
    json_t *facts;
    int64_t facts_at;
    char apply_problem[REASON_MAX];

    struct change change;
    char change_failed[REASON_MAX];
    int64_t retry_at, retry_after;
    int64_t relays_due;
};

static void decide(struct engine *e);
static void ask_postfix(struct engine *e);

/* State */

static void save(struct engine *e)
{
    char why[REASON_MAX] = "";

    if (state_save(e->config->state_directory, &e->state, why, sizeof why) == -1 &&
        strcmp(why, e->state_problem) != 0)
        log_error("state is not kept: %s", why);
    snprintf(e->state_problem, sizeof e->state_problem, "%s", why);
}

static bool on_relay(const struct engine *e)
{
    return !route_is_direct(&e->state.route);
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

/* Notes what detour-apply says is in force. */
static void note_route(struct engine *e, const struct route *route, const char *by)
{
    char old[ROUTE_TEXT], new[ROUTE_TEXT];

    if (e->route_known && route_equal(&e->state.route, route))
        return;
    route_text(&e->state.route, old);
    route_text(route, new);
    if (!route_equal(&e->state.route, route)) {
        log_notice("route is %s now, it was %s (%s)", new, old, by);
        e->state.route = *route;
        e->state.health.good = e->state.health.bad = 0;
        health_switched(&e->state.health, clock_wall());
        e->relays_due = clock_wall() + e->config->probe.interval;
        save(e);
    } else {
        log_info("route in force: %s", new);
        if (e->state.health.since == 0) {
            e->state.health.since = clock_wall();
            save(e);
        }
    }
    e->route_known = true;
}

/* Questions to detour-apply */

static bool take_route(const json_t *members, struct route *out)
{
    const json_t *o = json_object_get(members, "route");
    const char *name = json_string_value(json_object_get(o, "name"));
    json_int_t port = json_integer_value(json_object_get(o, "port"));

    if (name == NULL || !token_valid(name) || port < 0 || port > 65535)
        return false;
    *out = strcmp(name, "direct") == 0 ? route_direct() : route_relay(name, (uint16_t)port);
    return true;
}

static void take_source(struct engine *e, enum family family, const char *configured,
                        const json_t *facts, const char *member)
{
    const char *text =
        configured != NULL ? configured : json_string_value(json_object_get(facts, member));
    struct address address;

    e->settings.has_source[family] =
        text != NULL && address_parse(text, 0, &address) && address_family(&address) == family;
    if (e->settings.has_source[family])
        e->settings.source[family] = address;
}

static void take_families(struct engine *e, const json_t *list)
{
    size_t i;
    json_t *name;

    if (json_array_size(list) == 0)
        return;
    e->families[FAMILY_IPV4] = e->families[FAMILY_IPV6] = false;
    json_array_foreach(list, i, name) for (int f = 0; f < FAMILIES; f++) e->families[f] |=
        strcmp(json_string_value(name) != NULL ? json_string_value(name) : "",
               family_name((enum family)f)) == 0;
}

/* FACTS may be NULL: then this host's own name and both families. */
static void take_identity(struct engine *e, const json_t *facts)
{
    const struct probe_config *probe = &e->config->probe;
    const char *helo = probe->helo_name;
    char own[HOST_MAX + 1] = "";

    gethostname(own, sizeof own - 1);
    if (helo == NULL)
        helo = json_string_value(json_object_get(facts, "smtp_helo_name"));
    if (helo == NULL || !hostname_valid(helo))
        helo = hostname_valid(own) ? own : "localhost";
    snprintf(e->settings.helo_name, sizeof e->settings.helo_name, "%s", helo);
    take_source(e, FAMILY_IPV4, probe->source_address, facts, "smtp_bind_address");
    take_source(e, FAMILY_IPV6, probe->source_address6, facts, "smtp_bind_address6");
    take_families(e, json_object_get(facts, "inet_protocols"));
}

static void note_apply_problem(struct engine *e, const char *reason)
{
    if (strcmp(reason, e->apply_problem) == 0)
        return;
    if (*reason != '\0')
        log_warning("%s", reason);
    else
        log_notice("detour-apply answers again");
    snprintf(e->apply_problem, sizeof e->apply_problem, "%s", reason);
}

static void take_facts(struct engine *e, const json_t *members)
{
    struct route route;

    if (e->facts == NULL || e->facts_wanted)
        take_identity(e, members);
    if (e->facts == NULL)
        e->facts = json_object();
    json_object_update(e->facts, (json_t *)members);
    e->facts_wanted = false;
    e->facts_at = clock_wall();
    if (take_route(members, &route))
        note_route(e, &route, "found so");
}

static void question_answered(const struct apply_result *result, void *context)
{
    struct engine *e = context;
    bool first = e->facts == NULL;

    e->question = NULL;
    note_apply_problem(e, result->end == APPLY_OK ? "" : result->reason);
    if (result->end == APPLY_OK)
        take_facts(e, result->last);
    if (first && e->next_round == 0 && e->round == NULL)
        deadline_soon(e->round_timer); /* the first round has waited for the source address */
    deadline_arm(e->status_timer, clock_mono_ms() + STATUS_BEAT * 1000);
    decide(e);
}

static void ask_postfix(struct engine *e)
{
    struct request request = { .verb = e->facts_wanted ? VERB_FACTS : VERB_STATUS };

    if (e->question == NULL && e->request == NULL)
        e->question = apply_start(e->base, e->config->apply.socket, &request, question_answered, e);
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

static void end_change(struct engine *e, bool ok, const char *line)
{
    engine_answer *answer = e->change.answer;
    void *context = e->change.context;

    e->change.stage = STAGE_NONE;
    e->change.answer = NULL;
    if (ok) {
        e->change_failed[0] = '\0';
        forget_retry(e);
    } else {
        if (strcmp(line, e->change_failed) != 0)
            log_warning("%s", line);
        snprintf(e->change_failed, sizeof e->change_failed, "%s", line);
        e->retry_at = clock_wall() + e->retry_after;
        e->retry_after = e->retry_after * 2 < RETRY_LAST ? e->retry_after * 2 : RETRY_LAST;
    }
    if (answer != NULL)
        answer(ok, line, context);
}

static void request_ended(const struct apply_result *result, void *context)
{
    struct engine *e = context;
    char line[REASON_MAX], name[ROUTE_TEXT];
    struct route route;

    e->request = NULL;
    route_text(&e->change.route, name);
    if (result->end == APPLY_OK) {
        if (take_route(result->last, &route))
            note_route(e, &route, "detour-apply did it");
        snprintf(line, sizeof line, "route is %s", name);
    } else {
        snprintf(line, sizeof line, "route %s: %s", name, result->reason);
    }
    end_change(e, result->end == APPLY_OK, line);
    e->facts_wanted = true;
    ask_postfix(e);
}

static void send_request(struct engine *e, const struct route *route)
{
    struct request request = { .verb = route_is_direct(route) ? VERB_DIRECT : VERB_RELAY,
                               .route = *route };
    char name[ROUTE_TEXT];

    apply_stop(e->question);
    e->question = NULL;
    e->change.stage = STAGE_APPLYING;
    e->change.route = *route;
    route_text(route, name);
    snprintf(e->change.text, sizeof e->change.text, "switching to %s", name);
    log_notice("%s", e->change.text);
    e->request = apply_start(e->base, e->config->apply.socket, &request, request_ended, e);
}

static void say_unproven(const struct engine *e, char *line, size_t size)
{
    size_t used = (size_t)snprintf(line, size, "no relay has proved itself");

    for (size_t i = 0; i < relays_count(e->relays) && used < size; i++) {
        const struct relay_state *s = relays_at(e->relays, i);
        char name[ROUTE_TEXT];
        if (e->change.relay[0] != '\0' && strcmp(s->route.name, e->change.relay) != 0)
            continue;
        route_text(&s->route, name);
        used += (size_t)snprintf(line + used, size - used, "; %s: %s", name,
                                 s->result.proof == RELAY_PROVEN ? "in use and failing"
                                                                 : s->result.detail);
    }
}

static void proofs_changed(void *context)
{
    struct engine *e = context;
    struct route route;
    char line[REASON_MAX];
    bool wait;

    if (e->change.stage != STAGE_PROVING) {
        decide(e);
        return;
    }
    if (relays_choose(e->relays, e->change.relay[0] != '\0' ? e->change.relay : NULL,
                      e->change.leave ? &e->state.route : NULL, e->change.proof_since, &route,
                      &wait)) {
        send_request(e, &route);
    } else if (!wait) {
        say_unproven(e, line, sizeof line);
        end_change(e, false, line);
    }
}

static unsigned families_wanted(const struct engine *e)
{
    return (e->families[FAMILY_IPV4] ? DNS_IPV4 : 0) | (e->families[FAMILY_IPV6] ? DNS_IPV6 : 0);
}

static void check_relays(struct engine *e, const char *name)
{
    relays_check(e->relays, name, &e->settings, families_wanted(e), proofs_changed, e);
}

/* Begins a change to a relay; what is proven and fresh is taken at once. */
static void prove(struct engine *e)
{
    int64_t now = clock_wall();
    struct route route;
    bool wait;
    const char *name = e->change.relay[0] != '\0' ? e->change.relay : NULL;

    e->change.stage = STAGE_PROVING;
    e->change.proof_since = now - PROOF_FRESH;
    snprintf(e->change.text, sizeof e->change.text, "waiting for a relay to prove itself");
    if (relays_choose(e->relays, name, e->change.leave ? &e->state.route : NULL,
                      e->change.proof_since, &route, &wait)) {
        send_request(e, &route);
        return;
    }
    e->change.proof_since = now;
    check_relays(e, name);
}

static void begin_change(struct engine *e, const struct change *change)
{
    struct route direct = route_direct();

    e->change = *change;
    if (change->direct)
        send_request(e, &direct);
    else
        prove(e);
}

/* Decisions */

/* Whether the relay in use has failed its last checks; then the next one that works takes over. */
static bool relay_is_lost(const struct engine *e)
{
    const struct relay_state *s = relays_find(e->relays, &e->state.route);

    return on_relay(e) && (s == NULL || (!s->checking && s->failures >= RELAY_GIVEN_UP &&
                                         s->result.proof != RELAY_AUTH_TEMPORARY));
}

static bool another_relay_works(const struct engine *e)
{
    struct route route;
    bool wait;

    return relays_choose(e->relays, NULL, &e->state.route, clock_wall() - RELAY_BEAT, &route,
                         &wait);
}

static bool has_drift(const struct engine *e)
{
    return json_array_size(json_object_get(e->facts, "drift")) > 0;
}

/* detour-apply was cut off in the middle: asking for the route in force again finishes it. */
static bool is_unfinished(const struct engine *e)
{
    return json_is_true(json_object_get(e->facts, "unfinished"));
}

static bool may_change(const struct engine *e)
{
    return e->config->mode == MODE_SWITCH && e->route_known && e->apply_problem[0] == '\0' &&
           e->change.stage == STAGE_NONE && !has_drift(e) && clock_wall() >= e->retry_at;
}

static void decide(struct engine *e)
{
    struct health_settings settings = health_settings(e);
    struct health_advice advice =
        health_advise(&e->state.health, &settings, on_relay(e), clock_wall());

    if (!may_change(e))
        return;
    if (is_unfinished(e)) {
        e->change = (struct change){ .direct = !on_relay(e) };
        json_object_del(e->facts, "unfinished");
        send_request(e, &e->state.route);
    } else if (advice.bar != HEALTH_FREE) {
        return;
    } else if (advice.wish == HEALTH_LEAVE) {
        begin_change(e, &(struct change){ .direct = false });
    } else if (advice.wish == HEALTH_RETURN) {
        begin_change(e, &(struct change){ .direct = true });
    } else if (relay_is_lost(e) && !e->state.health.hold && another_relay_works(e)) {
        begin_change(e, &(struct change){ .leave = true });
    }
}

/* Rounds */

static void log_verdict(struct engine *e, enum family family, const struct verdict *v)
{
    if (e->has_logged[family] && e->logged[family] == v->kind)
        return;
    int priority = v->kind == VERDICT_OPEN ? LOG_NOTICE : LOG_WARNING;
    /* A host without IPv6 is no news. */
    if (family == FAMILY_IPV6 && v->kind == VERDICT_OFFLINE && !e->has_logged[family])
        priority = LOG_INFO;
    log_at(priority, "port 25 over %s: %s (%zu of %zu operators connect, confidence %.6f)",
           family_name(family), verdict_name(v->kind), v->connected, v->operators, v->confidence);
    e->logged[family] = v->kind;
    e->has_logged[family] = true;
}

static void remember(struct engine *e, const struct round_result *result)
{
    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; result->family[f].probed && i < result->target_count; i++) {
            enum outcome outcome = result->family[f].targets[i].outcome;
            struct target_history *h = &e->history[f][i];
            if (outcome == OUTCOME_DNS_FAILED)
                continue;
            h->bits = (h->bits << 1 | (outcome == OUTCOME_OPEN)) & ((1u << HISTORY_ROUNDS) - 1);
            h->rounds += h->rounds < HISTORY_ROUNDS - 1;
        }
}

/* From -SPAN to SPAN. */
static int64_t jitter(int64_t span)
{
    uint32_t random;

    evutil_secure_rng_get_bytes(&random, sizeof random);
    return (int64_t)(random % (uint32_t)(2 * span + 1)) - span;
}

static void schedule(struct engine *e)
{
    struct health_settings settings = health_settings(e);
    int64_t pause = settings.interval * 1000;

    if (health_suspects(&e->state.health, &settings, on_relay(e)))
        pause = settings.fastinter * 1000;
    /* Jitter of a tenth: hosts that were started together must not knock together. */
    pause += jitter(pause / 10);
    e->next_round = clock_wall() + (pause + 500) / 1000;
    deadline_arm(e->round_timer, clock_mono_ms() + pause);
}

static void take_verdict(struct engine *e, const struct round_result *result)
{
    enum verdict_kind kinds[FAMILIES];
    struct health_settings settings = health_settings(e);

    for (int f = 0; f < FAMILIES; f++) {
        kinds[f] = result->family[f].verdict.kind;
        if (result->family[f].probed)
            log_verdict(e, (enum family)f, &result->family[f].verdict);
    }
    health_round(&e->state.health, health_sign(kinds, e->families));
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
    check_relays(e, NULL);
    e->relays_due = now + (on_relay(e) ? e->config->probe.interval : RELAY_BEAT);
}

static void round_ended(struct round_result *result, void *context)
{
    struct engine *e = context;

    e->round = NULL;
    round_result_free(e->last_round);
    e->last_round = result;
    remember(e, result);
    take_verdict(e, result);
    check_relays_if_due(e);
    schedule(e);
    decide(e);
    ask_postfix(e);
}

static void round_due(evutil_socket_t fd, short events, void *context)
{
    struct engine *e = context;
    struct round_plan plan = {
        .targets = e->config->probe.targets,
        .target_count = e->config->probe.target_count,
        .quorum = (size_t)e->config->probe.quorum,
        .families = { e->families[FAMILY_IPV4], e->families[FAMILY_IPV6] },
        .timeout_ms = e->config->probe.timeout * INT64_C(1000),
        .settings = e->settings,
        .control_hosts = e->controls.hosts,
        .control_host_count = e->controls.count,
        .history = { e->history[FAMILY_IPV4], e->history[FAMILY_IPV6] },
    };

    (void)fd;
    (void)events;
    if (e->round != NULL)
        return;
    e->next_round = 0;
    e->round = round_start(e->base, e->dns, &plan, round_ended, e);
}

/* Orders */

static bool cannot_change(struct engine *e, engine_answer *answer, void *context)
{
    const char *why = NULL;

    if (e->config->mode != MODE_SWITCH)
        why = "mode is observe: nothing is changed; set mode = switch";
    else if (e->change.stage != STAGE_NONE)
        why = "busy: another change is under way";
    else if (e->apply_problem[0] != '\0')
        why = e->apply_problem;
    if (why != NULL)
        answer(false, why, context);
    return why != NULL;
}

static void set_hold(struct engine *e, bool hold)
{
    if (e->state.health.hold == hold)
        return;
    e->state.health.hold = hold;
    log_notice(hold ? "an operator says hold" : "an operator releases the hold");
    save(e);
}

void engine_take_route(struct engine *e, const char *name, engine_answer *answer, void *context)
{
    struct change change = { .answer = answer, .context = context };

    if (cannot_change(e, answer, context))
        return;
    change.direct = strcmp(name, "direct") == 0;
    if (!change.direct && config_relay(e->config, name) == NULL) {
        answer(false, "no relay of that name is configured; `relays` lists them", context);
        return;
    }
    if (!change.direct)
        snprintf(change.relay, sizeof change.relay, "%s", name);
    set_hold(e, true);
    begin_change(e, &change);
}

void engine_hold(struct engine *e, engine_answer *answer, void *context)
{
    char line[ROUTE_TEXT + 64], name[ROUTE_TEXT];

    set_hold(e, true);
    route_text(&e->state.route, name);
    snprintf(line, sizeof line, "held: the route stays %s until release", name);
    answer(true, line, context);
}

void engine_release(struct engine *e, engine_answer *answer, void *context)
{
    set_hold(e, false);
    forget_retry(e);
    answer(true, "released: detourd decides again", context);
    decide(e);
}

void engine_forget(struct engine *e, void *context)
{
    if (e->change.answer != NULL && e->change.context == context)
        e->change.answer = NULL;
}

/* Life */

static struct target_history *new_history(const struct config *config)
{
    return memory_zero(config->probe.target_count, sizeof(struct target_history));
}

/* What depends on the configuration, built before anything of the old one goes. */
struct built {
    struct relays *relays;
    struct catalogue *catalogue;
    struct control_hosts controls;
};

static int build(struct engine *e, const struct config *config, struct built *out, char *why,
                 size_t whylen)
{
    struct complaints *ignored = complaints_new();

    out->relays = relays_new(e->base, e->dns, config, e->group, why, whylen);
    if (out->relays != NULL) {
        out->catalogue = catalogue_load(config->catalogue_directory, ignored);
        control_hosts_collect(config, out->catalogue, &out->controls);
    }
    complaints_free(ignored);
    return out->relays != NULL ? 0 : -1;
}

static void take_built(struct engine *e, struct config *config, const struct built *built)
{
    e->config = config;
    e->relays = built->relays;
    e->catalogue = built->catalogue;
    e->controls = built->controls;
    for (int f = 0; f < FAMILIES; f++)
        e->history[f] = new_history(config);
}

static void drop_built(struct engine *e)
{
    round_stop(e->round);
    e->round = NULL;
    round_result_free(e->last_round);
    e->last_round = NULL;
    control_hosts_free(&e->controls);
    relays_free(e->relays);
    catalogue_free(e->catalogue);
    for (int f = 0; f < FAMILIES; f++)
        free(e->history[f]);
    config_free(e->config);
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
    struct engine *e = memory_zero(1, sizeof *e);
    struct built built = { 0 };

    e->base = base;
    e->group = group;
    e->dns = dns_new(base);
    e->families[FAMILY_IPV4] = e->families[FAMILY_IPV6] = true;
    if (build(e, config, &built, why, whylen) == -1) {
        dns_free(e->dns);
        config_free(config);
        free(e);
        return NULL;
    }
    take_built(e, config, &built);
    e->round_timer = deadline_timer(base, round_due, e);
    e->status_timer = deadline_timer(base, status_due, e);
    e->facts_wanted = true;
    load_state(e);
    take_identity(e, NULL);
    forget_retry(e);
    deadline_soon(e->status_timer);
    deadline_arm(e->round_timer, clock_mono_ms() + FIRST_ROUND_MS);
    return e;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    apply_stop(e->question);
    apply_stop(e->request);
    drop_built(e);
    dns_free(e->dns);
    event_free(e->round_timer);
    event_free(e->status_timer);
    json_decref(e->facts);
    free(e);
}

int engine_reload(struct engine *e, struct config *config, char *why, size_t whylen)
{
    struct built built = { 0 };

    if (build(e, config, &built, why, whylen) == -1) {
        config_free(config);
        return -1;
    }
    if (e->change.stage == STAGE_PROVING)
        end_change(e, false, "the configuration was reloaded; ask again");
    apply_stop(e->question);
    e->question = NULL;
    drop_built(e);
    take_built(e, config, &built);
    e->relays_due = 0;
    forget_retry(e);
    e->facts_wanted = true;
    deadline_soon(e->status_timer);
    deadline_soon(e->round_timer);
    return 0;
}

struct engine_view engine_view(const struct engine *e)
{
    struct health_settings settings = health_settings(e);

    return (struct engine_view){
        .config = e->config,
        .relays = e->relays,
        .round = e->last_round,
        .health = &e->state.health,
        .settings = settings,
        .advice = health_advise(&e->state.health, &settings, on_relay(e), clock_wall()),
        .families = { e->families[FAMILY_IPV4], e->families[FAMILY_IPV6] },
        .route = e->state.route,
        .route_known = e->route_known,
        .facts = e->facts,
        .facts_at = e->facts_at,
        .apply_problem = e->apply_problem,
        .change = e->change.stage != STAGE_NONE ? e->change.text : "",
        .change_failed = e->change_failed,
        .retry_at = e->retry_at,
        .state_problem = e->state_problem,
        .next_round = e->next_round,
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
