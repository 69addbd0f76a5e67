/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/host/view.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/base/text.h"
#include "postfix/cf/main_cf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that this program wants to know, asked for in one go: each postconf costs some 12 ms. */
static const char *const asked[] = { "mail_version",
                                     "compatibility_level",
                                     "config_directory",
                                     "daemon_directory",
                                     "queue_directory",
                                     "default_database_type",
                                     "mail_owner",
                                     "myhostname",
                                     "mydestination",
                                     "mynetworks",
                                     "inet_interfaces",
                                     "inet_protocols",
                                     "maximal_queue_lifetime",
                                     "bounce_queue_lifetime",
                                     "multi_instance_directories",
                                     "relayhost",
                                     "relay_domains",
                                     "default_transport",
                                     "transport_maps",
                                     "sender_dependent_relayhost_maps",
                                     "sender_dependent_default_transport_maps",
                                     "smtp_sender_dependent_authentication",
                                     "smtp_fallback_relay",
                                     "smtp_helo_name",
                                     "smtp_bind_address",
                                     "smtp_bind_address6",
                                     "smtp_cname_overrides_servername",
                                     "smtp_delivery_status_filter",
                                     "smtp_discard_ehlo_keywords",
                                     "smtp_sasl_auth_enable",
                                     "smtp_sasl_mechanism_filter",
                                     "smtp_sasl_password_maps",
                                     "smtp_sasl_password_result_delimiter",
                                     "smtp_sasl_security_options",
                                     "smtp_sasl_tls_security_options",
                                     "smtp_sasl_tls_verified_security_options",
                                     "smtp_sasl_type",
                                     "smtp_tls_CAfile",
                                     "smtp_tls_CApath",
                                     "smtp_tls_mandatory_ciphers",
                                     "smtp_tls_per_site",
                                     "smtp_tls_policy_maps",
                                     "smtp_tls_wrappermode",
                                     "smtputf8_enable",
                                     "smtpd_client_restrictions",
                                     "smtpd_helo_restrictions",
                                     "smtpd_sender_restrictions",
                                     "smtpd_relay_restrictions",
                                     "smtpd_recipient_restrictions",
                                     "smtpd_data_restrictions",
                                     "address_verify_relayhost",
                                     "alternate_config_directories",
                                     "address_verify_sender_dependent_default_transport_maps",
                                     "double_bounce_sender",
                                     "empty_address_default_transport_maps_lookup_key",
                                     "proxy_interfaces",
                                     "recipient_delimiter",
                                     "smtp_body_checks",
                                     "smtp_generic_maps",
                                     "smtp_header_checks",
                                     "smtp_mime_header_checks",
                                     "smtp_nested_header_checks",
                                     "smtp_tls_trust_anchor_file",
                                     "syslog_name",
                                     "tls_append_default_CA",
                                     "always_bcc",
                                     "body_checks",
                                     "content_filter",
                                     "defer_transports",
                                     "fallback_transport",
                                     "fallback_transport_maps",
                                     "header_checks",
                                     "local_transport",
                                     "mailbox_transport",
                                     "mailbox_transport_maps",
                                     "mime_header_checks",
                                     "nested_header_checks",
                                     "recipient_bcc_maps",
                                     "relay_transport",
                                     "sender_bcc_maps",
                                     "smtpd_end_of_data_restrictions",
                                     "virtual_mailbox_domains",
                                     "virtual_transport" };

#define ASKED (sizeof asked / sizeof asked[0])

struct parameters {
    char *text;
    char **names, **values; /* into TEXT */
    size_t count;
};

struct view {
    struct parameters *expanded, *raw, *written, *overrides;
    struct view_service *services;
    size_t service_count;
    char *map_types, *sasl_clients, *main_cf;
};

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void add(struct parameters *p, char *line)
{
    char *equals = strstr(line, " =");

    if (equals == NULL)
        return;
    *equals = '\0';
    p->names = memory_grow(p->names, p->count + 1, sizeof *p->names);
    p->values = memory_grow(p->values, p->count + 1, sizeof *p->values);
    p->names[p->count] = line;
    p->values[p->count++] = equals + 2 + strspn(equals + 2, " ");
}

struct parameters *parameters_parse(const char *text)
{
    struct parameters *p = memory_zero(1, sizeof *p);

    p->text = memory_copy(text);
    char *rest = p->text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        add(p, line);
    return p;
}

