/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/literals.h"

#include "daemon/probe/deadline.h"
#include "daemon/round/controls.h"
#include "lib/memory.h"
#include <stdlib.h>

#define SERVERS_MAX 4

/* Addresses that have stood for decades (www.iana.org/domains/root/servers). */
static const char *const root_servers[FAMILIES][2] = {
    [FAMILY_IPV4] = { "192.5.5.241", "193.0.14.129" },
    [FAMILY_IPV6] = { "2001:500:2f::f", "2001:7fd::1" },
};

struct literals {
    struct controls *controls;
    size_t running;
    bool answered, in_callback;
    struct event *end;
    literals_done *callback;
    void *context;
};

static void release(struct literals *l)
{
    controls_stop(l->controls);
    event_free(l->end);
    free(l);
}

static void finish(evutil_socket_t fd, short events, void *context)
{
    struct literals *l = context;

    (void)fd;
    (void)events;
    l->in_callback = true;
    l->callback(controls_count(l->controls) > 0, l->answered, l->context);
    release(l);
}

static void ended(size_t number, const struct control_result *result, void *context)
{
    struct literals *l = context;

    (void)number;
    l->running--;
    l->answered = l->answered || result->end == CONTROL_ANSWERED;
    if (l->answered || l->running == 0)
        deadline_soon(l->end);
}

static void add(struct controls_plan *plan, struct address address, uint16_t port)
{
    if (plan->address_count == CONTROLS_MAX || address_family(&address) != plan->family)
        return;
    address_set_port(&address, port);
    plan->addresses[plan->address_count++] = address;
}

static void collect(struct dns *dns, struct controls_plan *plan)
{
    struct address servers[SERVERS_MAX], root;
    size_t count = dns_servers(dns, servers, SERVERS_MAX);

    for (size_t i = 0; i < count; i++) {
        add(plan, servers[i], 53);
        add(plan, servers[i], 443);
    }
    for (size_t i = 0; i < 2; i++)
        if (address_parse(root_servers[plan->family][i], 53, &root))
            add(plan, root, 53);
}

struct literals *literals_start(struct event_base *base, struct dns *dns, enum family family,
                                const struct probe_settings *settings, literals_done *callback,
                                void *context)
{
    struct literals *l = memory_zero(1, sizeof *l);
    struct controls_plan plan = { .family = family, .settings = *settings };
    struct controls_events events = { .ended = ended, .context = l };

    l->callback = callback;
    l->context = context;
    l->end = deadline_timer(base, finish, l);
    collect(dns, &plan);
    l->controls = controls_start(base, NULL, &plan, &events);
    l->running = controls_count(l->controls);
    for (size_t i = 0; i < controls_count(l->controls); i++)
        controls_send(l->controls, i, i);
    if (l->running == 0)
        deadline_soon(l->end);
    return l;
}

void literals_stop(struct literals *l)
{
    if (l != NULL && !l->in_callback)
        release(l);
}
