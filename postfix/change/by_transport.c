/* SPDX-License-Identifier: BSD-2-Clause */
/* The method transport: services in master.cf, a line in main.cf, and a map. */
#include "lib/memory.h"
#include "lib/secret.h"
#include "postfix/cf/generation.h"
#include "postfix/change/methods.h"
#include "postfix/change/steps.h"
#include "postfix/host/table.h"
#include "postfix/method/transport.h"
#include "postfix/proof/proof.h"
#include <stdio.h>
#include <stdlib.h>

/* One for each relay; NULL where it cannot be had, with a note. */
static char **read_passwords(const struct config *config, bool preview, struct change *change,
                             struct why *why)
{
    char **passwords = memory_zero(config->relay_count + 1, sizeof *passwords);

    for (size_t i = 0; i < config->relay_count; i++) {
        const struct relay *relay = &config->relays[i];
        bool wanted = route_is_of(&change->route, relay->name);
        struct why other;
        char *ca = read_relay_ca(relay, wanted ? why : &other);
        if (ca != NULL)
            passwords[i] = read_password(config, relay, wanted ? why : &other);
        free(ca);
        if (wanted)
            passwords[i] = or_placeholder(passwords[i], preview, change, why);
        else if (passwords[i] == NULL)
            findings_add(&change->notes, "the relay %s is left out: %s", relay->name, other.text);
    }
    return passwords;
}

static void free_passwords(const struct config *config, char **passwords)
{
    for (size_t i = 0; i < config->relay_count; i++)
        secret_free(passwords[i]);
    free(passwords);
}

static bool misses_wanted(const struct config *config, const struct change *change,
                          char *const *passwords)
{
    for (size_t i = 0; i < config->relay_count; i++)
        if (route_is_of(&change->route, config->relays[i].name) && passwords[i] == NULL)
            return true;
    return false;
}

static int render_installation(const struct config *config, const struct change *change,
                               char *const *passwords, unsigned long generation,
                               struct rendering *out, struct why *why)
{
    struct main_cf *master = main_cf_parse(change->original_master, change->original_master_len);
    char *chroot = master_word(master, "smtp/unix", MASTER_CHROOT);
    char *maxproc = master_word(master, "smtp/unix", MASTER_MAXPROC);
    char *directory = generation_path(config, generation);
    char *map = senders_map(config, change_map_type(change));
    struct transport_input in = {
        .config = config,
        .view = change->view,
        .directory = directory,
        .route_map = map,
        .chroot = chroot == NULL ? "n" : chroot,
        .maxproc = maxproc == NULL ? "-" : maxproc,
        .read = table_read,
        .passwords = passwords,
    };
    int rc = transport_render(&in, out, why);

    free(map);
    free(directory);
    free(maxproc);
    free(chroot);
    main_cf_free(master);
    return rc;
}

/* Whether the installation in place is just what would be installed. */
static bool is_installed(const struct config *config, const struct change *change,
                         char *const *passwords)
{
    const struct mark *mark = change->now.mark;
    const struct master_mark *master = change->now.master.mark;
    struct rendering rendering = { 0 };
    struct why ignored;

    if (mark->kind != BLOCK_TRANSPORT || mark->generation == 0 ||
        mark->generation != master->generation)
        return false;
    bool same =
        render_installation(config, change, passwords, mark->generation, &rendering, &ignored) ==
            0 &&
        settings_equal(&rendering.settings, &mark->settings) &&
        services_equal(&rendering.services, &master->services) &&
        generation_holds(config, mark->generation, change_map_type(change), &rendering.contents);
    render_free(&rendering);
    return same;
}

/* The route in force, as long as the configuration knows its relay. */
static struct route present_route(const struct config *config, const struct change *change)
{
    const struct mark *mark = change->now.mark;

    return mark->kind == BLOCK_TRANSPORT && config_relay(config, mark->route.name) != NULL
               ? mark->route
               : route_direct();
}

static bool map_is(const struct config *config, const struct change *change,
                   const struct contents *contents)
{
    return change->now.mark->kind == BLOCK_TRANSPORT &&
           senders_hold(config, change->now.map, change_map_type(change), contents);
}

