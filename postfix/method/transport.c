/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/method/transport.h"

#include "lib/memory.h"
#include "lib/secret.h"
#include "postfix/base/text.h"
#include "postfix/cf/services.h"
#include "postfix/host/table.h"
#include "postfix/method/shield.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Tables of the generation; this one leads from any answer of the owner's to "not ours". */
#define TO_DUNNO "theirs"
#define SHIELD   "shield"

/* The null sender, which Postfix quotes before it asks (senders.c). */
#define NULL_KEY  "<>"
#define NULL_RULE "/^\"<>\"$/ <>\n"

/* By default the same as TRANSPORT_SETTING. */
#define VERIFY_SETTING "address_verify_" TRANSPORT_SETTING

/* The answer that leaves a sender's mail to main.cf (postconf(5)). */
#define NOT_OURS "DUNNO"

/* A message of many recipients is one delivery; with _destination_rate_delay, 1 would mean a delay
 * for each recipient (postconf(5)). */
#define RECIPIENT_LIMIT "50"
/* qmgr(8)'s own first number of connections (initial_destination_concurrency). */
#define CONCURRENCY_FIRST 5

/* Pinned to a constant. */
static const struct {
    const char *name, *value;
} pins[] = {
    { "smtp_sasl_auth_enable", "yes" },
    { "smtp_sasl_type", "cyrus" },
    { "smtp_sasl_path", "" },
    /* Those that need a user name and a password and nothing else, as the relay is proved with. */
    { "smtp_sasl_mechanism_filter", "plain, login, cram-md5, digest-md5, scram-sha-1, "
                                    "scram-sha-224, scram-sha-256, scram-sha-384, scram-sha-512" },
    { "smtp_sasl_security_options", "noanonymous" },
    { "smtp_sasl_tls_security_options", "noanonymous" },
    { "smtp_sasl_tls_verified_security_options", "noanonymous" },
    { "smtp_sasl_auth_soft_bounce", "yes" },
    { "smtp_sasl_auth_cache_name", "" },
    { "smtp_sender_dependent_authentication", "no" },
    { "smtp_tls_CApath", "" },
    { "smtp_tls_policy_maps", "" },
    { "smtp_fallback_relay", "" },
    { "smtp_discard_ehlo_keyword_address_maps", "" },
    { "smtp_always_send_ehlo", "yes" },
    { "smtp_never_send_ehlo", "no" },
    { "smtp_reply_filter", "" },
};

/* Pinned as well, where the owner's configuration has something else. */
static const struct {
    const char *name, *value;
} pinned_if_set[] = {
    { "smtp_sasl_password_result_delimiter", ":" }, /* Postfix 3.10 */
    { "smtp_tls_trust_anchor_file", "" },           /* it goes before smtp_tls_CAfile */
    { "smtp_tls_per_site", "" },
};

/* Pinned to the owner's own value: what they do to mail that leaves, they want with the relay too,
 * and nothing may change while it is in use. */
static const char *const kept[] = {
    "smtp_header_checks",
    "smtp_mime_header_checks",
    "smtp_nested_header_checks",
    "smtp_body_checks",
};

struct work {
    const struct transport_input *in;
    struct rendering *out;
    struct why *why;
    unsigned keys; /* tables of keys so far */
    int rc;
};

