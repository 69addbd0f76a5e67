/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/method/consequences.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include "postfix/method/refusals.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* So many keys of a table are named. */
#define NAMED 3

struct look {
    const struct view *view;
    read_table *read;
    struct findings *not_following, *following;
    const struct relay *relay; /* with the method transport; NULL with relayhost */
    const char *way;           /* what decides about the mail that follows, in a sentence */
};

/* How a parameter's tables name a way of their own. */
struct routing_maps {
    const char *name;
    const char *why;   /* mail of its entries does not follow */
    bool asked_before; /* the sentence ends in what it is asked before */
    bool nexthops;     /* it has nexthops alone, without a transport */
    bool keeps; /* DUNNO is an answer too: with the method transport ours is not asked then */
};

static const struct routing_maps routing_maps[] = {
    { "transport_maps", "it is asked before ", true, false, false },
    { "sender_dependent_default_transport_maps", "it is asked before ", true, false, true },
    { "sender_dependent_relayhost_maps", "it goes before ", true, true, false },
    { "mailbox_transport_maps", "local mail of its entries is handed on", false, false, false },
    { "fallback_transport_maps", "mail for unknown local users is handed on", false, false, false },
};

static const char *default_type(const struct look *look)
{
    return view_value(look->view, "default_database_type");
}

static bool is_set(const struct look *look, const char *name)
{
    return view_value(look->view, name)[0] != '\0';
}

/* Whether the transport part of "transport:nexthop" is a service that runs smtp(8). An empty one is
 * the default. */
static bool runs_smtp(const struct look *look, const char *value)
{
    size_t n = strcspn(value, ":");
    char *service = n == 0 ? memory_copy("smtp/unix") : memory_format("%.*s/unix", (int)n, value);
    bool smtp = strcmp(view_command(look->view, service), "smtp") == 0;

    free(service);
    return smtp;
}

/* Whether smtp(8) would connect to port 25: a nexthop is "domain", "[host]", either with ":port".
 */
static bool is_port_25(const char *value)
{
    const char *nexthop = strchr(value, ':');
    const char *port = NULL;

    if (nexthop != NULL && strncmp(++nexthop, "inet:", 5) == 0)
        nexthop += 5;
    if (nexthop != NULL && nexthop[0] == '[')
        nexthop += strcspn(nexthop, "]");
    if (nexthop != NULL)
        port = strchr(nexthop, ':');
    return port == NULL || strcmp(port, ":25") == 0 || strcmp(port, ":smtp") == 0;
}

/* Whether mail of this entry would be smtp(8)'s to port 25. */
static bool leads_to_port_25(const struct look *look, const struct routing_maps *maps,
                             const char *value)
{
    if (!maps->nexthops)
        return runs_smtp(look, value) && is_port_25(value);
    char *full = memory_format("smtp:%s", value);
    bool is_25 = is_port_25(full);
    free(full);
    return is_25;
}

/* "transport(5)": neither transport nor nexthop means as if there were no entry. */
static bool changes_nothing(const char *value)
{
    return value[0] == '\0' || strcmp(value, ":") == 0 || strcasecmp(value, "DUNNO") == 0;
}

struct count {
    size_t all, port_25;
};

/* In the order of the alphabet, since an index file has none. */
static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct table_entry *)a)->key, ((const struct table_entry *)b)->key);
}

/* Counts the entries that go a way of their own, and names the first in NAMES. */
static struct count count_entries(const struct look *look, const struct routing_maps *maps,
                                  const struct table *table, struct text *names)
{
    struct count count = { 0 };

    for (size_t i = 0; i < table->count; i++) {
        const struct table_entry *entry = &table->entry[i];
        bool keeps = look->relay != NULL && maps->keeps && strcasecmp(entry->value, "DUNNO") == 0;
        if (changes_nothing(entry->value) && !keeps)
            continue;
        if (count.all < NAMED)
            fprintf(names->out, "%s%s", count.all == 0 ? "" : ", ", entry->key);
        count.all++;
        count.port_25 += leads_to_port_25(look, maps, keeps ? "" : entry->value);
    }
    if (count.all > NAMED || table->more)
        fprintf(names->out, ", ...");
    return count;
}

