/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/facts.h"

#include "lib/address.h"
#include "lib/memory.h"
#include "postfix/base/checksum.h"
#include "postfix/base/files.h"
#include "postfix/base/findings.h"
#include "postfix/base/json_text.h"
#include "postfix/base/paths.h"
#include "postfix/cf/generation.h"
#include "postfix/change/home.h"
#include "postfix/change/home_now.h"
#include "postfix/change/reverts.h"
#include "postfix/fragment/handover.h"
#include "postfix/host/instances.h"
#include "postfix/host/stage.h"
#include "postfix/method/refusals.h"
#include "postfix/queue/queue.h"
#include "postfix/queue/queue_facts.h"
#include "postfix/running/running.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of the two files: it changes when somebody edits them. */
static uint64_t fingerprint(const struct config *config)
{
    static const char *const names[] = { "main.cf", "master.cf" };
    uint64_t sum = CHECKSUM_START;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = home_path(config, names[i]);
        struct why ignored;
        size_t len = 0;
        char *bytes = file_read(path, MAIN_CF_MAX, &len, &ignored);
        if (bytes != NULL)
            sum = checksum_add(sum, bytes, len);
        free(bytes);
        free(path);
    }
    return sum;
}

/* A run was cut off, or somebody has brought back a main.cf whose maps are gone. */
static bool is_unfinished(const struct config *config, const struct home_now *now)
{
    const struct mark *mark = now->mark;
    bool ours = mark->generation != 0 && mark->drift_count == 0;

    return home_is_unfinished(config) || (ours && !generation_exists(config, mark->generation)) ||
           (ours && mark->kind == BLOCK_TRANSPORT && now->map == 0);
}

static json_t *advice(const struct config *config, const struct home_now *now)
{
    char *text = reverts_advice(config, now);
    json_t *list = texts_json(&text, text == NULL ? 0 : 1);

    free(text);
    return list;
}

static json_t *common_members(const struct config *config, const struct home_now *now,
                              const char *daemon_directory, const char *queue_directory,
                              const struct lifetimes *lifetimes, struct why *why)
{
    int running = postfix_running(config, daemon_directory, queue_directory, why);
    const struct mark *mark = now->mark;

    if (running == -1)
        return NULL;
    struct route route = mark->route;
    json_t *members = json_object();
    if (handover_status(config, members, &route, why) == -1) {
        json_decref(members);
        return NULL;
    }
    json_object_set_new(members, "route", route_json(&route));
    json_object_set_new(members, "installed", json_boolean(mark->kind == BLOCK_TRANSPORT));
    json_object_set_new(members, "drift", texts_json(mark->drift, mark->drift_count));
    json_object_set_new(members, "advice", advice(config, now));
    json_object_set_new(members, "unfinished", json_boolean(is_unfinished(config, now)));
    json_object_set_new(members, "running", json_boolean(running));
    bool by_transport = config->mode == MODE_FRAGMENT ? config->postfix.method == METHOD_TRANSPORT
                                                      : mark->kind == BLOCK_TRANSPORT;
    long queued = queue_count(queue_directory);
    json_object_set_new(members, "queue", json_integer(queued));
    queue_facts(config,
                &(struct queue_question){ .route = &route,
                                          .by_transport = by_transport,
                                          .queued = queued,
                                          .lifetimes = lifetimes },
                members);
    json_object_set_new(members, "fingerprint", json_sprintf("%016" PRIx64, fingerprint(config)));
    return members;
}

json_t *status_members(const struct config *config, struct why *why)
{
    static const char *const names[] = { "daemon_directory", "queue_directory",
                                         "maximal_queue_lifetime", "bounce_queue_lifetime", NULL };
    struct home_now now = { 0 };
    struct parameters *p = NULL;
    json_t *members = NULL;

    if (home_check(config, why) == 0 && home_now_read(config, &now, why) == 0)
        p = view_some(config->postfix.config_directory, true, names, why);
    if (p != NULL && parameters_count(p) != 4) {
        why_set(why, "postconf does not say where Postfix's directories are");
    } else if (p != NULL) {
        struct lifetimes lifetimes =
            lifetimes_parse(parameters_value(p, names[2]), parameters_value(p, names[3]));
        members = common_members(config, &now, parameters_value(p, names[0]),
                                 parameters_value(p, names[1]), &lifetimes, why);
    }
    parameters_free(p);
    home_now_free(&now);
    return members;
}

static struct view *view_of_fragments_owner(const struct config *config, struct why *why)
{
    char *owner = handover_owner(config, why);
    struct stage_texts texts = { .main_cf = owner,
                                 .main_cf_len = owner == NULL ? 0 : strlen(owner) };
    struct view *view = owner == NULL ? NULL : view_staged(config, NULL, &texts, why);

    free(owner);
    return view;
}

/* The owner's configuration: where a route of ours is in force, what main.cf was without it. */
static struct view *view_of_owner(const struct config *config, const struct home_now *now,
                                  struct why *why)
{
    const char *home = config->postfix.config_directory;

