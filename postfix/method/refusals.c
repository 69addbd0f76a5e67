/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/method/refusals.h"

#include "lib/memory.h"
#include "postfix/base/attributes.h"
#include "postfix/host/instances.h"
#include "postfix/host/product.h"
#include "postfix/host/table.h"
#include "postfix/method/transport.h"
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The one way out that most refusals have. */
#define OTHER_METHOD "method = transport is made for this"

/* Cyrus SASL looks for its plugins in a directory that is compiled in; these are the
 * distributions'. The library itself is not asked, since this program links none of it. */
static const char *const plugin_patterns[] = {
    "/usr/lib/*/sasl2/lib{plain,login}.so*",       "/usr/lib/sasl2/lib{plain,login}.so*",
    "/usr/lib64/sasl2/lib{plain,login}.so*",       "/usr/local/lib/sasl2/lib{plain,login}.so*",
    "/usr/local/lib64/sasl2/lib{plain,login}.so*",
};

/* Postfix's own mime_nesting_limit; no mailer nests as deeply. */
#define MIME_NESTING 100

/* Parameters that a route sets or relies on, which an "-o" in master.cf would overrule. */
static const struct {
    const char *service, *name;
} pinned[] = {
    { "smtp/unix", "relayhost" },
    { "smtp/unix", "smtp_cname_overrides_servername" },
    { "smtp/unix", "smtp_delivery_status_filter" },
    { "smtp/unix", "smtp_sasl_auth_enable" },
    { "smtp/unix", "smtp_sasl_password_maps" },
    { "smtp/unix", "smtp_sasl_security_options" },
    { "smtp/unix", "smtp_sasl_tls_security_options" },
    { "smtp/unix", "smtp_sasl_tls_verified_security_options" },
    { "smtp/unix", "smtp_sasl_type" },
    { "smtp/unix", "smtp_sender_dependent_authentication" },
    { "smtp/unix", "smtp_tls_CAfile" },
    { "smtp/unix", "smtp_tls_policy_maps" },
    { "smtp/unix", "smtp_tls_wrappermode" },
    { "rewrite/unix", "relayhost" },
    { "rewrite/unix", "default_transport" },
    { "rewrite/unix", "relay_domains" },
    { "rewrite/unix", "sender_dependent_relayhost_maps" },
    { "rewrite/unix", "sender_dependent_default_transport_maps" },
};

/* Whether every word of LIST is a word of OTHER. */
static bool is_part_of(const char *list, const char *other)
{
    static const char separators[] = ", \t\r\n";
    char *copy = memory_copy(list), *rest = copy;
    bool all = true;

    for (char *word; all && (word = strsep(&rest, separators)) != NULL;) {
        bool found = *word == '\0';
        for (const char *p = other; !found && *p != '\0';) {
            size_t n = strcspn(p, separators);
            found = n == strlen(word) && strncasecmp(p, word, n) == 0;
            p += n + strspn(p + n, separators);
        }
        all = found;
    }
    free(copy);
    return all;
}

/* Below compatibility level 2 relay_domains is $mydestination by default: local mail, which no
 * relayhost gets. */
static void refuse_relay_domains(const struct view *view, struct findings *refusals)
{
    const char *value = view_value(view, "relay_domains");
    char text[SHORTENED];
    const char *nexthop = strchr(view_value(view, "relay_transport"), ':');

    /* A nexthop in the transport itself goes before relayhost (trivial-rewrite's resolve.c). */
    if (nexthop != NULL && nexthop[1] != '\0')
        return;
    if (!is_part_of(value, view_value(view, "mydestination")))
        findings_add(refusals,
                     "relay_domains = %s: mail for these domains would follow relayhost too, away "
                     "from the hosts that it is meant for; " OTHER_METHOD,
                     shortened(value, text));
}

static void refuse_if_set(const struct view *view, const char *name, const char *effect,
                          struct findings *refusals)
{
    const char *value = view_value(view, name);
    char text[SHORTENED];

    if (value[0] != '\0')
        findings_add(refusals, "%s = %s: %s", name, shortened(value, text), effect);
}

static void refuse_if_yes(const struct view *view, const char *name, const char *effect,
                          struct findings *refusals)
{
    if (strcasecmp(view_value(view, name), "yes") == 0)
        findings_add(refusals, "%s = yes: %s", name, effect);
}

