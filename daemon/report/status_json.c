/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/status.h"

#include "daemon/report/circumstances_json.h"
#include "daemon/report/text.h"
#include "daemon/report/verdict_json.h"
#include "lib/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

static json_t *time_json(int64_t wall)
{
    char text[CLOCK_TEXT];

    if (wall == 0)
        return json_null();
    clock_text(wall, text);
    return json_string(text);
}

static json_t *route_document(const struct engine_view *v)
{
    json_t *o;

    if (!v->route_known)
        return json_pack("{s:s, s:n, s:n}", "name", "unknown", "port", "since");
    o = json_pack("{s:s, s:o, s:o}", "name", v->route.name, "port",
                  route_is_direct(&v->route) ? json_null() : json_integer(v->route.port), "since",
                  time_json(v->health->since));
    json_object_set_new(o, "seconds",
                        json_integer(v->health->since > 0 ? v->now - v->health->since : 0));
    json_object_set_new(o, "hold", json_boolean(v->health->hold));
    return o;
}

static const char *relay_word(const struct relay_state *s)
{
    if (s->checked == 0)
        return s->checking ? "checking" : "unchecked";
    return relay_proof_name(s->result.proof);
}

static json_t *relay_document(const struct relay_state *s, int64_t now)
{
    json_t *o =
        json_pack("{s:s, s:i, s:s, s:s, s:o, s:s}", "name", s->route.name, "port",
                  (int)s->route.port, "host", s->relay->host, "state", relay_word(s), "checked",
                  time_json(s->checked), "detail", s->checked != 0 ? s->result.detail : "");

    json_object_set_new(o, "seconds",
                        s->checked != 0 ? json_integer(now - s->checked) : json_null());
    if (s->checked != 0 && s->result.protocol[0] != '\0')
        json_object_set_new(o, "tls", json_string(s->result.protocol));
    if (s->checked != 0 && s->result.has_days_left)
        json_object_set_new(o, "certificate_days", json_integer(s->result.days_left));
    return o;
}

static json_t *relay_list(const struct engine_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < relays_count(v->relays); i++)
        json_array_append_new(list, relay_document(relays_at(v->relays, i), v->now));
    return list;
}

json_t *relays_json(const struct engine_view *v)
{
    return json_pack("{s:i, s:o}", "schema", SCHEMA, "relays", relay_list(v));
}

static json_t *postfix_document(const struct engine_view *v)
{
    static const char *const members[] = { "version", "running", "queue",
                                           "shield",  "outside", "drift" };
    json_t *o = json_object();

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_t *value = json_object_get(v->facts, members[i]);
        json_object_set(o, members[i], value != NULL ? value : json_null());
    }
    json_object_set_new(o, "asked", time_json(v->facts_at));
    return o;
}

static json_t *verdict_document(const struct engine_view *v)
{
    json_t *o;

    if (v->round == NULL)
        return json_pack("{s:n, s:n}", "ipv4", "ipv6");
    o = verdict_json(v->round);
    json_object_set_new(o, "at", time_json(v->round->started));
    return o;
}

/* Of a fragment: what configuration management applies. */

static const char *fragment_word(const struct engine_view *v, const char *key)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(v->facts, "fragment"), key));

    return v->config->mode == MODE_FRAGMENT && text != NULL ? text : "";
}

static bool fragment_waits(const struct engine_view *v)
{
    const char *state = fragment_word(v, "state");

    return *state != '\0' && strcmp(state, "applied") != 0;
}

/* "generation 7 (ses:587)" */
static void fragment_name(const struct engine_view *v, char *out, size_t size)
{
    const json_t *o = json_object_get(v->facts, "fragment"), *route = json_object_get(o, "route");
    const char *name = json_string_value(json_object_get(route, "name"));
    long long port = json_integer_value(json_object_get(route, "port"));
    char text[16] = "";

    if (port != 0)
        snprintf(text, sizeof text, ":%lld", port);
    snprintf(out, size, "generation %lld (%.64s%s)",
             (long long)json_integer_value(json_object_get(o, "generation")),
             name == NULL ? "" : name, text);
}

