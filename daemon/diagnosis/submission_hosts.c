/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diagnosis/submission_hosts.h"

#include <stdlib.h>
#include <string.h>

static void add_port(struct ports *ports, uint16_t port)
{
    if (ports->count < PORTS_MAX && !ports_contain(ports, port))
        ports->port[ports->count++] = port;
}

/* Where submission is to be found (RFC 8314 3.3), and where those offer it who know that providers
 * close these two. */
static const uint16_t usual[] = { 465, 587, 2465, 2525, 2587 };

/* All that the operator has named, and all that the service is known to offer, or may: where one is
 * closed, the others are the way out. */
static void add_relay(struct submission_hosts *list, const struct relay *relay,
                      const struct relay_service *service)
{
    struct submission_host *host = &list->hosts[list->count++];

    host->relay = relay->name;
    host->host = relay->host;
    host->ca_file = relay->ca_file;
    host->offers_tls = service != NULL;
    host->ports = relay->ports;
    for (size_t i = 0; service != NULL && i < service->ports.count; i++)
        add_port(&host->ports, service->ports.port[i]);
    for (size_t i = 0; service == NULL && i < sizeof usual / sizeof usual[0]; i++)
        add_port(&host->ports, usual[i]);
}

static void add_service(struct submission_hosts *list, const struct relay_service *service)
{
    struct submission_host *host = &list->hosts[list->count];
    char *name = relay_service_host(service, service->default_region);

    if (name == NULL)
        return;
    list->names[list->count++] = name;
    host->relay = service->name;
    host->host = name;
    host->offers_tls = true;
    host->ports = service->ports;
}

void submission_hosts_collect(const struct config *config, const struct relay_catalogue *catalogue,
                              struct submission_hosts *out)
{
    const struct relay_service *service;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < config->relay_count && out->count < SUBMISSION_HOSTS_MAX; i++) {
        const struct relay *relay = &config->relays[i];
        service = catalogue != NULL ? relay_catalogue_with_host(catalogue, relay->host) : NULL;
        add_relay(out, relay, service);
    }
    for (size_t i = 0;
         config->relay_count == 0 && catalogue != NULL && out->count < SUBMISSION_HOSTS_MAX &&
         (service = relay_catalogue_at(catalogue, i)) != NULL;
         i++)
        add_service(out, service);
}

void submission_hosts_free(struct submission_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        free(hosts->names[i]);
    memset(hosts, 0, sizeof *hosts);
}
