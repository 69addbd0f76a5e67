/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/provider_catalogue.h"

#include "lib/endpoint.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define HOURS_MAX 10000

struct provider_catalogue {
    struct provider *providers;
    size_t count;
};

static const char *const policies[] = { "blocked", "partly", "open", NULL };
static const char *const liftings[] = { "no", "yes", "case-by-case", NULL };

const char *policy_name(enum policy policy)
{
    return policies[policy];
}

const char *lifting_name(enum lifting lifting)
{
    return liftings[lifting];
}

/* The section NAME of SECTION, or NULL. */
static cfg_t *part(cfg_t *section, const char *name)
{
    return cfg_size(section, name) > 0 ? cfg_getnsec(section, name, 0) : NULL;
}

static struct citation cite(struct conf_file *file, cfg_t *section)
{
    return citation_read(file, section, "source", "date");
}

static void read_machine(struct conf_file *file, cfg_t *section, struct provider_machine *m)
{
    m->sys_vendor = conf_file_list(section, "sys_vendor");
    m->product_name = conf_file_list(section, "product_name");
    m->chassis_asset_tag = conf_file_list(section, "chassis_asset_tag");
    m->board_vendor = conf_file_list(section, "board_vendor");
    m->cloud_id = conf_file_list(section, "cloud_id");
    m->citation = cite(file, section);
}

static void read_address(struct conf_file *file, cfg_t *section, struct provider_address *a)
{
    a->reverse_name = conf_file_list(section, "reverse_name");
    a->citation = cite(file, section);
    for (unsigned i = 0; a->reverse_name[i] != NULL; i++)
        if (!hostname_valid(a->reverse_name[i]))
            conf_file_complain_item(file, section, "reverse_name", i,
                                    "reverse_name %s; expected a domain", a->reverse_name[i]);
}

static void read_policy(struct conf_file *file, cfg_t *section, struct provider_policy *p)
{
    free(conf_file_required(file, section, "default"));
    p->kind = (enum policy)conf_file_choice(file, section, "default", policies, POLICY_BLOCKED);
    p->condition = p->kind == POLICY_PARTLY ? conf_file_required(file, section, "condition")
                                            : conf_file_copy(section, "condition", NULL);
    p->since = conf_file_date(file, section, "since");
    p->closed = ports_read(file, section, "closed");
    p->citation = cite(file, section);
    if (p->kind != POLICY_OPEN && p->closed.count == 0)
        conf_file_complain(file, section, "closed", "policy needs closed, the ports");
}

static void read_hours(struct conf_file *file, cfg_t *section, struct provider_lift *l)
{
    unsigned count = cfg_size(section, "hours");
    int hours[2] = { -1, -1 };

    if (count == 0)
        return;
    for (unsigned i = 0; i < count && i < 2; i++) {
        const char *text = cfg_getnstr(section, "hours", i);
        char *end;
        long value = strtol(text, &end, 10);
        if (*text >= '0' && *text <= '9' && *end == '\0' && value <= HOURS_MAX)
            hours[i] = (int)value;
    }
    l->has_hours = count == 2 && hours[0] >= 0 && hours[0] <= hours[1];
    l->hours_min = hours[0];
    l->hours_max = hours[1];
    if (!l->has_hours)
        conf_file_complain(file, section, "hours",
                           "hours: expected the least and the most, like { 24, 48 }, up to %d",
                           HOURS_MAX);
}

static void read_lift(struct conf_file *file, cfg_t *section, struct provider_lift *l)
{
    free(conf_file_required(file, section, "possible"));
    l->possible = (enum lifting)conf_file_choice(file, section, "possible", liftings, LIFTING_NO);
    l->how = conf_file_copy(section, "how", NULL);
    l->needs = conf_file_copy(section, "needs", NULL);
    l->url = conf_file_copy(section, "url", NULL);
    read_hours(file, section, l);
    l->citation = cite(file, section);
}

static void read_provider(struct conf_file *file, cfg_t *section, struct provider *p)
{
    cfg_t *machine = part(section, "machine"), *address = part(section, "address");
    cfg_t *policy = part(section, "policy"), *lift = part(section, "lift");

    p->name = memory_copy(cfg_title(section));
    p->title = conf_file_required(file, section, "title");
    p->lift_known = lift != NULL;
    if (!token_valid(p->name))
        conf_file_complain(file, section, "title",
                           "provider %s: a name is 1 to 64 of a-z, 0-9 and -", p->name);
    if (machine != NULL)
        read_machine(file, machine, &p->machine);
    if (address != NULL)
        read_address(file, address, &p->address);
    if (machine == NULL && address == NULL)
        conf_file_complain(file, section, "machine",
                           "provider %s needs machine or address, by which it is recognised",
                           p->name);
    if (policy != NULL)
        read_policy(file, policy, &p->policy);
    else
        conf_file_complain(file, section, "policy", "provider %s needs policy", p->name);
    if (lift != NULL)
        read_lift(file, lift, &p->lift);
}