static json_t *fragment_document(const struct engine_view *v)
{
    static const char *const members[] = { "generation", "route", "state", "missing", "directory" };
    const json_t *fragment = json_object_get(v->facts, "fragment");
    int64_t written = json_integer_value(json_object_get(fragment, "written"));

    if (*fragment_word(v, "state") == '\0')
        return json_null();
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        json_object_set(o, members[i], json_object_get(fragment, members[i]));
    json_object_set_new(o, "since", time_json(written));
    json_object_set_new(o, "seconds", json_integer(v->now - written));
    return o;
}

/* What comes next, in one clause. */
static void waiting_text(const struct engine_view *v, char *out, size_t size)
{
    char name[128], since[CLOCK_TEXT];

    fragment_name(v, name, sizeof name);
    clock_text(
        json_integer_value(json_object_get(json_object_get(v->facts, "fragment"), "written")),
        since);
    snprintf(out, size, "waiting for %s to be applied since %s", name, since);
}

static void barred_text(const struct engine_view *v, const char *what, char *out, size_t size)
{
    char span[SPAN_TEXT];

    span_text(v->advice.until - v->now, span);
    if (v->config->mode == MODE_OBSERVE)
        snprintf(out, size, "would %s now, but mode is observe", what);
    else if (json_array_size(json_object_get(v->facts, "drift")) > 0)
        snprintf(out, size, "would %s, but stands down until release: main.cf was edited", what);
    else if (v->advice.bar == HEALTH_HELD)
        snprintf(out, size, "would %s now, but an operator said hold", what);
    else if (v->advice.bar == HEALTH_STAYING)
        snprintf(out, size, "%s in %s, if the port stays open (stay)", what, span);
    else if (v->advice.bar == HEALTH_LIMITED)
        snprintf(out, size, "%s in %s; the limit of switches an hour is reached", what, span);
    else if (v->retry_at > v->now)
        snprintf(out, size, "try again to %s in %lld s", what, (long long)(v->retry_at - v->now));
    else
        snprintf(out, size, "%s", what);
}

static void probe_text(const struct engine_view *v, char *out, size_t size)
{
    const struct health *h = v->health;
    bool direct = route_is_direct(&v->route);
    int64_t in = v->next_round - v->now;
    char when[64];

    if (v->next_round == 0)
        snprintf(when, sizeof when, "probing now");
    else
        snprintf(when, sizeof when, "probe in %lld s", (long long)(in > 0 ? in : 0));
    if (direct && h->bad > 0)
        snprintf(out, size, "%s; %d more blocked round(s) lead to a switch", when,
                 v->settings.fall - h->bad);
    else if (!direct && h->good > 0)
        snprintf(out, size, "%s; %d more open round(s) lead back to direct", when,
                 v->settings.rise - h->good);
    else
        snprintf(out, size, "%s", when);
}

static json_t *next_document(const struct engine_view *v)
{
    char text[200];

    if (v->change[0] != '\0')
        snprintf(text, sizeof text, "%s", v->change);
    else if (fragment_waits(v))
        waiting_text(v, text, sizeof text);
    else if (v->advice.wish == HEALTH_LEAVE)
        barred_text(v, "switch to a relay", text, sizeof text);
    else if (v->advice.wish == HEALTH_RETURN)
        barred_text(v, "return to direct", text, sizeof text);
    else
        probe_text(v, text, sizeof text);
    return json_string(text);
}

/* Problems */

static void add(json_t *list, const char *what, const char *detail)
{
    json_array_append_new(list, json_sprintf("%s%s", what, detail));
}

static void add_each(json_t *list, const char *what, const json_t *texts)
{
    size_t i;
    json_t *text;

    json_array_foreach(texts, i, text) if (json_string_value(text) != NULL)
        add(list, what, json_string_value(text));
}

/* One line for all of TEXTS. */
static void add_each_of(json_t *list, const char *subject, const char *what, const json_t *texts)
{
    struct text line;
    size_t i;
    json_t *text;

    text_begin(&line);
    text_add(&line, "%s%s", subject, what);
    json_array_foreach(texts, i, text) if (json_string_value(text) != NULL)
        text_add(&line, "%s%s", i == 0 ? "" : ", ", json_string_value(text));
    char *whole = text_end(&line);
    add(list, whole, "");
    free(whole);
}