void parameters_free(struct parameters *p)
{
    if (p == NULL)
        return;
    free(p->text);
    free(p->names);
    free(p->values);
    free(p);
}

size_t parameters_count(const struct parameters *p)
{
    return p->count;
}

const char *parameters_name(const struct parameters *p, size_t n)
{
    return p->names[n];
}

const char *parameters_nth(const struct parameters *p, size_t n)
{
    return p->values[n];
}

const char *parameters_value(const struct parameters *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->names[i], name) == 0)
            return p->values[i];
    return NULL;
}

char *replace_all(const char *text, const char *from, const char *to)
{
    const char *end = text + strlen(text), *hit;
    size_t n = strlen(from);
    struct text out;

    text_open(&out);
    for (; n > 0 && (hit = memmem(text, (size_t)(end - text), from, n)) != NULL; text = hit + n) {
        fwrite(text, 1, (size_t)(hit - text), out.out);
        fputs(to, out.out);
    }
    fputs(text, out.out);
    text_close(&out);
    return out.bytes;
}

/* postconf -c DIRECTORY OPTION [NAMES]; its output, or NULL. *WARNINGS may be NULL. */
static char *postconf(const char *directory, const char *home, const char *option,
                      const char *const names[], size_t count, char **warnings, struct why *why)
{
    const char *argv[ASKED + 8] = { "postconf", "-c", directory };
    struct command_result result = { 0 };
    size_t n = 3;
    char *text = NULL;

    if (option != NULL)
        argv[n++] = option;
    for (size_t i = 0; i < count; i++)
        argv[n++] = names[i];
    bool well = command_ok(argv, COMMAND_TIMEOUT_MS, &result, why) == 0;
    if (well && result.truncated) {
        well = false;
        why_set(why, "postconf says more than %zu bytes", COMMAND_OUTPUT_MAX);
    }
    if (well) {
        text = replace_all(result.out, directory, home);
        if (warnings != NULL)
            *warnings = replace_all(result.err, directory, home);
    }
    command_result_free(&result);
    return text;
}

static struct parameters *ask(const char *directory, const char *home, const char *option,
                              const char *const names[], size_t count, char **warnings,
                              struct why *why)
{
    char *text = postconf(directory, home, option, names, count, warnings, why);
    struct parameters *p = text == NULL ? NULL : parameters_parse(text);

    free(text);
    return p;
}

struct parameters *view_explicit(const char *directory, const char *home, char **warnings,
                                 struct why *why)
{
    return ask(directory, home, "-n", NULL, 0, warnings, why);
}

char *view_entries(const char *directory, const char *home, struct why *why)
{
    return postconf(directory, home, "-Mf", NULL, 0, NULL, why);
}

struct parameters *view_some(const char *directory, bool expanded, const char *const names[],
                             struct why *why)
{
    size_t count = 0;

    while (names[count] != NULL && count < ASKED)
        count++;
    return ask(directory, directory, expanded ? "-x" : NULL, names, count, NULL, why);
}

char *view_one(const char *directory, const char *name, struct why *why)
{
    const char *const names[] = { name, NULL };
    struct parameters *p = view_some(directory, true, names, why);
    const char *value = p == NULL ? NULL : parameters_value(p, name);
    char *copy = value == NULL ? NULL : memory_copy(value);

    if (p != NULL && value == NULL)
        why_set(why, "postconf does not say what %s is", name);
    parameters_free(p);
    return copy;
}

/* "name type private unpriv chroot wakeup maxproc command + args" (master(5)) */
static void add_service(struct view *view, const char *line)
{
    char name[256] = "", type[32] = "", command[256] = "";

    if (sscanf(line, "%255s %31s %*s %*s %*s %*s %*s %255s", name, type, command) != 3)
        return;
    view->services = memory_grow(view->services, view->service_count + 1, sizeof *view->services);
    view->services[view->service_count++] = (struct view_service){
        .name = memory_format("%s/%s", name, type),
        .command = memory_copy(command),
    };
}

static struct parameters *parse_and_free(char *text)
{
    struct parameters *p = parameters_parse(or_empty(text));

    free(text);
    return p;
}

struct view *view_new(struct view_texts *texts)
{
    struct view *view = memory_zero(1, sizeof *view);
    char *rest = texts->services;

    view->expanded = parse_and_free(texts->expanded);
    view->raw = parse_and_free(texts->raw);
    view->written = parse_and_free(texts->written);
    view->overrides = parse_and_free(texts->overrides);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        add_service(view, line);
    free(texts->services);
    view->map_types = texts->map_types;
    view->sasl_clients = texts->sasl_clients;
    view->main_cf = texts->main_cf;
    *texts = (struct view_texts){ 0 };
    return view;
}

