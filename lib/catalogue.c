/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/catalogue.h"

#include "lib/conf_file.h"
#include "lib/endpoint.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct catalogue {
    struct relay_service *relays;
    size_t relay_count;
    struct provider *providers;
    size_t provider_count;
};

static const char region_mark[] = "{region}";

bool ports_contain(const struct ports *ports, uint16_t port)
{
    for (size_t i = 0; i < ports->count; i++)
        if (ports->port[i] == port)
            return true;
    return false;
}

bool port_is_implicit_tls(uint16_t port)
{
    return port == 465 || port == 2465;
}

static char *copy_or_null(cfg_t *section, const char *opt)
{
    const char *text = conf_file_text(section, opt);

    return text != NULL ? memory_copy(text) : NULL;
}

/* A statement of fact without its source and date is worth nothing. */
static char *required(struct conf_file *file, cfg_t *section, const char *opt)
{
    if (conf_file_text(section, opt) == NULL)
        conf_file_complain(file, section, opt, "%s %s needs %s", cfg_name(section),
                           cfg_title(section), opt);
    return copy_or_null(section, opt);
}

static struct ports read_ports(struct conf_file *file, cfg_t *section, const char *opt)
{
    struct ports ports = { .count = 0 };
    unsigned count = cfg_size(section, opt);

    if (count > PORTS_MAX) {
        conf_file_complain(file, section, opt, "%s: at most %d ports", opt, PORTS_MAX);
        count = PORTS_MAX;
    }
    for (unsigned i = 0; i < count; i++)
        ports.port[ports.count++] =
            conf_file_port(file, section, opt, cfg_getnstr(section, opt, i));
    return ports;
}

static char **read_list(cfg_t *section, const char *opt)
{
    unsigned count = cfg_size(section, opt);
    char **list = memory_zero(count + 1, sizeof *list);

    for (unsigned i = 0; i < count; i++)
        list[i] = memory_copy(cfg_getnstr(section, opt, i));
    return list;
}

static void read_relay(struct conf_file *file, cfg_t *section, struct relay_service *r)
{
    r->name = memory_copy(cfg_title(section));
    r->title = required(file, section, "title");
    r->host = copy_or_null(section, "host");
    r->ports = read_ports(file, section, "ports");
    r->needs_region = r->host != NULL && strstr(r->host, region_mark) != NULL;
    r->default_region = copy_or_null(section, "default_region");
    r->username = copy_or_null(section, "username");
    r->spf_include = copy_or_null(section, "spf_include");
    r->concurrency = conf_file_int(file, section, "concurrency", 1, 1000, 0);
    r->rate = conf_file_rate(file, section, "rate", 0);
    r->refuses_null_sender = conf_file_bool(file, section, "refuses_null_sender", false);
    r->source = required(file, section, "source");
    r->date = required(file, section, "date");
    if (!token_valid(r->name))
        conf_file_complain(file, section, "title", "relay %s: a name is 1 to 64 of a-z, 0-9 and -",
                           r->name);
    if (r->ports.count == 0)
        conf_file_complain(file, section, "ports", "relay %s needs ports", r->name);
    if (r->spf_include != NULL && !hostname_valid(r->spf_include))
        conf_file_complain(file, section, "spf_include", "relay %s: %s is not a domain", r->name,
                           r->spf_include);
}

static void read_provider(struct conf_file *file, cfg_t *section, struct provider *p)
{
    p->name = memory_copy(cfg_title(section));
    p->title = required(file, section, "title");
    p->policy = required(file, section, "policy");
    p->summary = required(file, section, "summary");
    p->lift = copy_or_null(section, "lift");
    p->url = copy_or_null(section, "url");
    p->closed = read_ports(file, section, "closed");
    p->sys_vendor = read_list(section, "sys_vendor");
    p->cloud_id = read_list(section, "cloud_id");
    p->source = required(file, section, "source");
    p->date = required(file, section, "date");
}

