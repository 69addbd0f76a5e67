/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/act/inquiry.h"

#include "daemon/act/apply_client.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inquiry {
    struct event_base *base;
    struct apply_call *question;
    bool all_wanted, all_asked;
    json_t *members;
    int64_t at;
    char problem[INQUIRY_PROBLEM];
    inquiry_answered *callback;
    void *context;
};

struct inquiry *inquiry_new(struct event_base *base, inquiry_answered *callback, void *context)
{
    struct inquiry *q = memory_zero(1, sizeof *q);

    q->base = base;
    q->all_wanted = true;
    q->callback = callback;
    q->context = context;
    return q;
}

void inquiry_free(struct inquiry *q)
{
    if (q == NULL)
        return;
    apply_stop(q->question);
    json_decref(q->members);
    free(q);
}

/* One line when it changes, none while it stays. */
static void note_problem(struct inquiry *q, const char *problem)
{
    if (strcmp(problem, q->problem) == 0)
        return;
    if (*problem != '\0')
        log_warning("%s", problem);
    else
        log_notice("detour-apply answers again");
    snprintf(q->problem, sizeof q->problem, "%s", problem);
}

/* Whether Postfix's configuration is another than when everything was asked last: then what was
 * said then may be wrong now. */
static bool is_edited(const struct inquiry *q, const json_t *last)
{
    const json_t *now = json_object_get(last, "fingerprint");

    return !q->all_asked && now != NULL &&
           !json_equal((json_t *)now, json_object_get(q->members, "fingerprint"));
}

static void take(struct inquiry *q, json_t *last)
{
    if (q->members == NULL)
        q->members = json_object();
    q->all_wanted = (q->all_wanted && !q->all_asked) || is_edited(q, last);
    json_object_update(q->members, last);
    q->at = clock_wall();
}

static void answered(const struct apply_result *result, void *context)
{
    struct inquiry *q = context;

    q->question = NULL;
    note_problem(q, result->end == APPLY_OK ? "" : result->reason);
    if (result->end == APPLY_OK)
        take(q, (json_t *)result->last);
    q->callback(q->context);
}

void inquiry_ask(struct inquiry *q, const char *socket)
{
    struct request request = { .verb = q->all_wanted ? VERB_FACTS : VERB_STATUS };

    if (q->question != NULL)
        return;
    q->all_asked = q->all_wanted;
    q->question = apply_start(q->base, socket, &request, answered, q);
}

void inquiry_want_all(struct inquiry *q)
{
    q->all_wanted = true;
    q->all_asked = false;
}

bool inquiry_wants_all(const struct inquiry *q)
{
    return q->all_wanted;
}

void inquiry_stop(struct inquiry *q)
{
    apply_stop(q->question);
    q->question = NULL;
}

json_t *inquiry_members(const struct inquiry *q)
{
    return q->members;
}

int64_t inquiry_at(const struct inquiry *q)
{
    return q->at;
}

const char *inquiry_problem(const struct inquiry *q)
{
    return q->problem;
}

bool inquiry_route(const json_t *members, struct route *out)
{
    const json_t *o = json_object_get(members, "route");
    const char *name = json_string_value(json_object_get(o, "name"));
    json_int_t port = json_integer_value(json_object_get(o, "port"));

    if (name == NULL || !token_valid(name) || port < 0 || port > 65535)
        return false;
    *out = strcmp(name, "direct") == 0 ? route_direct() : route_relay(name, (uint16_t)port);
    return true;
}

bool inquiry_fragment(const json_t *members, struct inquiry_fragment *out)
{
    const json_t *o = json_object_get(members, "fragment");
    const char *state = json_string_value(json_object_get(o, "state"));
    json_int_t generation = json_integer_value(json_object_get(o, "generation"));

    *out = (struct inquiry_fragment){ .route = route_direct() };
    if (state == NULL || generation <= 0 || !inquiry_route(o, &out->route))
        return false;
    out->generation = (unsigned long)generation;
    out->applied = strcmp(state, "applied") == 0;
    out->confirmed = json_is_true(json_object_get(o, "confirmed"));
    return true;
}

static const char *text(const struct inquiry *q, const char *member)
{
    return json_string_value(json_object_get(q->members, member));
}

void inquiry_identity(const struct inquiry *q, struct postfix_identity *out)
{
    const json_t *protocols = json_object_get(q->members, "inet_protocols");
    int count = 0;

    *out = (struct postfix_identity){ .helo_name = text(q, "smtp_helo_name"),
                                      .bind_address = { text(q, "smtp_bind_address"),
                                                        text(q, "smtp_bind_address6") } };
    for (size_t i = 0; i < json_array_size(protocols) && count < FAMILIES; i++) {
        out->protocols[count] = json_string_value(json_array_get(protocols, i));
        count += out->protocols[count] != NULL;
    }
}
