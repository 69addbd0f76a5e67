/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/controls.h"

#include "daemon/probe/deadline.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define CONTROL_MS 2500 /* two more SYNs may follow the first */

struct lookup {
    struct controls *controls;
    struct dns_query *query;
};

struct connection {
    struct controls *controls;
    struct control *control;
    size_t number;
    LIST_ENTRY(connection) entry;
};

struct controls {
    struct event_base *base;
    struct controls_plan plan;
    struct controls_events events;
    struct address candidates[CONTROLS_MAX];
    size_t count;
    struct lookup *lookups;
    size_t looking;
    LIST_HEAD(, connection) connections;
    bool *stopped; /* told when this is stopped within a callback */
};

size_t controls_count(const struct controls *c)
{
    return c->count;
}

const struct address *controls_address(const struct controls *c, size_t candidate)
{
    return &c->candidates[candidate];
}

bool controls_looking(const struct controls *c)
{
    return c->looking > 0;
}

static bool is_known(const struct controls *c, const struct address *address)
{
    for (size_t i = 0; i < c->count; i++)
        if (address_equal(&c->candidates[i], address))
            return true;
    return false;
}

static bool add_candidate(struct controls *c, const struct address *address)
{
    if (c->count == CONTROLS_MAX || address_family(address) != c->plan.family ||
        is_known(c, address) || address_on_link(address))
        return false;
    c->candidates[c->count++] = *address;
    return true;
}

static void host_found(const struct dns_answer *answer, void *context)
{
    struct lookup *lookup = context;
    struct controls *c = lookup->controls;
    bool stopped = false, was_last = --c->looking == 0;

    lookup->query = NULL;
    c->stopped = &stopped;
    if (answer->count > 0 && add_candidate(c, &answer->hosts[0].address))
        c->events.found((int)c->count - 1, c->events.context);
    if (!stopped && was_last)
        c->events.looked(c->events.context);
    if (!stopped)
        c->stopped = NULL;
}

static void look_up(struct controls *c, struct dns *dns, size_t i)
{
    struct lookup *lookup = &c->lookups[i];
    struct endpoint endpoint = { .port = c->plan.hosts[i].port };
    size_t len = strlen(c->plan.hosts[i].host);
    struct address literal;

    memcpy(endpoint.host, c->plan.hosts[i].host, len < HOST_MAX ? len : HOST_MAX);
    endpoint.is_literal = address_parse(endpoint.host, endpoint.port, &literal);
    lookup->controls = c;
    c->looking++;
    lookup->query = dns_resolve(dns, &endpoint, DNS_FAMILY(c->plan.family), host_found, lookup);
}

struct controls *controls_start(struct event_base *base, struct dns *dns,
                                const struct controls_plan *plan,
                                const struct controls_events *events)
{
    struct controls *c = memory_zero(1, sizeof *c);

    c->base = base;
    c->plan = *plan;
    c->events = *events;
    LIST_INIT(&c->connections);
    c->lookups = memory_zero(plan->host_count, sizeof *c->lookups);
    for (size_t i = 0; i < plan->address_count; i++)
        add_candidate(c, &plan->addresses[i]);
    for (size_t i = 0; i < plan->host_count; i++)
        look_up(c, dns, i);
    return c;
}

static void control_ended(const struct control_result *result, void *context)
{
    struct connection *connection = context;
    struct controls *c = connection->controls;
    size_t number = connection->number;

    LIST_REMOVE(connection, entry);
    free(connection);
    c->events.ended(number, result, c->events.context);
}

void controls_send(struct controls *c, size_t candidate, size_t number)
{
    const struct address *address = &c->candidates[candidate];
    struct connection *connection = memory_zero(1, sizeof *connection);

    connection->controls = c;
    connection->number = number;
    LIST_INSERT_HEAD(&c->connections, connection, entry);
    connection->control =
        control_start(c->base, address, probe_source(&c->plan.settings, address),
                      deadline_within(INT64_MAX, CONTROL_MS), control_ended, connection);
}

void controls_stop(struct controls *c)
{
    struct connection *connection;

    if (c == NULL)
        return;
    if (c->stopped != NULL)
        *c->stopped = true;
    while ((connection = LIST_FIRST(&c->connections)) != NULL) {
        LIST_REMOVE(connection, entry);
        control_stop(connection->control);
        free(connection);
    }
    for (size_t i = 0; i < c->plan.host_count; i++)
        dns_cancel(c->lookups[i].query);
    free(c->lookups);
    free(c);
}