static void add_entries(const struct look *look, const struct routing_maps *maps, const char *name,
                        const char *why, const struct table *table)
{
    struct text names;
    char port_25[96] = "";

    text_open(&names);
    struct count count = count_entries(look, maps, table, &names);
    text_close(&names);
    if (count.port_25 > 0)
        snprintf(port_25, sizeof port_25, "; %zu of them %s to port 25, where the block may be",
                 count.port_25, count.port_25 == 1 ? "goes" : "go");
    if (count.all > 0)
        findings_add(look->not_following,
                     "%s: %s has %s%zu %s (%s) and %s, so mail that it matches goes its own way%s; "
                     "take out what is to follow",
                     maps->name, name, table->more ? "more than " : "", count.all,
                     count.all == 1 ? "entry" : "entries", names.bytes, why, port_25);
    free(names.bytes);
}

static void why_text(const struct look *look, const struct routing_maps *maps, char *out,
                     size_t size)
{
    snprintf(out, size, "%s%s", maps->why, maps->asked_before ? look->way : "");
}

static void add_table(const struct look *look, const struct routing_maps *maps, const char *name)
{
    struct table *table = look->read(name, default_type(look));
    char why[160];

    why_text(look, maps, why, sizeof why);
    if (table->count > 0 && table->kind == TABLE_ENTRIES)
        qsort(table->entry, table->count, sizeof *table->entry, compare_entries);
    if (table->kind == TABLE_ENTRIES)
        add_entries(look, maps, name, why, table);
    else if (table->kind == TABLE_PATTERNS)
        findings_add(look->not_following,
                     "%s: %s is a table of patterns (%zu of them) and %s, so mail that one matches "
                     "goes its own way; look through the patterns",
                     maps->name, name, table->count, why);
    else if (table->kind == TABLE_STATIC)
        findings_add(look->not_following,
                     "%s: %s gives the same answer for all mail and %s, so no mail follows; take "
                     "it out",
                     maps->name, name, why);
    else
        findings_add(look->not_following,
                     "%s: %s cannot be looked into from here and %s, so mail that it matches goes "
                     "its own way; ask it by \"postmap -q DOMAIN %s\"",
                     maps->name, name, why, name);
    table_free(table);
}

static void look_at_maps(const struct look *look)
{
    for (size_t i = 0; i < sizeof routing_maps / sizeof routing_maps[0]; i++) {
        struct names maps = tables_split(view_value(look->view, routing_maps[i].name));
        for (size_t n = 0; n < maps.count; n++)
            add_table(look, &routing_maps[i], maps.name[n]);
        names_free(&maps);
    }
}

/* Transports that hand mail to smtp(8), or to somebody else altogether. */
static void look_at_transports(const struct look *look)
{
    static const struct {
        const char *name, *mail;
    } transports[] = {
        { "virtual_transport", "mail for the hosted domains (virtual_mailbox_domains)" },
        { "local_transport", "mail for mydestination" },
        { "mailbox_transport", "mail for local users" },
        { "fallback_transport", "mail for unknown local users" },
    };

    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        const char *value = view_value(look->view, transports[i].name);
        if (value[0] != '\0' && runs_smtp(look, value))
            findings_add(look->not_following,
                         "%s = %s: %s leaves by smtp(8) without asking %s%s; it stays as it is",
                         transports[i].name, value, transports[i].mail, look->way,
                         is_port_25(value) ? ", to port 25, where the block may be" : "");
    }
}

static void look_at_relay_domains(const struct look *look)
{
    const char *domains = view_value(look->view, "relay_domains");
    char text[SHORTENED];
    const char *transport = view_value(look->view, "relay_transport");
    const char *nexthop = strchr(transport, ':');

    /* Up to compatibility level 1 it is $mydestination by default, which is local mail. */
    if (domains[0] == '\0' || strcmp(domains, view_value(look->view, "mydestination")) == 0)
        return;
    if (look->relay != NULL)
        findings_add(look->not_following,
                     "relay_domains = %s: mail for these domains keeps its way, relay_transport = "
                     "%s%s",
                     shortened(domains, text), transport,
                     runs_smtp(look, transport) && is_port_25(transport)
                         ? ", to port 25, where the block may be"
                         : "");
    else if (nexthop != NULL && nexthop[1] != '\0')
        findings_add(look->not_following,
                     "relay_domains = %s: mail for these domains goes to relay_transport = %s, "
                     "which goes before relayhost%s; it stays as it is",
                     shortened(domains, text), transport,
                     runs_smtp(look, transport) && is_port_25(transport)
                         ? ", to port 25, where the block may be"
                         : "");
    else
        findings_add(look->following,
                     "relay_domains = %s: mail for these domains follows relayhost, away from the "
                     "hosts that it is meant for; name those hosts in transport_maps",
                     shortened(domains, text));
}