static char *lower_case(const char *text)
{
    char *copy = memory_copy(text);

    for (char *p = copy; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

static char *service_name(const struct relay *relay, bool implicit_tls)
{
    return memory_format("detour-%s%s", relay->name, implicit_tls ? "_tls" : "");
}

char *transport_service(const struct relay *relay, uint16_t port)
{
    return service_name(relay, port_is_implicit_tls(port));
}

char *transport_nexthop(const struct relay *relay, uint16_t port)
{
    char *service = transport_service(relay, port);
    char *host = lower_case(relay->host);
    char *nexthop = memory_format("%s:[%s]:%u", service, host, port);

    free(service);
    free(host);
    return nexthop;
}

/* The options of a service. */

static void pin(struct work *w, struct settings *options, const char *name, const char *value)
{
    if (service_value_fits(value))
        settings_add(options, name, value);
    else
        w->rc =
            why_set(w->why, "%s = %s: a value like that cannot stand in master.cf", name, value);
}

/* What "-o" of the owner's service smtp says counts before main.cf. */
static char *owners_value(const struct work *w, const char *name)
{
    const char *value = view_override(w->in->view, "smtp/unix", name);

    return value != NULL ? settings_escape(value) : memory_copy(view_raw(w->in->view, name));
}

static void keep(struct work *w, struct settings *options, const char *name)
{
    char *value = owners_value(w, name);

    pin(w, options, name, value);
    free(value);
}

static void pin_constants(struct work *w, struct settings *options)
{
    for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++)
        settings_add(options, pins[i].name, pins[i].value);
    for (size_t i = 0; i < sizeof pinned_if_set / sizeof pinned_if_set[0]; i++)
        if (view_smtp_value(w->in->view, pinned_if_set[i].name)[0] != '\0')
            settings_add(options, pinned_if_set[i].name, pinned_if_set[i].value);
    /* Not where it is the default: Postfix 3.11 warns of it wherever it stands. */
    const char *overrides = view_smtp_value(w->in->view, "smtp_cname_overrides_servername");
    if (overrides[0] != '\0' && strcasecmp(overrides, "no") != 0)
        settings_add(options, "smtp_cname_overrides_servername", "no");
    /* Nobody but the relay's CA file says who vouches for it. */
    const char *more = view_smtp_value(w->in->view, "tls_append_default_CA");
    if (more[0] != '\0' && strcasecmp(more, "no") != 0)
        settings_add(options, "tls_append_default_CA", "no");
}

/* The owner's list but for the two words without which there is no password. */
static void pin_keywords(struct work *w, struct settings *options)
{
    const char *value = view_smtp_value(w->in->view, "smtp_discard_ehlo_keywords");
    char *copy = memory_copy(value), *rest = copy;
    struct text list;

    text_open(&list);
    for (char *word; (word = strsep(&rest, ", \t\r\n")) != NULL;)
        if (*word != '\0' && strcasecmp(word, "starttls") != 0 && strcasecmp(word, "auth") != 0)
            fprintf(list.out, "%s%s", ftell(list.out) > 0 ? ", " : "", word);
    text_close(&list);
    pin(w, options, "smtp_discard_ehlo_keywords", list.bytes);
    free(list.bytes);
    free(copy);
}

static void pin_tls(struct work *w, struct settings *options, const struct relay *relay,
                    bool implicit_tls)
{
    enum tls_level level = w->in->config->postfix.tls_level;
    char *host = lower_case(relay->host), *ca_file = settings_escape(relay->ca_file);

    settings_add(options, "smtp_tls_security_level", tls_level_name(level));
    settings_add(options, "smtp_tls_wrappermode", implicit_tls ? "yes" : "no");
    settings_add(options, "smtp_tls_secure_cert_match", host);
    settings_add(options, "smtp_tls_verify_cert_match", host);
    pin(w, options, "smtp_tls_CAfile", ca_file);
    free(host);
    free(ca_file);
}

static char *map_of(const struct work *w, const struct relay *relay, const char *what)
{
    return memory_format("%s:%s/%s.%s", view_value(w->in->view, "default_database_type"),
                         w->in->directory, relay->name, what);
}

/* The owner's rewriting goes on behind the relay's. */
static void pin_generic(struct work *w, struct settings *options, const struct relay *relay)
{
    char *theirs = owners_value(w, "smtp_generic_maps"), *ours = map_of(w, relay, "generic");
    bool any = relay->rewrite_count > 0;
    char *value =
        memory_format("%s%s%s", any ? ours : "", any && theirs[0] != '\0' ? ", " : "", theirs);

    pin(w, options, "smtp_generic_maps", value);
    free(value);
    free(ours);
    free(theirs);
}

static void pin_shield(struct work *w, struct settings *options)
{
    const char *theirs = view_smtp_value(w->in->view, "smtp_delivery_status_filter");
    char *path = memory_format("%s/" SHIELD, w->in->directory);
    char *value = shield_filter(path, NULL, theirs);

    pin(w, options, "smtp_delivery_status_filter", value);
    free(value);
    free(path);
}

/* Whatever else the owner's service smtp was given, such as a source address. */
static void add_owners_options(struct work *w, struct settings *options)
{
    static const char service[] = "smtp/unix/";
    const struct parameters *all = view_overrides(w->in->view);

    for (size_t i = 0; i < parameters_count(all); i++) {
        const char *name = parameters_name(all, i);
        if (strncmp(name, service, strlen(service)) != 0 ||
            settings_find(options, name + strlen(service)) != NO_SETTING)
            continue;
        char *value = settings_escape(parameters_nth(all, i));
        pin(w, options, name + strlen(service), value);
        free(value);
    }
}

static void add_service(struct work *w, const struct relay *relay, bool implicit_tls)
{
    struct settings options = { 0 };
    char *name = service_name(relay, implicit_tls), *sasl = map_of(w, relay, "sasl");
    char *log = memory_format("%s/%s", view_value(w->in->view, "syslog_name"), name);

    settings_add(&options, "syslog_name", log);
    settings_add(&options, "smtp_sasl_password_maps", sasl);
    pin_constants(w, &options);
    pin_keywords(w, &options);
    pin_tls(w, &options, relay, implicit_tls);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        keep(w, &options, kept[i]);
    pin_generic(w, &options, relay);
    pin_shield(w, &options);
    add_owners_options(w, &options);
    char *text = service_text(name, w->in->chroot, w->in->maxproc, "smtp", &options);
    char *entry = memory_format("%s/unix", name);
    services_add(&w->out->services, entry, text);
    free(entry);
    free(text);
    free(log);
    free(sasl);
    free(name);
    settings_free(&options);
}

/* The tables of a relay. */

static void add_sasl_map(struct work *w, const struct relay *relay, const char *password)
{
    char *host = lower_case(relay->host), *name = memory_format("%s.sasl", relay->name);
    char *value = memory_format("%s:%s", relay->username, password);
    char *map = memory_format("%s %s\n", host, value);

    contents_add_map(&w->out->contents, name, map);
    contents_add_answer(&w->out->contents, name, host, value);
    secret_free(map);
    secret_free(value);
    free(name);
    free(host);
}

static void add_generic_map(struct work *w, const struct relay *relay)
{
    char *name = memory_format("%s.generic", relay->name);
    struct text map;

    text_open(&map);
    for (size_t i = 0; i < relay->rewrite_count; i++)
        fprintf(map.out, "%s %s\n", relay->rewrites[i].from, relay->rewrites[i].to);
    text_close(&map);
    if (relay->rewrite_count > 0)
        contents_add_map(&w->out->contents, name, map.bytes);
    for (size_t i = 0; i < relay->rewrite_count; i++)
        contents_add_answer(&w->out->contents, name, relay->rewrites[i].from,
                            relay->rewrites[i].to);
    free(map.bytes);
    free(name);
}

/* What main.cf is to say. */

static void set_pace(struct work *w, const char *service, const char *what, int value)
{
    char *name = memory_format("%s_%s", service, what);
    char *text = memory_format("%d", value);

    settings_add(&w->out->settings, name, text);
    free(text);
    free(name);
}

/* Postfix counts delays in whole seconds, so a rate of more than one a second is left to the
 * concurrency. */
static void add_pace(struct work *w, const struct relay *relay, bool implicit_tls)
{
    char *service = service_name(relay, implicit_tls);

    if (relay->concurrency > 0)
        set_pace(w, service, "destination_concurrency_limit", relay->concurrency);
    if (relay->concurrency > 0 && relay->concurrency < CONCURRENCY_FIRST)
        set_pace(w, service, "initial_destination_concurrency", relay->concurrency);
    if (relay->concurrency > 0 || relay->rate > 0)
        set_pace(w, service, "destination_recipient_limit", atoi(RECIPIENT_LIMIT));
    if (relay->rate > 0 && relay->rate < 3600)
        set_pace(w, service, "destination_rate_delay", (3600 + relay->rate - 1) / relay->rate);
    free(service);
}

static bool has_type(const char *table)
{
    const char *colon = strchr(table, ':');

    return colon != NULL && strcspn(table, "/{") > (size_t)(colon - table);
}

/* With its type, which pipemap insists on. */
static char *typed(const struct view *view, const char *table)
{
    return has_type(table)
               ? memory_copy(table)
               : memory_format("%s:%s", view_value(view, "default_database_type"), table);
}

/* Tables of patterns are asked for the whole address alone (src/global/mail_addr_find.c). */
static bool is_of_patterns(const char *table)
{
    static const char *const types[] = { "regexp:", "pcre:", "cidr:", "static:" };

    if (strncmp(table, "proxy:", 6) == 0)
        table += 6;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strncmp(table, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}

static const char *cannot_merge_keys(const struct view *view, const char *name, read_table *read)
{
    struct table *table = read(name, view_value(view, "default_database_type"));
    const char *why = NULL;

    if (table->kind == TABLE_CLOSED || table->more)
        why =
            "its keys cannot be listed, and Postfix would not come to its \"@domain\" ones before "
            "ours";
    for (size_t i = 0; why == NULL && i < table->count; i++)
        if (strchr(table->entry[i].key, '@') == NULL && strcmp(table->entry[i].key, NULL_KEY) != 0)
            why = "it has a key without a domain, to which Postfix would not come before ours";
    table_free(table);
    return why;
}

const char *transport_cannot_merge(const struct view *view, const char *name, read_table *read)
{
    if (!view_has_map_type(view, "pipemap") || !view_has_map_type(view, "regexp"))
        return "this Postfix has no map type pipemap or regexp (postconf -m)";
    if (is_of_patterns(name))
        return NULL;
    return cannot_merge_keys(view, name, read);
}

/* TEXT as a pattern that matches just that (regex(7)). */
static void put_literal(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && *text != '@' && *text != '-' && *text != '_' &&
            *text != '=')
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* A pattern for what Postfix comes to LOCAL by: the same, or the same with an extension, unless
 * BARE tells that the first does not count. */
static void put_local(FILE *out, const char *local, const char *delimiters, bool bare)
{
    fputc('^', out);
    put_literal(out, local);
    if (delimiters[0] == '\0')
        return;
    fputs("((", out);
    for (const char *p = delimiters; *p != '\0'; p++) {
        const char one[] = { *p, '\0' };
        if (p != delimiters)
            fputc('|', out);
        put_literal(out, one);
    }
    fputs(bare ? ")[^@]*)?" : ")[^@]*)", out);
}

/* From an address to a key that Postfix would come to after it: the address without its extension,
 * or "@domain" (src/global/mail_addr_find.c). A rule for each key, since the parameter allows no
 * substitution (DICT_FLAG_NO_REGSUB). BARE: from the address itself, too. */
static void put_rule(FILE *out, const char *key, const char *delimiters, bool bare)
{
    const char *at = strrchr(key, '@');

    if (strcmp(key, NULL_KEY) == 0)
        fputs(NULL_RULE, out);
    char *local = at == NULL ? NULL : memory_format("%.*s", (int)(at - key), key);
    /* An address is cut at its first delimiter, so that none is left. */
    const char *cut_at = local == NULL || strpbrk(local, delimiters) != NULL ? "" : delimiters;

    if (local != NULL && (local[0] == '\0' || bare || cut_at[0] != '\0')) {
        char *answer = settings_escape(key);
        fputc('/', out);
        if (local[0] != '\0')
            put_local(out, local, cut_at, bare);
        put_literal(out, at);
        fprintf(out, "$/ %s\n", answer);
        free(answer);
    }
    free(local);
}

/* The tables of one of the owner's parameters. */
struct theirs {
    struct names names; /* with their types */
    struct table **table;
};

static struct theirs read_theirs(const struct work *w, const char *parameter)
{
    const struct view *view = w->in->view;
    struct names names = tables_split(view_value(view, parameter));
    struct theirs theirs = { 0 };

    theirs.table = memory_zero(names.count + 1, sizeof *theirs.table);
    for (size_t i = 0; i < names.count; i++) {
        theirs.table[i] = w->in->read(names.name[i], view_value(view, "default_database_type"));
        char *name = typed(view, names.name[i]);
        free(names.name[i]);
        names.name[i] = name;
    }
    theirs.names = names;
    return theirs;
}

static void free_theirs(struct theirs *theirs)
{
    for (size_t i = 0; i < theirs->names.count; i++)
        table_free(theirs->table[i]);
    free(theirs->table);
    names_free(&theirs->names);
}

/* Postfix asks all tables for one key after the other, and so does the list that is made here. */
enum stage { WHOLE_ADDRESS, WITHOUT_EXTENSION, DOMAIN_ALONE };

static void put_rules(FILE *out, const struct table *table, enum stage stage,
                      const char *delimiters)
{
    for (size_t i = 0; i < table->count; i++)
        if ((table->entry[i].key[0] == '@') == (stage == DOMAIN_ALONE))
            put_rule(out, table->entry[i].key, delimiters, false);
}

/* An address with DUNNO is answered: its domain is not asked for any more. */
static void put_answered(FILE *out, const struct theirs *theirs, const char *delimiters)
{
    for (size_t i = 0; i < theirs->names.count; i++)
        for (size_t n = 0; n < theirs->table[i]->count; n++) {
            const struct table_entry *entry = &theirs->table[i]->entry[n];
            if (entry->key[0] != '@' && strcasecmp(entry->value, NOT_OURS) == 0)
                put_rule(out, entry->key, delimiters, true);
        }
}

static char *rules_for(const struct work *w, const struct theirs *theirs, size_t n,
                       enum stage stage)
{
    const char *delimiters = view_value(w->in->view, "recipient_delimiter");
    struct text rules, answered;

    text_open(&rules);
    text_open(&answered);
    put_rules(rules.out, theirs->table[n], stage, delimiters);
    if (stage == DOMAIN_ALONE)
        put_answered(answered.out, theirs, delimiters);
    text_close(&rules);
    text_close(&answered);
    char *all = rules.bytes[0] == '\0' ? memory_copy("")
                                       : memory_format("%s%s", answered.bytes, rules.bytes);
    free(answered.bytes);
    free(rules.bytes);
    return all;
}

/* The owner's table for the keys of a stage, before ours answers at the first. THEN is what the
 * answer goes through. */
static void add_stage(struct work *w, struct text *list, const struct theirs *theirs, size_t n,
                      enum stage stage, const char *then)
{
    const char *name = theirs->names.name[n];
    char *own = settings_escape(name);

    if (stage == WHOLE_ADDRESS) {
        fprintf(list->out, then[0] == '\0' ? "%s%s, " : "pipemap:{%s%s}, ", own, then);
    } else if (!is_of_patterns(name)) {
        char *rules = rules_for(w, theirs, n, stage);
        if (rules[0] != '\0') {
            char *file = memory_format("keys.%u", ++w->keys);
            contents_add_file(&w->out->contents, file, rules);
            fprintf(list->out, "pipemap:{regexp:%s/%s,%s%s}, ", w->in->directory, file, own, then);
            free(file);
        }
        free(rules);
    }
    free(own);
}

static void add_theirs(struct work *w, struct text *list, const char *parameter, const char *then)
{
    struct theirs theirs = read_theirs(w, parameter);

    for (enum stage stage = WHOLE_ADDRESS; stage <= DOMAIN_ALONE; stage++)
        for (size_t n = 0; n < theirs.names.count; n++)
            add_stage(w, list, &theirs, n, stage, then);
    free_theirs(&theirs);
}

/* Where the owner's sender_dependent_relayhost_maps has an answer, the mail is not ours: with a
 * transport of ours it would not be asked any more. */
static void set_route(struct work *w)
{
    const struct view *view = w->in->view;
    char *through = memory_format(",regexp:%s/" TO_DUNNO, w->in->directory);
    struct text list;

    if (view_value(view, "sender_dependent_relayhost_maps")[0] != '\0')
        /* DUNNO is their word for "as main.cf has it". */
        contents_add_file(&w->out->contents, TO_DUNNO, "!/^" NOT_OURS "$/ " NOT_OURS "\n");
    text_open(&list);
    add_theirs(w, &list, TRANSPORT_SETTING, "");
    add_theirs(w, &list, "sender_dependent_relayhost_maps", through);
    fprintf(list.out, "%s, pipemap:{static:*,%s}", w->in->route_map, w->in->route_map);
    text_close(&list);
    settings_add(&w->out->settings, TRANSPORT_SETTING, list.bytes);
    free(list.bytes);
    free(through);
}

/* Probes of address verification go where they went before: a relay that takes everything first
 * would say yes to every address. */
static void set_verification(struct work *w)
{
    const struct view *view = w->in->view;

    if (strstr(view_raw(view, VERIFY_SETTING), TRANSPORT_SETTING) == NULL)
        return;
    char *value = settings_escape(view_value(view, VERIFY_SETTING));
    settings_add(&w->out->settings, VERIFY_SETTING, value);
    free(value);
}

static bool has_port(const struct relay *relay, bool implicit_tls)
{
    for (size_t i = 0; i < relay->ports.count; i++)
        if (port_is_implicit_tls(relay->ports.port[i]) == implicit_tls)
            return true;
    return false;
}

static void add_relay(struct work *w, const struct relay *relay, const char *password)
{
    struct render_input check = {
        .relay = relay,
        .port = relay->ports.port[0],
        .tls_level = w->in->config->postfix.tls_level,
        .password = password,
        .directory = w->in->directory,
        .utf8_maps = strcasecmp(view_value(w->in->view, "smtputf8_enable"), "yes") == 0,
    };

    if (render_check(&check, w->why) == -1) {
        w->rc = -1;
        return;
    }
    add_sasl_map(w, relay, password);
    add_generic_map(w, relay);
    for (int implicit_tls = 0; implicit_tls < 2; implicit_tls++)
        if (has_port(relay, implicit_tls)) {
            add_service(w, relay, implicit_tls);
            add_pace(w, relay, implicit_tls);
        }
}

int transport_render(const struct transport_input *in, struct rendering *out, struct why *why)
{
    struct work w = { .in = in, .out = out, .why = why };
    char *shield = shield_table(NULL);

    *out = (struct rendering){ 0 };
    contents_add_file(&out->contents, SHIELD, shield);
    free(shield);
    set_route(&w);
    set_verification(&w);
    for (size_t i = 0; w.rc == 0 && i < in->config->relay_count; i++)
        if (in->passwords[i] != NULL)
            add_relay(&w, &in->config->relays[i], in->passwords[i]);
    return w.rc;
}

bool transport_is_service_of(const struct config *config, const char *name)
{
    bool found = false;

    for (size_t i = 0; i < 2 * config->relay_count && !found; i++) {
        char *service = service_name(&config->relays[i / 2], i % 2);
        size_t n = strlen(service);
        found = strncmp(name, service, n) == 0 && name[n] == '/';
        free(service);
    }
    return found;
}
