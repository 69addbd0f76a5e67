/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/control_hosts.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* Enough to find one that answers; every further one is a stranger's connection log. */
#define RELAYS_MAX    4
#define CATALOGUE_MAX 2

static void add(struct control_hosts *list, const char *host, uint16_t port)
{
    list->hosts = memory_grow(list->hosts, list->count + 1, sizeof *list->hosts);
    list->hosts[list->count++] = (struct control_host){ .host = host, .port = port };
}

static void add_service(struct control_hosts *list, const struct relay_service *service)
{
    char *host = relay_service_host(service, service->default_region);

    if (host == NULL)
        return;
    list->names = memory_grow(list->names, list->name_count + 1, sizeof *list->names);
    list->names[list->name_count++] = host;
    add(list, host, service->ports.port[0]);
}

void control_hosts_collect(const struct config *config, const struct relay_catalogue *catalogue,
                           struct control_hosts *out)
{
    const struct relay_service *service;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < config->relay_count && out->count < RELAYS_MAX; i++)
        for (size_t p = 0; p < config->relays[i].ports.count && out->count < RELAYS_MAX; p++)
            add(out, config->relays[i].host, config->relays[i].ports.port[p]);
    for (size_t i = 0; catalogue != NULL && out->name_count < CATALOGUE_MAX &&
                       (service = relay_catalogue_at(catalogue, i)) != NULL;
         i++)
        add_service(out, service);
}

void control_hosts_free(struct control_hosts *list)
{
    for (size_t i = 0; i < list->name_count; i++)
        free(list->names[i]);
    free(list->names);
    free(list->hosts);
    memset(list, 0, sizeof *list);
}
