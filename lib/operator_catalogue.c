/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/operator_catalogue.h"

#include "lib/conf_file.h"
#include "lib/endpoint.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct operator_catalogue {
    struct mail_operator *operators;
    size_t count;
};

static char **read_domains(struct conf_file *file, cfg_t *section, const char *opt)
{
    unsigned count = cfg_size(section, opt);
    char **list = conf_file_list(section, opt);

    if (count == 0)
        conf_file_complain(file, section, opt, "operator %s needs %s", cfg_title(section), opt);
    for (unsigned i = 0; i < count; i++)
        if (!hostname_valid(list[i]))
            conf_file_complain_item(file, section, opt, i, "%s: %s is not a domain", opt, list[i]);
    return list;
}

static void read_operator(struct conf_file *file, cfg_t *section, struct mail_operator *o)
{
    o->name = memory_copy(cfg_title(section));
    o->title = conf_file_required(file, section, "title");
    o->targets = read_domains(file, section, "targets");
    o->mx = read_domains(file, section, "mx");
    o->tls = (enum probe_tls)conf_file_choice(file, section, "tls_level", probe_tls_words,
                                              PROBE_TLS_MAY);
    o->source = conf_file_required(file, section, "source");
    o->date = conf_file_required(file, section, "date");
    if (!token_valid(o->name))
        conf_file_complain(file, section, "title",
                           "operator %s: a name is 1 to 64 of a-z, 0-9 and -", o->name);
}

static void load(struct operator_catalogue *c, const char *path, struct complaints *complaints)
{
    cfg_opt_t operator[] = {
        CFG_STR("title", NULL, CFGF_NONE),
        CFG_STR_LIST("targets", NULL, CFGF_NONE),
        CFG_STR_LIST("mx", NULL, CFGF_NONE),
        CFG_STR("tls_level", NULL, CFGF_NONE),
        CFG_STR("source", NULL, CFGF_NONE),
        CFG_STR("date", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t root[] = { CFG_SEC("operator", operator, CFGF_MULTI | CFGF_TITLE), CFG_END() };
    struct conf_file *file = conf_file_read(path, root, complaints);

    if (file == NULL)
        return;
    c->count = cfg_size(conf_file_root(file), "operator");
    c->operators = memory_zero(c->count, sizeof *c->operators);
    for (unsigned i = 0; i < c->count; i++)
        read_operator(file, cfg_getnsec(conf_file_root(file), "operator", i), &c->operators[i]);
    conf_file_free(file);
}

struct operator_catalogue *operator_catalogue_load(const char *directory,
                                                   struct complaints *complaints)
{
    struct operator_catalogue *c = memory_zero(1, sizeof *c);
    char *path = memory_format("%s/operators.conf", directory);
    size_t errors = complaints_errors(complaints);

    load(c, path, complaints);
    free(path);
    if (complaints_errors(complaints) == errors)
        return c;
    operator_catalogue_free(c);
    return NULL;
}

void operator_catalogue_free(struct operator_catalogue *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++) {
        struct mail_operator *o = &c->operators[i];
        free(o->name);
        free(o->title);
        conf_file_list_free(o->targets);
        conf_file_list_free(o->mx);
        free(o->source);
        free(o->date);
    }
    free(c->operators);
    free(c);
}

const struct mail_operator *operator_catalogue_at(const struct operator_catalogue *c, size_t n)
{
    return n < c->count ? &c->operators[n] : NULL;
}

const struct mail_operator *operator_catalogue_target(const struct operator_catalogue *c,
                                                      const char *domain)
{
    for (size_t i = 0; i < c->count; i++)
        for (char **t = c->operators[i].targets; *t != NULL; t++)
            if (strcasecmp(*t, domain) == 0)
                return &c->operators[i];
    return NULL;
}

static bool lies_under(const char *host, const char *domain)
{
    size_t len = strlen(host), tail = strlen(domain);

    return len >= tail && strcasecmp(host + len - tail, domain) == 0 &&
           (len == tail || host[len - tail - 1] == '.');
}

const struct mail_operator *operator_catalogue_host(const struct operator_catalogue *c,
                                                    const char *host)
{
    for (size_t i = 0; i < c->count; i++)
        for (char **d = c->operators[i].mx; *d != NULL; d++)
            if (lies_under(host, *d))
                return &c->operators[i];
    return NULL;
}
