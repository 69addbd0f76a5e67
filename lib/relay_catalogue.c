/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/relay_catalogue.h"

#include "lib/endpoint.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct relay_catalogue {
    struct relay_service *relays;
    size_t count;
};

static const char region_mark[] = "{region}";

static void read_price(struct conf_file *file, cfg_t *section, struct relay_service *r)
{
    r->price = conf_file_copy(section, "price", NULL);
    r->free_of_charge = conf_file_copy(section, "free", NULL);
    if (r->price != NULL || r->free_of_charge != NULL)
        r->price_citation = citation_read(file, section, "price_source", "price_date");
}

static void read_relay(struct conf_file *file, cfg_t *section, struct relay_service *r)
{
    r->name = memory_copy(cfg_title(section));
    r->title = conf_file_required(file, section, "title");
    r->host = conf_file_copy(section, "host", NULL);
    r->ports = ports_read(file, section, "ports");
    r->needs_region = r->host != NULL && strstr(r->host, region_mark) != NULL;
    r->default_region = conf_file_copy(section, "default_region", NULL);
    r->username = conf_file_copy(section, "username", NULL);
    r->spf_include = conf_file_copy(section, "spf_include", NULL);
    if (r->spf_include != NULL && !hostname_valid(r->spf_include))
        conf_file_complain(file, section, "spf_include", "relay %s: %s is not a domain", r->name,
                           r->spf_include);
    r->concurrency = conf_file_int(file, section, "concurrency", 1, 1000, 0);
    r->rate = conf_file_rate(file, section, "rate", 0);
    r->refuses_null_sender = conf_file_bool(file, section, "refuses_null_sender", false);
    r->citation = citation_read(file, section, "source", "date");
    read_price(file, section, r);
    if (!token_valid(r->name))
        conf_file_complain(file, section, "title", "relay %s: a name is 1 to 64 of a-z, 0-9 and -",
                           r->name);
    if (r->ports.count == 0)
        conf_file_complain(file, section, "ports", "relay %s needs ports", r->name);
}

static struct conf_file *read_file(const char *path, struct complaints *complaints)
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
        CFG_STR("price", NULL, CFGF_NONE),
        CFG_STR("free", NULL, CFGF_NONE),
        CFG_STR("price_source", NULL, CFGF_NONE),
        CFG_STR("price_date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t root[] = { CFG_SEC("relay", relay, CFGF_MULTI | CFGF_TITLE), CFG_END() };

    return conf_file_read(path, root, complaints);
}

struct relay_catalogue *relay_catalogue_load(const char *directory, struct complaints *complaints)
{
    struct relay_catalogue *c = memory_zero(1, sizeof *c);
    char *path = memory_format("%s/relays.conf", directory);
    size_t errors = complaints_errors(complaints);
    struct conf_file *file = read_file(path, complaints);

    free(path);
    if (file != NULL) {
        c->count = cfg_size(conf_file_root(file), "relay");
        c->relays = memory_zero(c->count, sizeof *c->relays);
        for (unsigned i = 0; i < c->count; i++)
            read_relay(file, cfg_getnsec(conf_file_root(file), "relay", i), &c->relays[i]);
        conf_file_free(file);
    }
    if (complaints_errors(complaints) == errors)
        return c;
    relay_catalogue_free(c);
    return NULL;
}

static void free_relay(struct relay_service *r)
{
    free(r->name);
    free(r->title);
    free(r->host);
    free(r->default_region);
    free(r->username);
    free(r->spf_include);
    free(r->price);
    free(r->free_of_charge);
    citation_free(&r->citation);
    citation_free(&r->price_citation);
}

struct relay_catalogue *relay_catalogue_load_quietly(const char *directory)
{
    struct complaints *ignored = complaints_new();
    struct relay_catalogue *catalogue = relay_catalogue_load(directory, ignored);

    complaints_free(ignored);
    return catalogue;
}

void relay_catalogue_free(struct relay_catalogue *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        free_relay(&c->relays[i]);
    free(c->relays);
    free(c);
}

const struct relay_service *relay_catalogue_find(const struct relay_catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
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

const struct relay_service *relay_catalogue_with_host(const struct relay_catalogue *c,
                                                      const char *host)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->relays[i].host != NULL && host_fits(c->relays[i].host, host))
            return &c->relays[i];
    return NULL;
}

const struct relay_service *relay_catalogue_at(const struct relay_catalogue *c, size_t n)
{
    return n < c->count ? &c->relays[n] : NULL;
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
