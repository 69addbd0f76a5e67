/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/config_load.h"

#include "lib/address.h"
#include "lib/conf_file.h"
#include "lib/conf_pairs.h"
#include "lib/memory.h"
#include "lib/relay_section.h"
#include "lib/reputation_section.h"
#include "lib/tls_policy.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define TARGETS_MAX 1000
#define RELAYS_MAX  16

/* libconfuse's defaults are not const. Large operators on several continents. */
static char default_targets[] =
    "{ \"gmail.com\", \"outlook.com\", \"yahoo.com\", \"icloud.com\", \"gmx.net\" }";

static char *socket_or(struct conf_file *file, cfg_t *section, const char *fallback)
{
    char *path = conf_file_path_copy(file, section, "socket", fallback);

    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        conf_file_complain(file, section, "socket",
                           "socket: a socket's path has at most 107 bytes (unix(7))");
    return path;
}

static char *name_or(struct conf_file *file, cfg_t *section, const char *opt, const char *fallback)
{
    char *name = conf_file_copy(section, opt, fallback);

    if (name != NULL && (*name == '\0' || strpbrk(name, " \t:/,") != NULL))
        conf_file_complain(file, section, opt, "%s = %s; expected the name of a user or group", opt,
                           name);
    return name;
}

static void read_targets(struct conf_file *file, cfg_t *section, struct probe_config *probe)
{
    unsigned count = cfg_size(section, "targets");

    probe->targets = memory_zero(count, sizeof *probe->targets);
    if (count == 0 || count > TARGETS_MAX)
        conf_file_complain(file, section, "targets", "targets: expected 1 to %d of them",
                           TARGETS_MAX);
    for (unsigned i = 0; i < count && i < TARGETS_MAX; i++) {
        struct endpoint *t = &probe->targets[probe->target_count];
        const char *text = cfg_getnstr(section, "targets", i), *why;
        if (endpoint_parse(text, 25, t, &why) == -1)
            conf_file_complain_item(file, section, "targets", i, "target %s: %s", text, why);
        else
            probe->target_count++;
    }
}

static char *read_source(struct conf_file *file, cfg_t *section, const char *opt,
                         enum family family)
{
    char *text = conf_file_copy(section, opt, NULL);
    struct address address;

    if (text != NULL && (!address_parse(text, 0, &address) || address_family(&address) != family))
        conf_file_complain(file, section, opt, "%s = %s; expected an %s address of this host", opt,
                           text, family == FAMILY_IPV4 ? "IPv4" : "IPv6");
    return text;
}

/* One silent target is never a provider's block: two is the least that can be one. */
static int default_quorum(size_t targets)
{
    return targets < 3 ? 2 : 3;
}

static void read_probe(struct conf_file *file, cfg_t *section, struct probe_config *probe)
{
    read_targets(file, section, probe);
    tls_policy_read(file, section, probe);
    probe->interval = conf_file_int(file, section, "interval", 1, 86400, 300);
    probe->fastinter = conf_file_int(file, section, "fastinter", 1, 3600, 5);
    probe->timeout = conf_file_int(file, section, "timeout", 1, 60, 8);
    probe->fall = conf_file_int(file, section, "fall", 1, 100, 2);
    probe->rise = conf_file_int(file, section, "rise", 1, 100, 3);
    probe->stay = conf_file_int(file, section, "stay", 0, 604800, 600);
    probe->quorum = conf_file_int(file, section, "quorum", 2, TARGETS_MAX,
                                  default_quorum(cfg_size(section, "targets")));
    probe->helo_name = conf_file_copy(section, "helo_name", NULL);
    probe->source_address = read_source(file, section, "source_address", FAMILY_IPV4);
    probe->source_address6 = read_source(file, section, "source_address6", FAMILY_IPV6);
    if (probe->helo_name != NULL && !hostname_valid(probe->helo_name))
        conf_file_complain(file, section, "helo_name", "helo_name = %s; expected a host name",
                           probe->helo_name);
    if ((size_t)probe->quorum > cfg_size(section, "targets"))
        conf_file_complain(file, section, "quorum",
                           "quorum = %d with %u targets; it must not exceed their number",
                           probe->quorum, cfg_size(section, "targets"));
    if (probe->fastinter > probe->interval)
        conf_file_complain(file, section, "fastinter",
                           "fastinter = %d is longer than interval = %d; it must be shorter",
                           probe->fastinter, probe->interval);
}