static void refuse_home_route(const struct view *view, const struct config *config,
                              struct findings *refusals)
{
    const char *relayhost = view_value(view, "relayhost");
    const char *transport = view_value(view, "default_transport");

    if (relayhost[0] != '\0' && !config->postfix.replace_relayhost)
        findings_add(refusals,
                     "relayhost = %s: this host has a relay already; \"replace_relayhost = yes\" "
                     "in the section postfix allows replacing it while port 25 is blocked",
                     relayhost);
    if (strcmp(transport, "smtp") != 0)
        findings_add(refusals,
                     "default_transport = %s: mail does not leave through Postfix's own service "
                     "smtp, so relayhost would change nothing or the wrong thing",
                     transport);
}

static void refuse_overrides(const struct view *view, struct findings *refusals)
{
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        const char *value = view_override(view, pinned[i].service, pinned[i].name);
        if (value != NULL)
            findings_add(refusals,
                         "master.cf: the service %s has \"-o %s=%s\", which overrules main.cf; "
                         "take it out, or set it in main.cf",
                         pinned[i].service, pinned[i].name,
                         strcmp(pinned[i].name, "smtp_sasl_password_maps") == 0 ? "..." : value);
    }
}

static void refuse_service(const struct view *view, struct findings *refusals)
{
    if (strcmp(view_command(view, "smtp/unix"), "smtp") != 0)
        findings_add(refusals, "master.cf has no service \"smtp unix\" that runs smtp(8)");
}

/* An entry for all recipients leaves relayhost nothing to say. */
static void refuse_catch_all(const struct view *view, const char *what, struct findings *refusals)
{
    struct names maps = tables_split(view_value(view, "transport_maps"));

    for (size_t i = 0; i < maps.count; i++) {
        char *value = table_query(maps.name[i], view_value(view, "default_database_type"), "*");
        if (value != NULL && value[0] != '\0' && strcmp(value, ":") != 0)
            findings_add(refusals,
                         "transport_maps: %s sends all mail to %s and goes before %s, which "
                         "would change nothing; take that entry out, or set relayhost in its "
                         "place",
                         maps.name[i], value, what);
        free(value);
    }
    names_free(&maps);
}

static void refuse_product(const struct view *view, const struct config *config,
                           struct findings *refusals)
{
    char *mark;

    if (config->postfix.force)
        return;
    const struct product *product =
        product_find("", config->postfix.config_directory, view_main_cf(view), &mark);
    if (product != NULL)
        findings_add(refusals,
                     "%s made this configuration (%s): %s; or set \"force = yes\" in the section "
                     "postfix",
                     product->name, mark, product->effect);
    free(mark);
}

/* Root is held back by nothing but a read-only file system and the attributes of chattr(1). */
static bool refuse_if_kept(const char *path, struct findings *refusals)
{
    struct why why;

    if (attributes_replaceable(path, &why) == -1)
        findings_add(refusals, "%s", why.text);
    else if (access(path, W_OK) == -1)
        findings_add(refusals, "%s cannot be changed: %s", path, strerror(errno));
    else
        return false;
    return true;
}

static void refuse_read_only(const struct config *config, struct findings *refusals)
{
    const char *directory = config->postfix.config_directory;
    char *main_cf = memory_format("%s/main.cf", directory);
    char *master_cf = memory_format("%s/master.cf", directory);

    if (!refuse_if_kept(directory, refusals)) {
        refuse_if_kept(main_cf, refusals);
        if (config->postfix.method == METHOD_TRANSPORT)
            refuse_if_kept(master_cf, refusals);
    }
    free(main_cf);
    free(master_cf);
}

/* A service of our own pins the type. */
static void refuse_sasl(const struct view *view, const struct config *config,
                        struct findings *refusals)
{
    const char *type = view_value(view, "smtp_sasl_type");

    if (config->postfix.method == METHOD_RELAYHOST && strcmp(type, "cyrus") != 0)
        findings_add(refusals, "smtp_sasl_type = %s: a password can only be sent with cyrus", type);
    else if (!view_has_sasl_client(view, "cyrus"))
        findings_add(refusals, "this Postfix was built without Cyrus SASL (postconf -A), so it "
                               "cannot authenticate to a relay");
}