static char *read_main_cf(const char *directory, struct why *why)
{
    char *path = memory_format("%s/main.cf", directory);
    size_t len;
    char *text = file_read(path, MAIN_CF_MAX, &len, why);

    free(path);
    return text;
}

static bool read_all(struct view_texts *texts, const char *directory, const char *home,
                     struct why *why)
{
    return (texts->expanded = postconf(directory, home, "-x", asked, ASKED, NULL, why)) != NULL &&
           (texts->raw = postconf(directory, home, NULL, asked, ASKED, NULL, why)) != NULL &&
           (texts->written = postconf(directory, home, "-n", NULL, 0, NULL, why)) != NULL &&
           (texts->overrides = postconf(directory, home, "-xP", NULL, 0, NULL, why)) != NULL &&
           (texts->services = postconf(directory, home, "-M", NULL, 0, NULL, why)) != NULL &&
           (texts->map_types = postconf(directory, home, "-m", NULL, 0, NULL, why)) != NULL &&
           (texts->sasl_clients = postconf(directory, home, "-A", NULL, 0, NULL, why)) != NULL &&
           (texts->main_cf = read_main_cf(directory, why)) != NULL;
}

struct view *view_read(const char *directory, const char *home, struct why *why)
{
    struct view_texts texts = { 0 };
    bool read = read_all(&texts, directory, home, why);
    struct view *view = view_new(&texts);

    if (read)
        return view;
    view_free(view);
    return NULL;
}

void view_free(struct view *view)
{
    if (view == NULL)
        return;
    parameters_free(view->expanded);
    parameters_free(view->raw);
    parameters_free(view->written);
    parameters_free(view->overrides);
    for (size_t i = 0; i < view->service_count; i++) {
        free(view->services[i].name);
        free(view->services[i].command);
    }
    free(view->services);
    free(view->map_types);
    free(view->sasl_clients);
    free(view->main_cf);
    free(view);
}

bool view_knows(const char *name)
{
    for (size_t i = 0; i < ASKED; i++)
        if (strcmp(asked[i], name) == 0)
            return true;
    return false;
}

/* Nobody's mail is worth a slip in a name: what is in use goes on. */
static void must_know(const char *name)
{
#ifdef __SANITIZE_ADDRESS__
    if (!view_knows(name)) {
        fprintf(stderr, "%s is not among the parameters of a view\n", name);
        abort();
    }
#else
    (void)name;
#endif
}

const char *view_value(const struct view *view, const char *name)
{
    must_know(name);
    return or_empty(parameters_value(view->expanded, name));
}

const char *view_raw(const struct view *view, const char *name)
{
    must_know(name);
    return or_empty(parameters_value(view->raw, name));
}

const char *view_override(const struct view *view, const char *service, const char *name)
{
    char *key = memory_format("%s/%s", service, name);
    const char *value = parameters_value(view->overrides, key);

    free(key);
    return value;
}

const char *view_smtp_value(const struct view *view, const char *name)
{
    must_know(name);
    const char *value = view_override(view, "smtp/unix", name);

    return value != NULL ? value : view_value(view, name);
}

const char *view_written(const struct view *view, const char *name)
{
    return parameters_value(view->written, name);
}

const struct parameters *view_overrides(const struct view *view)
{
    return view->overrides;
}

const char *view_main_cf(const struct view *view)
{
    return or_empty(view->main_cf);
}

size_t view_service_count(const struct view *view)
{
    return view->service_count;
}

const struct view_service *view_service(const struct view *view, size_t n)
{
    return &view->services[n];
}

const char *view_command(const struct view *view, const char *service)
{
    for (size_t i = 0; i < view->service_count; i++)
        if (strcmp(view->services[i].name, service) == 0)
            return view->services[i].command;
    return "";
}

/* Whether WORD is one of the lines of TEXT. */
static bool has_line(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (len == n && n > 0 && memcmp(line, word, n) == 0)
            return true;
        line += len + (line[len] == '\n');
    }
    return false;
}

bool view_has_map_type(const struct view *view, const char *type)
{
    return has_line(or_empty(view->map_types), type);
}

bool view_has_sasl_client(const struct view *view, const char *type)
{
    return has_line(or_empty(view->sasl_clients), type);
}