static void read_relays(struct conf_file *file, struct config *config,
                        struct complaints *complaints)
{
    struct relay_catalogue *catalogue =
        relay_catalogue_load(config->catalogue_directory, complaints);
    cfg_t *root = conf_file_root(file);
    unsigned count = cfg_size(root, "relay");

    if (catalogue == NULL)
        return;
    if (count > RELAYS_MAX)
        complain(complaints, config->path,
                 conf_file_section_line(file, cfg_getnsec(root, "relay", RELAYS_MAX)),
                 "at most %d relay sections", RELAYS_MAX);
    config->relays = memory_zero(count, sizeof *config->relays);
    for (unsigned i = 0; i < count && i < RELAYS_MAX; i++)
        relay_section_read(file, cfg_getnsec(root, "relay", i), catalogue, config->postfix.method,
                           &config->relays[config->relay_count++]);
    relay_catalogue_free(catalogue);
}

static void read_postfix(struct conf_file *file, cfg_t *section, struct postfix_config *postfix)
{
    int level = conf_file_choice(file, section, "tls_level", config_tls_levels, TLS_LEVEL_SECURE);

    postfix->config_directory =
        conf_file_path_copy(file, section, "config_directory", "/etc/postfix");
    postfix->tls_level = (enum tls_level)level;
    postfix->replace_relayhost = conf_file_bool(file, section, "replace_relayhost", false);
    postfix->force = conf_file_bool(file, section, "force", false);
    postfix->method =
        (enum method)conf_file_choice(file, section, "method", config_methods, METHOD_RELAYHOST);
    if (level == TLS_LEVEL_ENCRYPT)
        complain_warning(conf_file_complaints(file), conf_file_path(file),
                         conf_file_line(file, section, "tls_level"),
                         "tls_level = encrypt does not check who the relay is: whoever answers in "
                         "its place gets the password; secure is the safe level");
}

static void read_sockets(struct conf_file *file, cfg_t *status, cfg_t *apply, struct config *config)
{
    config->status.socket = socket_or(file, status, "/run/detourd/detourd.sock");
    config->status.group = name_or(file, status, "group", "adm");
    config->status.admin_group = name_or(file, status, "admin_group", NULL);
    config->apply.socket = socket_or(file, apply, "/run/detour-apply/apply.sock");
}

static void check_mode(struct conf_file *file, struct config *config)
{
    if (config->mode != MODE_OBSERVE && config->relay_count == 0)
        conf_file_complain(file, conf_file_root(file), "mode",
                           "mode = %s has nothing to switch to; add a relay section, or write "
                           "mode = observe",
                           mode_name(config->mode));
}

static cfg_opt_t probe_opts[] = {
    CFG_STR_LIST("targets", default_targets, CFGF_NONE),
    CFG_STR("interval", NULL, CFGF_NONE),
    CFG_STR("fastinter", NULL, CFGF_NONE),
    CFG_STR("timeout", NULL, CFGF_NONE),
    CFG_STR("fall", NULL, CFGF_NONE),
    CFG_STR("rise", NULL, CFGF_NONE),
    CFG_STR("stay", NULL, CFGF_NONE),
    CFG_STR("quorum", NULL, CFGF_NONE),
    CFG_STR("helo_name", NULL, CFGF_NONE),
    CFG_STR("source_address", NULL, CFGF_NONE),
    CFG_STR("source_address6", NULL, CFGF_NONE),
    CFG_STR_LIST("tls_policy", NULL, CONF_PAIRS),
    CFG_END(),
};

static cfg_opt_t postfix_opts[] = {
    CFG_STR("config_directory", NULL, CFGF_NONE),
    CFG_STR("method", NULL, CFGF_NONE),
    CFG_STR("tls_level", NULL, CFGF_NONE),
    CFG_STR("replace_relayhost", NULL, CFGF_NONE),
    CFG_STR("force", NULL, CFGF_NONE),
    CFG_END(),
};

static cfg_opt_t status_opts[] = {
    CFG_STR("socket", NULL, CFGF_NONE),
    CFG_STR("group", NULL, CFGF_NONE),
    CFG_STR("admin_group", NULL, CFGF_NONE),
    CFG_END(),
};