/* Postfix 3.10 and later; we write user:password. */
static void refuse_delimiter(const struct view *view, struct findings *refusals)
{
    const char *value = view_value(view, "smtp_sasl_password_result_delimiter");

    if (value[0] != '\0' && strcmp(value, ":") != 0)
        findings_add(refusals,
                     "smtp_sasl_password_result_delimiter = %s: only a colon is understood here",
                     value);
}

static void refuse_map_types(const struct view *view, struct findings *refusals)
{
    static const char *const shield[] = { "regexp", "pipemap" };
    const char *type = view_value(view, "default_database_type");

    if (!view_has_map_type(view, type))
        findings_add(refusals,
                     "default_database_type = %s, but this Postfix has no such map type "
                     "(postconf -m)",
                     type);
    for (size_t i = 0; i < sizeof shield / sizeof shield[0]; i++)
        if (!view_has_map_type(view, shield[i]))
            findings_add(refusals,
                         "this Postfix has no map type %s (postconf -m), which keeps mail from "
                         "bouncing that a relay refuses",
                         shield[i]);
}

static void refuse_relayhost(const struct view *view, const struct config *config,
                             struct findings *refusals)
{
    static const char per_sender[] = "mail of some senders is routed apart, and a password of "
                                     "theirs could reach the relay; " OTHER_METHOD;

    refuse_relay_domains(view, refusals);
    refuse_catch_all(view, "relayhost", refusals);
    refuse_if_set(
        view, "sender_dependent_relayhost_maps",
        "it goes before relayhost, so mail of those senders would not follow; " OTHER_METHOD,
        refusals);
    refuse_if_set(view, TRANSPORT_SETTING,
                  "it goes before relayhost, so mail of those senders would not "
                  "follow; " OTHER_METHOD,
                  refusals);
    refuse_if_yes(view, "smtp_sender_dependent_authentication", per_sender, refusals);
    refuse_if_yes(view, "smtp_tls_wrappermode",
                  "every connection begins with TLS, so STARTTLS with the relay cannot work",
                  refusals);
    refuse_if_yes(
        view, "smtp_cname_overrides_servername",
        "Postfix speaks of a relay by what a CNAME record makes of its name, so that what "
        "the relay refuses could not be kept from bouncing; " OTHER_METHOD,
        refusals);
    if (view_value(view, "smtp_tls_policy_maps")[0] == '\0')
        refuse_if_set(
            view, "smtp_tls_per_site",
            "Postfix ignores it as soon as there is a smtp_tls_policy_maps, which a relay "
            "needs; move its entries to smtp_tls_policy_maps",
            refusals);
    refuse_home_route(view, config, refusals);
    refuse_service(view, refusals);
    refuse_overrides(view, refusals);
    refuse_delimiter(view, refusals);
}

/* With the method transport. */

static void refuse_owners_tables(const struct view *view, const char *name,
                                 struct findings *refusals)
{
    struct names tables = tables_split(view_value(view, name));

    for (size_t i = 0; i < tables.count; i++) {
        const char *why = transport_cannot_merge(view, tables.name[i], table_read);
        if (why != NULL)
            findings_add(refusals, "%s: %s cannot stand before detourd's map: %s", name,
                         tables.name[i], why);
    }
    names_free(&tables);
}

static void refuse_service_names(const struct view *view, const struct config *config,
                                 struct findings *refusals)
{
    for (size_t i = 0; i < view_service_count(view); i++) {
        const char *name = view_service(view, i)->name;
        if (transport_is_service_of(config, name))
            findings_add(refusals,
                         "master.cf has a service %s of your own already; give the relay "
                         "another name",
                         name);
    }
}

/* The owner's way for all mail, which the map would overrule. */
static void refuse_own_way(const struct view *view, const struct config *config,
                           struct findings *refusals)
{
    static const char *const names[] = { "relayhost", "default_transport" };

    for (size_t i = 0; i < 2 && !config->postfix.replace_relayhost; i++) {
        const char *value = view_value(view, names[i]);
        if (value[0] != '\0' && strcmp(value, "smtp") != 0)
            findings_add(refusals,
                         "%s = %s: this host has a way of its own for its mail; "
                         "\"replace_relayhost = yes\" in the section postfix allows "
                         "another one while port 25 is blocked",
                         names[i], value);
    }
}