    if (config->mode == MODE_FRAGMENT && now->mark->generation == 0)
        return view_of_fragments_owner(config, why);
    if (!now->mark->legible || (now->mark->generation == 0 && now->mark->drift_count == 0 &&
                                now->master.mark->generation == 0))
        return view_read(home, home, why);
    struct stage_texts texts;
    char *main_cf = mark_remove(now->cf, now->mark, &texts.main_cf_len);
    char *master_cf = master_mark_remove(now->master.cf, now->master.mark, &texts.master_cf_len);
    texts.main_cf = main_cf;
    texts.master_cf = master_cf;
    struct view *view = view_staged(config, NULL, &texts, why);
    free(main_cf);
    free(master_cf);
    return view;
}

/* The address that smtp(8) binds where smtp_bind_address is empty: the only one of the family in
 * inet_interfaces, unless it is a loopback address (smtp_connect.c). A host name in the list is not
 * looked up; then the kernel chooses, as far as we know. */
static void sole_interface(const char *interfaces, enum family family, char *out)
{
    char *copy = memory_copy(interfaces), *rest = copy;
    int count = 0;

    out[0] = '\0';
    for (char *word; (word = strsep(&rest, ", \t[]")) != NULL;) {
        struct address address;
        if (*word == '\0')
            continue;
        if (strncasecmp(word, "ipv6:", 5) == 0)
            word += 5;
        bool literal = address_parse(word, 0, &address);
        if (literal && address_family(&address) != family)
            continue;
        if (literal && count == 0 && strncmp(word, "127.", 4) != 0 && strcmp(word, "::1") != 0)
            address_text(&address, out);
        count++;
    }
    if (count != 1)
        out[0] = '\0';
    free(copy);
}

static void set_bind_address(json_t *members, const struct view *view, const char *name,
                             enum family family)
{
    const char *given = view_smtp_value(view, name);
    char sole[ADDRESS_TEXT];

    sole_interface(view_smtp_value(view, "inet_interfaces"), family, sole);
    /* smtp(8) takes brackets around the address, and so must whoever uses it. */
    char *bare = given[0] != '[' ? memory_copy(given)
                                 : memory_format("%.*s", (int)strcspn(given + 1, "]"), given + 1);
    json_object_set_new(members, name, text_json(bare[0] != '\0' ? bare : sole));
    free(bare);
}

static json_t *protocols_json(const char *protocols)
{
    json_t *list = json_array();
    bool all = strcasestr(protocols, "all") != NULL;

    for (int family = 0; family < FAMILIES; family++)
        if (all || strcasestr(protocols, family_name((enum family)family)) != NULL)
            json_array_append_new(list, json_string(family_name((enum family)family)));
    return list;
}

static void add_view(json_t *members, const struct view *view, const struct config *config)
{
    static const char *const plain[] = { "myhostname", "mail_owner", "mynetworks" };
    struct findings refusals = { 0 }, notes = { 0 };

    json_object_set_new(members, "version", text_json(view_value(view, "mail_version")));
    json_object_set_new(members, "config_directory", text_json(config->postfix.config_directory));
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        json_object_set_new(members, plain[i], text_json(view_value(view, plain[i])));
    json_object_set_new(members, "smtp_helo_name",
                        text_json(view_smtp_value(view, "smtp_helo_name")));
    set_bind_address(members, view, "smtp_bind_address", FAMILY_IPV4);
    set_bind_address(members, view, "smtp_bind_address6", FAMILY_IPV6);
    json_object_set_new(members, "inet_protocols",
                        protocols_json(view_smtp_value(view, "inet_protocols")));
    find_refusals(view, config, &refusals);
    find_notes(view, config, &notes);
    find_exceptions(view, config, &notes);
    json_object_set_new(members, "refusals", texts_json(refusals.text, refusals.count));
    json_object_set_new(members, "notes", texts_json(notes.text, notes.count));
    findings_free(&refusals);
    findings_free(&notes);
    struct instances others = instances_besides(view);
    json_object_set_new(members, "instances", instances_json(&others));
    instances_free(&others);
}

json_t *facts_members(const struct config *config, struct why *why)
{
    struct home_now now = { 0 };
    struct view *view = NULL;
    json_t *members = NULL;

    if (home_check(config, why) == 0 && home_now_read(config, &now, why) == 0)
        view = view_of_owner(config, &now, why);
    if (view != NULL) {
        struct lifetimes lifetimes = lifetimes_parse(view_value(view, "maximal_queue_lifetime"),
                                                     view_value(view, "bounce_queue_lifetime"));
        members = common_members(config, &now, view_value(view, "daemon_directory"),
                                 view_value(view, "queue_directory"), &lifetimes, why);
    }
    if (members != NULL)
        add_view(members, view, config);
    view_free(view);
    home_now_free(&now);
    return members;
}