static cfg_opt_t apply_opts[] = { CFG_STR("socket", NULL, CFGF_NONE), CFG_END() };

static cfg_opt_t root_opts[] = {
    CFG_STR("mode", NULL, CFGF_NONE),
    CFG_STR("user", NULL, CFGF_NONE),
    CFG_STR("state_directory", NULL, CFGF_NONE),
    CFG_STR("catalogue_directory", NULL, CFGF_NONE),
    CFG_STR("switch_limit", NULL, CFGF_NONE),
    CFG_SEC("probe", probe_opts, CFGF_MULTI),
    CFG_SEC("relay", relay_section_opts, CFGF_MULTI | CFGF_TITLE),
    CFG_SEC("reputation", reputation_section_opts, CFGF_MULTI),
    CFG_SEC("postfix", postfix_opts, CFGF_MULTI),
    CFG_SEC("status", status_opts, CFGF_MULTI),
    CFG_SEC("apply", apply_opts, CFGF_MULTI),
    CFG_END(),
};

/* Sections that a file leaves out read as empty ones. */
struct sections {
    cfg_t *defaults;
    cfg_t *probe, *reputation, *postfix, *status, *apply;
};

static cfg_t *section_or_empty(struct sections *s, cfg_t *root, const char *name)
{
    return cfg_size(root, name) > 0 ? cfg_getnsec(root, name, 0)
                                    : cfg_getnsec(s->defaults, name, 0);
}

static struct sections find_sections(cfg_t *root)
{
    struct sections s = { .defaults = cfg_init(root_opts, CFGF_NONE) };

    cfg_parse_buf(s.defaults, "probe { } reputation { } postfix { } status { } apply { }");
    s.probe = section_or_empty(&s, root, "probe");
    s.reputation = section_or_empty(&s, root, "reputation");
    s.postfix = section_or_empty(&s, root, "postfix");
    s.status = section_or_empty(&s, root, "status");
    s.apply = section_or_empty(&s, root, "apply");
    return s;
}

static void read_top(struct conf_file *file, cfg_t *root, struct config *config)
{
    config->mode = (enum mode)conf_file_choice(file, root, "mode", config_modes, MODE_OBSERVE);
    config->user = name_or(file, root, "user", "detourd");
    config->state_directory =
        conf_file_path_copy(file, root, "state_directory", "/var/lib/detourd");
    config->catalogue_directory =
        conf_file_path_copy(file, root, "catalogue_directory", PKGDATADIR);
    config->switch_limit = conf_file_int(file, root, "switch_limit", 1, 1000, 6);
}

static void read_root(struct conf_file *file, struct config *config, struct complaints *complaints)
{
    cfg_t *root = conf_file_root(file);
    struct sections s = find_sections(root);

    read_top(file, root, config);
    read_probe(file, s.probe, &config->probe);
    reputation_section_read(file, s.reputation, &config->reputation);
    read_postfix(file, s.postfix, &config->postfix);
    read_sockets(file, s.status, s.apply, config);
    if (cfg_size(root, "relay") > 0)
        read_relays(file, config, complaints);
    check_mode(file, config);
    cfg_free(s.defaults);
}

struct config *config_load(const char *path, struct complaints *complaints)
{
    size_t errors = complaints_errors(complaints);
    struct conf_file *file = conf_file_read(path, root_opts, complaints);
    struct config *config = memory_zero(1, sizeof *config);

    config->path = memory_copy(path != NULL ? path : "defaults");
    if (file != NULL)
        read_root(file, config, complaints);
    conf_file_free(file);
    if (file != NULL && complaints_errors(complaints) == errors)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_defaults(void)
{
    struct complaints *none = complaints_new();
    struct config *config = config_load(NULL, none);

    complaints_free(none);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->relay_count; i++)
        relay_section_free(&config->relays[i]);
    free(config->relays);
    free(config->path);
    free(config->user);
    free(config->state_directory);
    free(config->catalogue_directory);
    free(config->probe.targets);
    tls_policy_free(&config->probe);
    free(config->probe.helo_name);
    free(config->probe.source_address);
    free(config->probe.source_address6);
    reputation_section_free(&config->reputation);
    free(config->postfix.config_directory);
    free(config->status.socket);
    free(config->status.group);
    free(config->status.admin_group);
    free(config->apply.socket);
    free(config);
}