static void add_relay_problems(json_t *list, const struct engine_view *v)
{
    size_t proven = 0, checked = 0;

    for (size_t i = 0; i < relays_count(v->relays); i++) {
        const struct relay_state *s = relays_at(v->relays, i);
        checked += s->checked != 0;
        proven += s->checked != 0 && s->result.proof == RELAY_PROVEN;
        if (s->result.proof == RELAY_PROVEN && s->result.has_days_left && s->result.days_left < 8)
            json_array_append_new(list,
                                  json_sprintf("the certificate of relay %s:%u ends in %d days",
                                               s->route.name, s->route.port, s->result.days_left));
    }
    if (checked > 0 && checked == relays_count(v->relays) && proven == 0)
        add(list, "no relay has proved itself; in a block there would be nowhere to go", "");
    if (v->route_known && !route_is_direct(&v->route) && relays_find(v->relays, &v->route) == NULL)
        add(list, "the relay in use is no longer configured: ", v->route.name);
}

static void add_own_fault_problem(json_t *list, const struct engine_view *v)
{
    enum own_fault fault = v->round != NULL ? round_own_fault(v->round) : OWN_FAULT_NONE;

    if (fault == OWN_FAULT_CLOCK)
        add(list,
            "this host's clock is wrong, it seems: the certificates of several mail operators are "
            "all out of their time",
            "");
    if (fault == OWN_FAULT_AUTHORITIES)
        add(list,
            "this host does not know the authorities behind the certificates of several mail "
            "operators",
            "");
}

static void add_port_problems(json_t *list, const json_t *verdict, const struct engine_view *v)
{
    const char *v6 = json_string_value(json_object_get(json_object_get(verdict, "ipv6"), "name"));
    const char *v4 = json_string_value(json_object_get(json_object_get(verdict, "ipv4"), "name"));

    if (v4 != NULL && v6 != NULL && v->families[FAMILY_IPV6] && strcmp(v6, "blocked") == 0 &&
        strcmp(v4, "open") == 0)
        add(list,
            "port 25 is blocked over IPv6 alone; set smtp_address_preference = ipv4 in main.cf",
            "");
    if (v->config->mode == MODE_OBSERVE && v->advice.wish == HEALTH_LEAVE)
        add(list, "port 25 is blocked and mode is observe: mail is deferred", "");
}

static void add_drift_problems(json_t *list, const struct engine_view *v)
{
    json_t *drift = json_object_get(v->facts, "drift");

    add_each(list, "main.cf was edited by somebody else: ", drift);
    if (json_array_size(drift) > 0)
        add(list, "detourd stands down and changes nothing until `detourctl release`", "");
    add_each(list, "", json_object_get(v->facts, "advice"));
}

/* How long the messages that the shield holds back may wait. */
static void expiry_text(int64_t expires, int64_t now, char *out, size_t size)
{
    char when[CLOCK_TEXT], span[SPAN_TEXT];

    clock_text(expires, when);
    span_text(expires - now, span);
    if (expires > now)
        snprintf(out, size, "the first expires at %s (in %s)", when, span);
    else
        snprintf(out, size, "the first has expired and goes back to its sender after its next try");
}

static void add_shield_problem(json_t *list, const struct engine_view *v)
{
    const json_t *shield = json_object_get(v->facts, "shield");
    long long held = json_integer_value(json_object_get(shield, "held"));
    bool partial = json_is_true(json_object_get(shield, "partial"));
    const char *reason = json_string_value(json_object_get(shield, "reason"));
    char expiry[128];

    if (reason != NULL)
        add(list, "what the relay refused cannot be counted: ", reason);
    if (held <= 0)
        return;
    expiry_text(json_integer_value(json_object_get(shield, "expires")), v->now, expiry,
                sizeof expiry);
    json_array_append_new(list, json_sprintf("%s%lld %s that the relay refused %s held back; %s",
                                             partial ? "at least " : "", held,
                                             held == 1 ? "message" : "messages",
                                             held == 1 ? "is" : "are", expiry));
}