static void refuse_transport(const struct view *view, const struct config *config,
                             struct findings *refusals)
{
    static const char *const rewriting[] = {
        TRANSPORT_SETTING, "transport_maps",    "sender_dependent_relayhost_maps",
        "relayhost",       "default_transport", "empty_address_default_transport_maps_lookup_key",
    };

    refuse_catch_all(view, "the senders' transport", refusals);
    refuse_own_way(view, config, refusals);
    refuse_owners_tables(view, TRANSPORT_SETTING, refusals);
    refuse_owners_tables(view, "sender_dependent_relayhost_maps", refusals);
    refuse_service_names(view, config, refusals);
    if (!view_has_map_type(view, "pipemap") || !view_has_map_type(view, "static") ||
        !view_has_map_type(view, "regexp"))
        findings_add(refusals, "this Postfix lacks one of the map types pipemap, regexp and static "
                               "(postconf -m), which method = transport needs");
    for (size_t i = 0; i < sizeof rewriting / sizeof rewriting[0]; i++) {
        const char *value = view_override(view, "rewrite/unix", rewriting[i]);
        if (value != NULL)
            findings_add(refusals,
                         "master.cf: the service rewrite/unix has \"-o %s=%s\", which overrules "
                         "main.cf; take it out, or set it in main.cf",
                         rewriting[i], value);
    }
}

void find_refusals(const struct view *view, const struct config *config, struct findings *refusals)
{
    refuse_read_only(config, refusals);
    refuse_product(view, config, refusals);
    if (config->postfix.method == METHOD_TRANSPORT)
        refuse_transport(view, config, refusals);
    else
        refuse_relayhost(view, config, refusals);
    refuse_sasl(view, config, refusals);
    refuse_map_types(view, refusals);
}

static bool plugins_found(void)
{
    bool found = false;

    for (size_t i = 0; !found && i < sizeof plugin_patterns / sizeof plugin_patterns[0]; i++) {
        glob_t matches = { 0 };
        found = glob(plugin_patterns[i], GLOB_BRACE, NULL, &matches) == 0;
        globfree(&matches);
    }
    return found;
}

static void note_if_set(const struct view *view, const char *name, const char *effect,
                        struct findings *notes)
{
    const char *value = view_smtp_value(view, name);
    char text[SHORTENED];

    if (value[0] != '\0')
        findings_add(notes, "%s = %s: %s", name, shortened(value, text), effect);
}

static void note_verification(const struct view *view, struct findings *exceptions)
{
    const char *list = verified_by_relay(view);

    if (list != NULL)
        findings_add(exceptions,
                     "%s: addresses are verified by way of the relay, which may accept them all",
                     list);
}

static void note_instances(const struct view *view, struct findings *exceptions)
{
    struct instances others = instances_besides(view);

    for (size_t i = 0; i < others.count; i++) {
        char *words = instance_words(&others.item[i]);
        findings_add(exceptions, "%s is not touched; its mail does not follow", words);
        free(words);
    }
    instances_free(&others);
}

const char *verifying_restriction(const struct view *view)
{
    static const char *const lists[] = {
        "smtpd_client_restrictions",     "smtpd_helo_restrictions",
        "smtpd_sender_restrictions",     "smtpd_relay_restrictions",
        "smtpd_recipient_restrictions",  "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions"
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strstr(view_value(view, lists[i]), "reject_unverified_") != NULL)
            return lists[i];
    return NULL;
}

/* Probes of address verification follow relayhost like mail (address_verify_relayhost), and a relay
 * that takes everything first says yes to every address. */
const char *verified_by_relay(const struct view *view)
{
    return strstr(view_raw(view, "address_verify_relayhost"), "relayhost") == NULL
               ? NULL
               : verifying_restriction(view);
}

static void note_product(const struct view *view, const struct config *config,
                         struct findings *notes)
{
    char *mark;

    if (!config->postfix.force)
        return;
    const struct product *product =
        product_find("", config->postfix.config_directory, view_main_cf(view), &mark);
    if (product != NULL)
        findings_add(notes, "%s made this configuration (%s), and force = yes: %s", product->name,
                     mark, product->effect);
    free(mark);
}