/* Whether a route by the map can stay while the steps are taken: the services in place are those
 * to be, and proved. */
static struct route meanwhile(const struct config *config, const struct change *change,
                              bool installed)
{
    return installed ? present_route(config, change) : route_direct();
}

/* Before anything refers to the services, the map is there, and leads the proof to its relay. */
static void add_probe_map(const struct config *config, const struct senders *probe,
                          struct change *change)
{
    struct contents contents;

    senders_contents(config, change->view, probe, &contents);
    if (!map_is(config, change, &contents))
        steps_add_map(change, &contents, false, change->now.mark->kind == BLOCK_TRANSPORT);
    contents_free(&contents);
}

static void add_installation(struct change *change)
{
    struct main_cf *main_cf = main_cf_parse(change->original, change->original_len);
    struct main_cf *master = main_cf_parse(change->original_master, change->original_master_len);
    size_t len;
    char *text = master_mark_set(master, change->generation, &change->rendering.services, &len);

    steps_add_file(change, CHANGE_MASTER_CF, STEP_MASTER, text, len, false);
    text = mark_install(main_cf, change->generation, &change->rendering.settings, &len);
    steps_add_file(change, CHANGE_MAIN_CF, STEP_INSTALL, text, len, true);
    main_cf_free(main_cf);
    main_cf_free(master);
}

/* To the route WANTED, which is proved first; or where it is direct, the installation is proved in
 * the end. */
static void add_route(const struct config *config, const struct senders *wanted, bool installed,
                      struct change *change)
{
    struct senders probe = *wanted;
    struct contents contents;

    probe.route = meanwhile(config, change, installed);
    end_relayhost(change);
    add_probe_map(config, &probe, change);
    if (!installed)
        add_installation(change);
    if (route_equal(&wanted->route, &probe.route)) {
        change->proved_last = !installed;
        return;
    }
    senders_contents(config, change->view, wanted, &contents);
    steps_add_map(change, &contents, true, true);
}

static enum change_kind add_steps(const struct config *config, const struct route *wanted_route,
                                  char *const *passwords, struct change *change, struct why *why)
{
    struct senders wanted = { .route = *wanted_route, .proof = change->proof };
    const struct mark *mark = change->now.mark;
    struct contents contents;

    snprintf(wanted.proof_sender, sizeof wanted.proof_sender, "%s", change->proof_sender);
    bool installed = is_installed(config, change, passwords);

    change->generation = installed ? mark->generation : generation_next(config, mark->generation);
    change->builds = !installed;
    if (render_installation(config, change, passwords, change->generation, &change->rendering,
                            why) == -1)
        return CHANGE_REFUSED;
    senders_contents(config, change->view, &wanted, &contents);
    bool in_force = installed && map_is(config, change, &contents);
    contents_free(&contents);
    if (!in_force)
        add_route(config, &wanted, installed, change);
    return in_force ? CHANGE_NONE : CHANGE_NEEDED;
}

/* Where there is no relay in force to prove, the one that would come first. */
static struct route what_to_prove(const struct config *config, const struct route *wanted,
                                  char *const *passwords)
{
    if (!route_is_direct(wanted))
        return *wanted;
    for (size_t i = 0; i < config->relay_count; i++)
        if (passwords[i] != NULL)
            return route_relay(config->relays[i].name, config->relays[i].ports.port[0]);
    return route_direct();
}

enum change_kind prepare_transport(const struct config *config, const struct route *wanted,
                                   bool preview, struct change *change, struct why *why)
{
    enum change_kind kind = CHANGE_REFUSED;
    char **passwords = read_passwords(config, preview, change, why);

    change->proof = what_to_prove(config, wanted, passwords);
    change->proof_sender = proof_sender(change->view, why);
    if (!misses_wanted(config, change, passwords) && change->proof_sender != NULL) {
        if (route_is_direct(&change->proof))
            why_set(why, "no relay can be installed: none has a password that can be read");
        else
            kind = add_steps(config, wanted, passwords, change, why);
    }
    free_passwords(config, passwords);
    return kind;
}