static void add_fragment_problems(json_t *list, const struct engine_view *v)
{
    const char *state = fragment_word(v, "state");
    char name[128];

    if (!fragment_waits(v))
        return;
    fragment_name(v, name, sizeof name);
    if (strcmp(state, "not reloaded") == 0)
        json_array_append_new(
            list, json_sprintf("%s is applied, but Postfix was not reloaded since", name));
    else if (strcmp(state, "waiting") == 0)
        json_array_append_new(list, json_sprintf("%s is not applied yet", name));
    else
        add_each_of(list, name, " is applied in part; main.cf does not set as it says: ",
                    json_object_get(json_object_get(v->facts, "fragment"), "missing"));
}

/* Mail that the relay in force is not for: it waits for port 25. */
static void add_outside_problem(json_t *list, const struct engine_view *v)
{
    const json_t *outside = json_object_get(v->facts, "outside");
    long long waiting = json_integer_value(json_object_get(outside, "waiting"));
    bool partial = json_is_true(json_object_get(outside, "partial"));
    char span[SPAN_TEXT];

    if (waiting <= 0)
        return;
    span_text(v->now - json_integer_value(json_object_get(outside, "oldest")), span);
    json_array_append_new(list, json_sprintf("%s%lld %s from senders that the relay is not for "
                                             "%s for the direct route, the oldest for %s",
                                             partial ? "at least " : "", waiting,
                                             waiting == 1 ? "message" : "messages",
                                             waiting == 1 ? "waits" : "wait", span));
}

static json_t *problems_document(const struct engine_view *v, const json_t *verdict)
{
    json_t *list = json_array(), *running = json_object_get(v->facts, "running");

    if (v->apply_problem[0] != '\0')
        add(list, "", v->apply_problem);
    if (json_is_false(running))
        add(list, "Postfix is not running", "");
    if (v->change_failed[0] != '\0')
        add(list, "the last change failed: ", v->change_failed);
    if (v->change_slow[0] != '\0')
        add(list, "mail that hung in the block left late after the last switch: ", v->change_slow);
    add_shield_problem(list, v);
    add_outside_problem(list, v);
    add_drift_problems(list, v);
    add_fragment_problems(list, v);
    if (v->config->mode != MODE_OBSERVE && v->route_known && route_is_direct(&v->route))
        add_each(list, "a switch would be refused: ", json_object_get(v->facts, "refusals"));
    add_relay_problems(list, v);
    add_own_fault_problem(list, v);
    add_port_problems(list, verdict, v);
    if (v->state_problem[0] != '\0')
        add(list, "state is not kept: ", v->state_problem);
    return list;
}

/* What `check` knows as well. */
static void add_circumstances(json_t *o, const struct engine_view *v)
{
    static const enum cause_rules unknown[FAMILIES] = { RULES_UNKNOWN, RULES_UNKNOWN };

    bool any = v->round != NULL && v->seen != NULL;

    json_object_set_new(o, "cause", any ? cause_json(v->round, v->seen, unknown) : json_null());
    json_object_set_new(o, "trace", any ? trace_json(v->seen, v->round) : json_null());
    json_object_set_new(o, "provider", any ? provider_json(v->seen) : json_null());
    json_object_set_new(o, "reputation", any ? reputation_json(v->seen) : json_null());
}

json_t *status_json(const struct engine_view *v)
{
    json_t *verdict = verdict_document(v), *o = json_object();

    json_object_set_new(o, "schema", json_integer(SCHEMA));
    json_object_set_new(o, "mode", json_string(mode_name(v->config->mode)));
    json_object_set_new(o, "route", route_document(v));
    json_object_set_new(o, "problems", problems_document(v, verdict));
    json_object_set_new(o, "verdict", verdict);
    add_circumstances(o, v);
    json_object_set_new(o, "relays", relay_list(v));
    json_object_set_new(o, "postfix", postfix_document(v));
    if (v->config->mode == MODE_FRAGMENT)
        json_object_set_new(o, "fragment", fragment_document(v));
    json_object_set_new(o, "next", next_document(v));
    return o;
}
