/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/relay_section.h"

#include "lib/conf_pairs.h"
#include "lib/endpoint.h"
#include "lib/memory.h"
#include "lib/relay_scope.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONCURRENCY_MAX 1000

cfg_opt_t relay_section_opts[] = {
    CFG_STR("provider", NULL, CFGF_NONE),
    CFG_STR("region", NULL, CFGF_NONE),
    CFG_STR("host", NULL, CFGF_NONE),
    CFG_STR_LIST("ports", NULL, CFGF_NONE),
    CFG_STR("username", NULL, CFGF_NONE),
    CFG_STR("password_file", NULL, CFGF_NONE),
    CFG_STR("ca_file", NULL, CFGF_NONE),
    CFG_STR_LIST("senders", NULL, CFGF_NONE),
    CFG_STR("null_sender", NULL, CFGF_NONE),
    CFG_STR_LIST("rewrite", NULL, CONF_PAIRS),
    CFG_STR("concurrency", NULL, CFGF_NONE),
    CFG_STR("rate", NULL, CFGF_NONE),
    CFG_END(),
};

/* One smtp(8) client serves all destinations, so TLS from the first byte needs a service apart. */
static bool port_fits(uint16_t port, enum method method)
{
    return method == METHOD_TRANSPORT || !port_is_implicit_tls(port);
}

static struct ports relay_ports(struct conf_file *file, cfg_t *section,
                                const struct relay_service *service, enum method method)
{
    struct ports ports = { .count = 0 };
    unsigned count = cfg_size(section, "ports");

    if (count > PORTS_MAX) {
        conf_file_complain(file, section, "ports", "ports: at most %d of them", PORTS_MAX);
        count = PORTS_MAX;
    }
    for (unsigned i = 0; i < count; i++) {
        uint16_t port = conf_file_port(file, section, "ports", cfg_getnstr(section, "ports", i));
        if (!port_fits(port, method))
            conf_file_complain_item(file, section, "ports", i,
                                    "port %u begins with TLS, which method = relayhost cannot use "
                                    "without breaking other mail; expected 587, 2525 or 2587, or "
                                    "method = transport in the postfix section",
                                    port);
        else if (ports_contain(&ports, port))
            conf_file_complain_item(file, section, "ports", i, "port %u stands in the list twice",
                                    port);
        else if (port != 0)
            ports.port[ports.count++] = port;
    }
    for (size_t i = 0; count == 0 && i < service->ports.count; i++)
        if (port_fits(service->ports.port[i], method))
            ports.port[ports.count++] = service->ports.port[i];
    return ports;
}

static void list_services(const struct relay_catalogue *catalogue, char *out, size_t size)
{
    const struct relay_service *s;
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; (s = relay_catalogue_at(catalogue, i)) != NULL && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", s->name);
}

static const struct relay_service *relay_service(struct conf_file *file, cfg_t *section,
                                                 const struct relay_catalogue *catalogue)
{
    const char *name = conf_file_text(section, "provider");
    const struct relay_service *service =
        relay_catalogue_find(catalogue, name != NULL ? name : "generic");
    char known[300];

    if (service == NULL) {
        list_services(catalogue, known, sizeof known);
        conf_file_complain(file, section, "provider",
                           "provider = %s is not in the catalogue; known are: %s; or name a host",
                           name != NULL ? name : "generic", known);
    }
    return service;
}

static bool region_valid(const char *region)
{
    return region == NULL || token_valid(region);
}

static char *relay_host(struct conf_file *file, cfg_t *section, const struct relay_service *service)
{
    const char *host = conf_file_text(section, "host"), *region = conf_file_text(section, "region");
    char *found;

    if (!region_valid(region))
        conf_file_complain(file, section, "region", "region = %s; expected a word like eu-west-1",
                           region);
    found = host != NULL ? memory_copy(host) : relay_service_host(service, region);
    if (found == NULL && service->needs_region)
        conf_file_complain(file, section, "region", "relay %s needs a region, like eu-west-1",
                           cfg_title(section));
    else if (found == NULL)
        conf_file_complain(file, section, "host", "relay %s needs a provider or a host",
                           cfg_title(section));
    else if (region_valid(region) && !hostname_valid(found))
        conf_file_complain(file, section, "host",
                           "host = %s; expected a host name such as smtp.example.net, no address "
                           "and no brackets, since its certificate is checked against it",
                           found);
    return found;
}

static void check_relay_name(struct conf_file *file, cfg_t *section)
{
    const char *name = cfg_title(section);

    if (!token_valid(name) || strcmp(name, "direct") == 0 || strcmp(name, "auto") == 0)
        complain(conf_file_complaints(file), conf_file_path(file),
                 conf_file_section_line(file, section),
                 "relay %s: a relay's name is 1 to 64 of a-z, 0-9 and -, not direct or auto", name);
}

static char *relay_username(struct conf_file *file, cfg_t *section,
                            const struct relay_service *service)
{
    char *username =
        conf_file_copy(section, "username", service != NULL ? service->username : NULL);

    if (username == NULL || *username == '\0')
        conf_file_complain(file, section, "username", "relay %s needs a username",
                           cfg_title(section));
    else if (strchr(username, ':') != NULL || strpbrk(username, "\r\n") != NULL)
        conf_file_complain(file, section, "username",
                           "username: a colon or a line break cannot stand in Postfix's password "
                           "map");
    return username;
}

static void read_login(struct conf_file *file, cfg_t *section, const struct relay_service *service,
                       struct relay *relay)
{
    relay->username = relay_username(file, section, service);
    relay->password_file = conf_file_path_copy(file, section, "password_file", NULL);
    relay->ca_file = conf_file_path_copy(file, section, "ca_file", SYSTEM_CA_FILE);
    if (relay->password_file == NULL)
        conf_file_complain(file, section, "password_file", "relay %s needs a password_file",
                           relay->name);
}

/* What does not hang on the way in: what a known service does with mail is known also where its
 * host is configured instead of its name. */
static const struct relay_service *service_behind(const struct relay *relay,
                                                  const struct relay_service *named,
                                                  const struct relay_catalogue *catalogue)
{
    const struct relay_service *found =
        relay->host != NULL ? relay_catalogue_with_host(catalogue, relay->host) : NULL;

    return found != NULL ? found : named;
}

void relay_section_read(struct conf_file *file, cfg_t *section,
                        const struct relay_catalogue *catalogue, enum method method,
                        struct relay *relay)
{
    static const struct relay_service unknown;
    const struct relay_service *service = relay_service(file, section, catalogue);

    relay->name = memory_copy(cfg_title(section));
    relay->line = conf_file_section_line(file, section);
    check_relay_name(file, section);
    read_login(file, section, service, relay);
    if (service != NULL) {
        relay->host = relay_host(file, section, service);
        relay->ports = relay_ports(file, section, service, method);
    }
    service = service_behind(relay, service != NULL ? service : &unknown, catalogue);
    relay->concurrency =
        conf_file_int(file, section, "concurrency", 1, CONCURRENCY_MAX, service->concurrency);
    relay->rate = conf_file_rate(file, section, "rate", service->rate);
    relay_scope_read(file, section, service, method, relay);
}

void relay_section_free(struct relay *relay)
{
    relay_scope_free(relay);
    free(relay->name);
    free(relay->host);
    free(relay->username);
    free(relay->password_file);
    free(relay->ca_file);
}