static void look_at_filters(const struct look *look)
{
    const char *filter = view_value(look->view, "content_filter");

    if (filter[0] != '\0')
        findings_add(look->not_following,
                     "content_filter = %s: all mail goes to this filter first, whatever the route; "
                     "only what the filter gives back to this Postfix follows, so check where it "
                     "sends",
                     filter);
    if (look->relay == NULL && is_set(look, "smtp_fallback_relay"))
        findings_add(look->not_following,
                     "smtp_fallback_relay = %s: mail that the relay does not take for now is "
                     "handed to it; take it out, unless it can send mail out from here",
                     view_smtp_value(look->view, "smtp_fallback_relay"));
}

static bool begins_with_action(const char *text, const char *action)
{
    size_t n = strlen(action);

    return strncasecmp(text, action, n) == 0 && (text[n] == '\0' || strchr(" \t", text[n]) != NULL);
}

/* Whether an action of access(5) or header_checks(5) stands in the table, as a word of its own. In
 * a pattern's line it stands behind the pattern. */
static bool has_action(const struct table *table, const char *action)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *value = table->entry[i].value;
        if (begins_with_action(value, action))
            return true;
        for (const char *p = value; table->kind == TABLE_PATTERNS && *p != '\0'; p++)
            if ((*p == ' ' || *p == '\t') && begins_with_action(p + 1, action))
                return true;
    }
    return false;
}

static void add_actions(const struct look *look, const char *parameter, const char *name)
{
    struct table *table = look->read(name, default_type(look));

    if (has_action(table, "FILTER"))
        findings_add(look->not_following,
                     "%s: %s has FILTER, which sends the mail that it matches to a transport of "
                     "its own, before %s is asked; look through these rules",
                     parameter, name, look->way);
    if (has_action(table, "REDIRECT") || has_action(table, "BCC"))
        findings_add(look->following,
                     "%s: %s has REDIRECT or BCC, and mail to those addresses follows like any "
                     "other; look through these rules",
                     parameter, name);
    table_free(table);
}

static void look_at_checks(const struct look *look)
{
    static const char *const checks[] = { "header_checks", "mime_header_checks",
                                          "nested_header_checks", "body_checks" };

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        /* mime_header_checks and nested_header_checks are $header_checks by default. */
        if (i > 0 &&
            strcmp(view_value(look->view, checks[i]), view_value(look->view, checks[0])) == 0)
            continue;
        struct names maps = tables_split(view_value(look->view, checks[i]));
        for (size_t n = 0; n < maps.count; n++)
            add_actions(look, checks[i], maps.name[n]);
        names_free(&maps);
    }
}

/* The tables of check_sender_access and its like. */
static void look_at_restrictions(const struct look *look)
{
    static const char *const lists[] = {
        "smtpd_client_restrictions",     "smtpd_helo_restrictions",
        "smtpd_sender_restrictions",     "smtpd_relay_restrictions",
        "smtpd_recipient_restrictions",  "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions"
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct names words = tables_split(view_value(look->view, lists[i]));
        for (size_t n = 1; n < words.count; n++)
            if (strncmp(words.name[n - 1], "check_", 6) == 0 &&
                strstr(words.name[n - 1], "_access") != NULL)
                add_actions(look, lists[i], words.name[n]);
        names_free(&words);
    }
}

