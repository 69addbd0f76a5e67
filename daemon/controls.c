/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/controls.h"

#include "daemon/probe/deadline.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

struct lookup {
    struct controls *wave;
    struct dns_query *query;
    uint16_t port;
};

struct connection {
    struct controls *wave;
    struct control *control;
};

struct controls {
    struct event_base *base;
    struct controls_plan plan;
    struct controls_result result;
    struct lookup *lookups;
    struct connection connections[CONTROLS_MAX];
    size_t connection_count;
    size_t pending; /* lookups and connections not ended */
    struct event *end;
    controls_done *callback;
    void *context;
};

static void release(struct controls *w)
{
    for (size_t i = 0; i < w->connection_count; i++)
        control_stop(w->connections[i].control);
    for (size_t i = 0; i < w->plan.host_count; i++)
        dns_cancel(w->lookups[i].query);
    free(w->lookups);
    event_free(w->end);
    free(w);
}

static void finish(evutil_socket_t fd, short events, void *context)
{
    struct controls *w = context;

    (void)fd;
    (void)events;
    w->callback(&w->result, w->context);
    release(w);
}

static void one_ended(struct controls *w)
{
    w->pending--;
    if (w->pending == 0 || w->result.answered)
        deadline_soon(w->end);
}

static void control_ended(const struct control_result *result, void *context)
{
    struct connection *connection = context;
    struct controls *w = connection->wave;

    connection->control = NULL;
    w->result.tried += result->end != CONTROL_ON_LINK;
    if (result->end == CONTROL_ANSWERED && !w->result.answered) {
        w->result.answered = true;
        w->result.by = result->address;
        w->result.sent_ms = result->sent_ms;
        w->result.answered_ms = result->answered_ms;
    }
    one_ended(w);
}

static bool already_tried(const struct controls *w, const struct address *address)
{
    for (size_t i = 0; i < w->plan.address_count; i++)
        if (address_equal(&w->plan.addresses[i], address))
            return true;
    return false;
}

static void connect_to(struct controls *w, const struct address *address)
{
    if (w->connection_count == CONTROLS_MAX || address_family(address) != w->plan.family)
        return;
    struct connection *c = &w->connections[w->connection_count++];
    c->wave = w;
    w->pending++;
    c->control = control_start(w->base, address, probe_source(&w->plan.settings, address),
                               w->plan.deadline_ms, control_ended, c);
}

static void host_found(const struct dns_answer *answer, void *context)
{
    struct lookup *lookup = context;
    struct controls *w = lookup->wave;

    lookup->query = NULL;
    if (answer->count > 0 && !already_tried(w, &answer->hosts[0].address))
        connect_to(w, &answer->hosts[0].address);
    one_ended(w);
}

static void look_up(struct controls *w, struct dns *dns, size_t i)
{
    struct lookup *lookup = &w->lookups[i];
    struct endpoint endpoint = { .port = w->plan.hosts[i].port };
    size_t len = strlen(w->plan.hosts[i].host);
    struct address literal;

    memcpy(endpoint.host, w->plan.hosts[i].host, len < HOST_MAX ? len : HOST_MAX);
    endpoint.is_literal = address_parse(endpoint.host, endpoint.port, &literal);
    lookup->wave = w;
    w->pending++;
    lookup->query = dns_resolve(dns, &endpoint, DNS_FAMILY(w->plan.family), host_found, lookup);
}

struct controls *controls_start(struct event_base *base, struct dns *dns,
                                const struct controls_plan *plan, controls_done *callback,
                                void *context)
{
    struct controls *w = memory_zero(1, sizeof *w);

    w->base = base;
    w->plan = *plan;
    w->callback = callback;
    w->context = context;
    w->end = deadline_timer(base, finish, w);
    w->lookups = memory_zero(plan->host_count, sizeof *w->lookups);
    for (size_t i = 0; i < plan->address_count; i++)
        connect_to(w, &plan->addresses[i]);
    for (size_t i = 0; i < plan->host_count; i++)
        look_up(w, dns, i);
    if (w->pending == 0)
        deadline_soon(w->end);
    else
        deadline_arm(w->end, plan->deadline_ms);
    return w;
}

void controls_stop(struct controls *controls)
{
    if (controls != NULL)
        release(controls);
}