static void load_relays(struct catalogue *c, const char *path, struct complaints *complaints)
{
    cfg_opt_t relay[] = {
        CFG_STR("title", NULL, CFGF_NONE),
        CFG_STR("host", NULL, CFGF_NONE),
        CFG_STR_LIST("ports", NULL, CFGF_NONE),
        CFG_STR("default_region", NULL, CFGF_NONE),
        CFG_STR("username", NULL, CFGF_NONE),
        CFG_STR("spf_include", NULL, CFGF_NONE),
        CFG_STR("concurrency", NULL, CFGF_NONE),
        CFG_STR("rate", NULL, CFGF_NONE),
        CFG_STR("refuses_null_sender", NULL, CFGF_NONE),
        CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t root[] = { CFG_SEC("relay", relay, CFGF_MULTI | CFGF_TITLE), CFG_END() };
    struct conf_file *file = conf_file_read(path, root, complaints);

    if (file == NULL)
        return;
    c->relay_count = cfg_size(conf_file_root(file), "relay");
    c->relays = memory_zero(c->relay_count, sizeof *c->relays);
    for (unsigned i = 0; i < c->relay_count; i++)
        read_relay(file, cfg_getnsec(conf_file_root(file), "relay", i), &c->relays[i]);
    conf_file_free(file);
}

static void load_providers(struct catalogue *c, const char *path, struct complaints *complaints)
{
    cfg_opt_t provider[] = {
        CFG_STR("title", NULL, CFGF_NONE),
        CFG_STR("policy", NULL, CFGF_NONE),
        CFG_STR("summary", NULL, CFGF_NONE),
        CFG_STR("lift", NULL, CFGF_NONE),
        CFG_STR("url", NULL, CFGF_NONE),
        CFG_STR_LIST("closed", NULL, CFGF_NONE),
        CFG_STR_LIST("sys_vendor", NULL, CFGF_NONE),
        CFG_STR_LIST("cloud_id", NULL, CFGF_NONE),
        CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t root[] = { CFG_SEC("provider", provider, CFGF_MULTI | CFGF_TITLE), CFG_END() };
    struct conf_file *file = conf_file_read(path, root, complaints);

    if (file == NULL)
        return;
    c->provider_count = cfg_size(conf_file_root(file), "provider");
    c->providers = memory_zero(c->provider_count, sizeof *c->providers);
    for (unsigned i = 0; i < c->provider_count; i++)
        read_provider(file, cfg_getnsec(conf_file_root(file), "provider", i), &c->providers[i]);
    conf_file_free(file);
}

struct catalogue *catalogue_load(const char *directory, struct complaints *complaints)
{
    struct catalogue *c = memory_zero(1, sizeof *c);
    char *relays = memory_format("%s/relays.conf", directory);
    char *providers = memory_format("%s/providers.conf", directory);
    size_t errors = complaints_errors(complaints);

    load_relays(c, relays, complaints);
    load_providers(c, providers, complaints);
    free(relays);
    free(providers);
    if (complaints_errors(complaints) == errors)
        return c;
    catalogue_free(c);
    return NULL;
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

static void free_relay(struct relay_service *r)
{
    free(r->name);
    free(r->title);
    free(r->host);
    free(r->default_region);
    free(r->username);
    free(r->spf_include);
    free(r->source);
    free(r->date);
}

static void free_provider(struct provider *p)
{
    free(p->name);
    free(p->title);
    free(p->policy);
    free(p->summary);
    free(p->lift);
    free(p->url);
    free_list(p->sys_vendor);
    free_list(p->cloud_id);
    free(p->source);
    free(p->date);
}

void catalogue_free(struct catalogue *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->relay_count; i++)
        free_relay(&c->relays[i]);
    for (size_t i = 0; i < c->provider_count; i++)
        free_provider(&c->providers[i]);
    free(c->relays);
    free(c->providers);
    free(c);
}

const struct relay_service *catalogue_relay(const struct catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->relay_count; i++)
        if (strcmp(c->relays[i].name, name) == 0)
            return &c->relays[i];
    return NULL;
}

static bool host_fits(const char *pattern, const char *host)
{
    const char *mark = strstr(pattern, region_mark);

    if (mark == NULL)
        return strcasecmp(pattern, host) == 0;
    const char *tail = mark + strlen(region_mark);
    size_t head = (size_t)(mark - pattern), len = strlen(host);
    return len > head + strlen(tail) && strncasecmp(pattern, host, head) == 0 &&
           strcasecmp(host + len - strlen(tail), tail) == 0;
}

const struct relay_service *catalogue_relay_with_host(const struct catalogue *c, const char *host)
{
    for (size_t i = 0; i < c->relay_count; i++)
        if (c->relays[i].host != NULL && host_fits(c->relays[i].host, host))
            return &c->relays[i];
    return NULL;
}

const struct relay_service *catalogue_relay_at(const struct catalogue *c, size_t n)
{
    return n < c->relay_count ? &c->relays[n] : NULL;
}

const struct provider *catalogue_provider_at(const struct catalogue *c, size_t n)
{
    return n < c->provider_count ? &c->providers[n] : NULL;
}

char *relay_service_host(const struct relay_service *service, const char *region)
{
    const char *mark;

    if (service->host == NULL)
        return NULL;
    mark = strstr(service->host, region_mark);
    if (mark == NULL)
        return memory_copy(service->host);
    if (region == NULL)
        return NULL;
    return memory_format("%.*s%s%s", (int)(mark - service->host), service->host, region,
                         mark + strlen(region_mark));
}