/* A message then gets one try, and a failure for now returns it to the sender (qmgr_active.c). */
static void note_lifetime(const struct view *view, const char *name, const char *which,
                          struct findings *notes)
{
    const char *value = view_value(view, name);

    if (value[0] != '\0' && strtol(value, NULL, 10) == 0)
        findings_add(notes,
                     "%s = %s: %s that the relay refuses is given up at once, since nothing may "
                     "wait",
                     name, value, which);
}

/* What the shield cannot tell of whom it is, where the same smtp(8) serves others too (shield.h).
 */
static void note_shield(const struct view *view, struct findings *notes)
{
    const char *limit = view_written(view, "mime_nesting_limit");

    note_if_set(
        view, "smtp_delivery_status_filter",
        "it goes on to count; where it makes a failure for good of \"Server certificate not "
        "verified\", which names no server, mail for the relay bounces with it",
        notes);
    if (limit != NULL && strtol(limit, NULL, 10) < MIME_NESTING)
        findings_add(notes,
                     "mime_nesting_limit = %s: where the relay does not offer 8BITMIME, mail whose "
                     "parts lie deeper in each other bounces",
                     limit);
}

void find_notes(const struct view *view, const struct config *config, struct findings *notes)
{
    note_lifetime(view, "maximal_queue_lifetime", "mail", notes);
    note_lifetime(view, "bounce_queue_lifetime", "a delivery report", notes);
    bool relayhost = config->postfix.method == METHOD_RELAYHOST;

    note_product(view, config, notes);
    if (relayhost)
        note_shield(view, notes);
    if (relayhost)
        note_if_set(view, "smtp_sasl_mechanism_filter",
                    "the relay has to offer one of the mechanisms that it lets through", notes);
    note_if_set(view, "defer_transports",
                "mail for these transports waits for a flush, whatever the route", notes);
    const char *discard = view_smtp_value(view, "smtp_discard_ehlo_keywords");
    if (relayhost &&
        (strcasestr(discard, "starttls") != NULL || strcasestr(discard, "auth") != NULL))
        findings_add(notes,
                     "smtp_discard_ehlo_keywords = %s: Postfix overlooks what the relay has to "
                     "offer, so mail will wait",
                     discard);
    const char *ciphers = view_smtp_value(view, "smtp_tls_mandatory_ciphers");
    if (strcasecmp(ciphers, "null") == 0 || strcasecmp(ciphers, "export") == 0 ||
        strcasecmp(ciphers, "low") == 0)
        findings_add(
            notes,
            "smtp_tls_mandatory_ciphers = %s: the password goes to the relay under so weak "
            "a cipher where it agrees; take it out",
            ciphers);
    if (!plugins_found())
        findings_add(notes, "no PLAIN or LOGIN plugin of Cyrus SASL was found; Debian has them in "
                            "libsasl2-modules");
}

void find_exceptions(const struct view *view, const struct config *config,
                     struct findings *exceptions)
{
    bool relayhost = config->postfix.method == METHOD_RELAYHOST;

    note_if_set(view, "transport_maps",
                relayhost ? "it goes before relayhost; mail that it matches does not follow"
                          : "it goes before the senders' transport; mail that it matches does not "
                            "follow",
                exceptions);
    if (relayhost)
        note_if_set(view, "smtp_fallback_relay",
                    "mail that the relay does not take for now is handed to it", exceptions);
    note_if_set(view, "content_filter", "mail goes there first, whatever the route", exceptions);
    if (relayhost)
        note_verification(view, exceptions);
    note_instances(view, exceptions);
}

int route_allowed(const struct config *config, const struct route *route, struct why *why)
{
    if (route_is_direct(route))
        return 0;
    const struct relay *relay = config_relay(config, route->name);
    if (relay == NULL)
        return why_set(why, "the configuration has no relay %s", route->name);
    if (!ports_contain(&relay->ports, route->port))
        return why_set(why, "port %u is not one of the relay %s's ports in the configuration",
                       route->port, route->name);
    if (config->postfix.method == METHOD_RELAYHOST && port_is_implicit_tls(route->port))
        return why_set(why,
                       "port %u speaks TLS from the first byte, which relayhost cannot do without "
                       "changing every other destination; " OTHER_METHOD,
                       route->port);
    return 0;
}