static struct conf_file *read_file(const char *path, struct complaints *complaints)
{
    cfg_opt_t machine[] = {
        CFG_STR_LIST("sys_vendor", NULL, CFGF_NONE),
        CFG_STR_LIST("product_name", NULL, CFGF_NONE),
        CFG_STR_LIST("chassis_asset_tag", NULL, CFGF_NONE),
        CFG_STR_LIST("board_vendor", NULL, CFGF_NONE),
        CFG_STR_LIST("cloud_id", NULL, CFGF_NONE),
        CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t address[] = {
        CFG_STR_LIST("reverse_name", NULL, CFGF_NONE),
        CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t policy[] = {
        CFG_STR("default", NULL, CFGF_NONE),
        CFG_STR("condition", NULL, CFGF_NONE),
        CFG_STR("since", NULL, CFGF_NONE),
        CFG_STR_LIST("closed", NULL, CFGF_NONE),
        CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t lift[] = {
        CFG_STR("possible", NULL, CFGF_NONE),   CFG_STR("how", NULL, CFGF_NONE),
        CFG_STR("needs", NULL, CFGF_NONE),      CFG_STR("url", NULL, CFGF_NONE),
        CFG_STR_LIST("hours", NULL, CFGF_NONE), CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),       CFG_END(),
    };
    cfg_opt_t provider[] = {
        CFG_STR("title", NULL, CFGF_NONE),       CFG_SEC("machine", machine, CFGF_MULTI),
        CFG_SEC("address", address, CFGF_MULTI), CFG_SEC("policy", policy, CFGF_MULTI),
        CFG_SEC("lift", lift, CFGF_MULTI),       CFG_END(),
    };
    cfg_opt_t root[] = { CFG_SEC("provider", provider, CFGF_MULTI | CFGF_TITLE), CFG_END() };

    return conf_file_read(path, root, complaints);
}

struct provider_catalogue *provider_catalogue_load(const char *directory,
                                                   struct complaints *complaints)
{
    struct provider_catalogue *c = memory_zero(1, sizeof *c);
    char *path = memory_format("%s/providers.conf", directory);
    size_t errors = complaints_errors(complaints);
    struct conf_file *file = read_file(path, complaints);

    free(path);
    if (file != NULL) {
        c->count = cfg_size(conf_file_root(file), "provider");
        c->providers = memory_zero(c->count, sizeof *c->providers);
        for (unsigned i = 0; i < c->count; i++)
            read_provider(file, cfg_getnsec(conf_file_root(file), "provider", i), &c->providers[i]);
        conf_file_free(file);
    }
    if (complaints_errors(complaints) == errors)
        return c;
    provider_catalogue_free(c);
    return NULL;
}

static void free_machine(struct provider_machine *m)
{
    conf_file_list_free(m->sys_vendor);
    conf_file_list_free(m->product_name);
    conf_file_list_free(m->chassis_asset_tag);
    conf_file_list_free(m->board_vendor);
    conf_file_list_free(m->cloud_id);
    citation_free(&m->citation);
}

static void free_provider(struct provider *p)
{
    free(p->name);
    free(p->title);
    free_machine(&p->machine);
    conf_file_list_free(p->address.reverse_name);
    citation_free(&p->address.citation);
    free(p->policy.condition);
    free(p->policy.since);
    citation_free(&p->policy.citation);
    free(p->lift.how);
    free(p->lift.needs);
    free(p->lift.url);
    citation_free(&p->lift.citation);
}

void provider_catalogue_free(struct provider_catalogue *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        free_provider(&c->providers[i]);
    free(c->providers);
    free(c);
}

const struct provider *provider_catalogue_at(const struct provider_catalogue *c, size_t n)
{
    return n < c->count ? &c->providers[n] : NULL;
}

const struct provider *provider_catalogue_find(const struct provider_catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->providers[i].name, name) == 0)
            return &c->providers[i];
    return NULL;
}