/* Options that send mail elsewhere, or send it otherwise. */
static bool is_routing_option(const char *name)
{
    static const char *const names[] = { "content_filter",
                                         "default_transport",
                                         "relay_transport",
                                         "virtual_transport",
                                         "relayhost",
                                         "transport_maps",
                                         "header_checks",
                                         "body_checks",
                                         "smtp_fallback_relay",
                                         "sender_dependent_relayhost_maps",
                                         "sender_dependent_default_transport_maps" };
    static const char *const prefixes[] = { "smtp_sasl_", "smtp_tls_" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The options of one service on one line, a password never among them. */
static char *options_of(const struct look *look, const char *service)
{
    const struct parameters *overrides = view_overrides(look->view);
    size_t n = strlen(service);
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < parameters_count(overrides); i++) {
        const char *name = parameters_name(overrides, i), *value = parameters_nth(overrides, i);
        if (strncmp(name, service, n) != 0 || name[n] != '/' || !is_routing_option(name + n + 1))
            continue;
        if (strcmp(name + n + 1, "content_filter") == 0 && value[0] == '\0')
            continue; /* what comes back from a filter must not go there again */
        fprintf(text.out, " -o %s=%s", name + n + 1,
                strstr(name, "password") != NULL ? "..." : value);
    }
    text_close(&text);
    return text.bytes;
}

/* Debian has the service relay on every host. Mail for relay_domains that goes there follows
 * relayhost all the same. */
static bool is_relay_used(const struct look *look)
{
    const char *nexthop = strchr(view_value(look->view, "relay_transport"), ':');

    return is_set(look, "transport_maps") ||
           (is_set(look, "relay_domains") && nexthop != NULL && nexthop[1] != '\0');
}

static void look_at_service(const struct look *look, const struct view_service *service)
{
    char *options = options_of(look, service->name);
    bool sends = strcmp(service->command, "smtp") == 0 || strcmp(service->command, "lmtp") == 0;
    bool is_clone = strcmp(service->command, "smtp") == 0 &&
                    strcmp(service->name, "smtp/unix") != 0 &&
                    (strcmp(service->name, "relay/unix") != 0 || is_relay_used(look));

    if (is_clone)
        findings_add(look->not_following,
                     "master.cf: the service %s runs smtp(8) too%s%s; mail that transport_maps, a "
                     "FILTER or another parameter sends there by name goes past %s, so "
                     "check what does",
                     service->name, options[0] == '\0' ? "" : ", with", options, look->way);
    else if (strcmp(service->name, "smtp/unix") == 0 && look->relay != NULL)
        ; /* what matters of its options is pinned, and stands in the plan */
    else if (options[0] != '\0' && strcmp(service->name, "smtp/unix") == 0)
        findings_add(look->not_following,
                     "master.cf: the service %s has%s, which goes before main.cf; take out what "
                     "the relay must not be reached with",
                     service->name, options);
    else if (options[0] != '\0' && !sends)
        findings_add(look->not_following,
                     "master.cf: the service %s has%s, so mail that comes in or is routed by it "
                     "may go its own way; check where to",
                     service->name, options);
    free(options);
}

static void look_at_services(const struct look *look)
{
    for (size_t i = 0; i < view_service_count(look->view); i++)
        look_at_service(look, view_service(look->view, i));
}

static void look_at_copies(const struct look *look)
{
    static const char *const names[] = { "always_bcc", "sender_bcc_maps", "recipient_bcc_maps" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_set(look, names[i]))
            findings_add(look->following,
                         "%s = %s: these copies follow too where their address is not local, and "
                         "the relay counts them; keep them local if they are to stay in the house",
                         names[i], view_value(look->view, names[i]));
}

static bool is_loopback(const char *network)
{
    while (*network == '[')
        network++;
    return strncmp(network, "127.", 4) == 0 || strncasecmp(network, "::ffff:127.", 11) == 0 ||
           (strncmp(network, "::1", 3) == 0 && strchr("]/", network[3]) != NULL);
}

/* Others than this host that may send by it. */
static void look_at_clients(const struct look *look)
{
    struct names networks = tables_split(view_value(look->view, "mynetworks"));
    char shown[SHORTENED];
    struct text others;
    size_t count = 0;

    text_open(&others);
    for (size_t i = 0; i < networks.count; i++)
        if (!is_loopback(networks.name[i]))
            fprintf(others.out, "%s%s", count++ == 0 ? "" : " ", networks.name[i]);
    text_close(&others);
    if (count > 0)
        findings_add(look->following,
                     "mynetworks: mail that other hosts (%s) send by way of this one follows too; "
                     "see that the relay takes their senders",
                     shortened(others.bytes, shown));
    free(others.bytes);
    names_free(&networks);
}

static void look_at_others(const struct look *look, const struct instances *others)
{
    for (size_t i = 0; i < others->count; i++) {
        char *words = instance_words(&others->item[i]);
        findings_add(look->not_following,
                     "%s is not touched, since config_directory names another one; its mail "
                     "goes on as before",
                     words);
        free(words);
    }
    findings_add(look->not_following,
                 "mail that programs on this host send by themselves, without this Postfix, is "
                 "unknown here and does not follow; have them send to localhost");
}

/* True of every host with a relay, and surprising on most. */
static void add_commons(const struct look *look)
{
    findings_add(look->following,
                 "mail for hosts of the local network follows too, unless %s names their domain; "
                 "name those domains in transport_maps",
                 look->relay == NULL ? "mydestination or transport_maps"
                                     : "mydestination, relay_domains or transport_maps");
}

/* With relayhost all of it follows. */
static void look_at_verification(const struct look *look)
{
    const char *verified = verified_by_relay(look->view);

    if (verified != NULL)
        findings_add(look->following,
                     "%s: addresses are verified by way of the relay, which may accept them all; "
                     "set address_verify_relayhost",
                     verified);
}

static void add_relayhost_commons(const struct look *look)
{
    findings_add(look->following,
                 "bounces (from the null sender) and forwarded mail (from senders elsewhere) "
                 "follow too, and a relay that takes verified senders alone refuses them; let it "
                 "take them, or forward less");
    add_commons(look);
}

/* With the method transport. */

/* They are told so (transport.c), or by the owner. */
static void look_at_probes(const struct look *look)
{
    const char *list = verifying_restriction(look->view);

    if (list != NULL)
        findings_add(look->not_following,
                     "%s: the probes of address verification keep their way; while they find no "
                     "answer in a block, smtpd(8) puts off mail from or for addresses that it does "
                     "not know yet",
                     list);
}

static void look_at_scope(const struct look *look)
{
    const struct relay *relay = look->relay;
    struct text names;

    if (relay->sender_count == 0)
        return;
    text_open(&names);
    for (size_t i = 0; i < relay->sender_count && i < NAMED; i++)
        fprintf(names.out, "%s%s", i == 0 ? "" : ", ", relay->senders[i]);
    if (relay->sender_count > NAMED)
        fputs(", ...", names.out);
    text_close(&names);
    findings_add(look->not_following,
                 "relay %s: mail from other envelope senders than its senders (%s) keeps its way, "
                 "also what is forwarded for others, and waits while port 25 is closed",
                 relay->name, names.bytes);
    free(names.bytes);
}

static void look_at_null_sender(const struct look *look)
{
    const struct relay *relay = look->relay;

    if (!relay->null_sender)
        findings_add(look->not_following,
                     "relay %s: mail from the null sender (bounces, automatic answers) keeps its "
                     "way, and waits while port 25 is closed; null_sender = relay sends it there",
                     relay->name);
    if (relay->null_sender && relay->sender_count == 0)
        findings_add(look->following,
                     "bounces (from the null sender) and forwarded mail (from senders elsewhere) "
                     "follow too, and a relay that takes verified senders alone refuses them; "
                     "null_sender and senders in the section of the relay tell them apart");
    else if (relay->null_sender)
        findings_add(look->following,
                     "bounces (from the null sender) follow too, and a relay that takes verified "
                     "senders alone refuses them; null_sender = direct keeps them out");
    else if (relay->sender_count == 0)
        findings_add(look->following,
                     "forwarded mail (from senders elsewhere) follows too, and a relay that takes "
                     "verified senders alone refuses it; senders in the section of the relay keep "
                     "it out");
}

static void look_at_everything(const struct look *look, const struct instances *others)
{
    look_at_maps(look);
    look_at_transports(look);
    look_at_relay_domains(look);
    look_at_filters(look);
    look_at_checks(look);
    look_at_restrictions(look);
    look_at_services(look);
    look_at_others(look, others);
}

void consequences_of_relayhost(const struct view *view, const struct instances *others,
                               read_table *read, struct consequences *out)
{
    struct look look = { .view = view,
                         .read = read,
                         .not_following = &out->not_following,
                         .following = &out->following_unexpectedly,
                         .way = "relayhost" };

    *out = (struct consequences){ 0 };
    look_at_everything(&look, others);
    look_at_verification(&look);
    look_at_copies(&look);
    look_at_clients(&look);
    add_relayhost_commons(&look);
}

void consequences_of_transport(const struct view *view, const struct relay *relay,
                               const struct instances *others, read_table *read,
                               struct consequences *out)
{
    struct look look = { .view = view,
                         .read = read,
                         .not_following = &out->not_following,
                         .following = &out->following_unexpectedly,
                         .relay = relay,
                         .way = "the map of senders" };

    *out = (struct consequences){ 0 };
    look_at_scope(&look);
    look_at_null_sender(&look);
    look_at_everything(&look, others);
    look_at_probes(&look);
    look_at_copies(&look);
    look_at_clients(&look);
    add_commons(&look);
}

void consequences_of_direct(const struct view *view, struct consequences *out)
{
    const char *home = view_value(view, "relayhost");
    const char *transport = view_value(view, "default_transport");

    *out = (struct consequences){ 0 };
    if (home[0] != '\0')
        findings_add(&out->not_following,
                     "relayhost = %s stands in main.cf: mail goes there again, not to the "
                     "recipients' own hosts; take it out if that is not meant",
                     home);
    if (transport[0] != '\0' && strcmp(transport, "smtp") != 0)
        findings_add(&out->not_following,
                     "default_transport = %s stands in main.cf: mail goes that way again; take it "
                     "out if that is not meant",
                     transport);
}

void consequences_free(struct consequences *consequences)
{
    findings_free(&consequences->not_following);
    findings_free(&consequences->following_unexpectedly);
}
