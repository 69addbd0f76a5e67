/* SPDX-License-Identifier: BSD-2-Clause */
/* The method relayhost: settings in main.cf, in steps that fit each other. */
#include "lib/memory.h"
#include "lib/secret.h"
#include "postfix/base/files.h"
#include "postfix/cf/generation.h"
#include "postfix/change/methods.h"
#include "postfix/change/steps.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CA_MAX ((size_t)16 * 1024 * 1024)

/* NULL where there is none, or one that cannot be read: smtp(8) does without it too. */
static char *read_owner_ca(const struct view *view)
{
    const char *path = view_value(view, "smtp_tls_CAfile");
    struct why ignored;
    size_t len;

    return path[0] == '/' ? file_read(path, CA_MAX, &len, &ignored) : NULL;
}

static void note_ca(struct change *change)
{
    const char *value = settings_value(&change->rendering.settings, "smtp_tls_CAfile");
    const char *theirs = view_value(change->view, "smtp_tls_CAfile");

    if (value != NULL && theirs[0] != '\0')
        findings_add(&change->notes,
                     "smtp_tls_CAfile = %s: replaced by a copy of it with the relay's authorities "
                     "behind; later changes of the file count after the next switch",
                     theirs);
}

static int render_at(const struct config *config, const struct render_input *common,
                     unsigned long generation, struct rendering *rendering, struct why *why)
{
    struct render_input in = *common;
    char *directory = generation_path(config, generation);

    in.directory = directory;
    int rc = render(&in, rendering, why);
    free(directory);
    return rc;
}

/* Whether the route in force is this one, with just this content. */
static bool in_force(const struct config *config, const struct change *change,
                     const struct render_input *in)
{
    const struct mark *mark = change->now.mark;
    struct rendering rendering = { 0 };
    struct why ignored;

    if (mark->kind != BLOCK_RELAY || !route_equal(&mark->route, &change->route))
        return false;
    bool same =
        render_at(config, in, mark->generation, &rendering, &ignored) == 0 &&
        settings_equal(&rendering.settings, &mark->settings) &&
        generation_holds(config, mark->generation, change_map_type(change), &rendering.contents);
    render_free(&rendering);
    return same;
}

static enum change_kind add_relayhost(const struct config *config, struct change *change,
                                      const struct render_input *in, struct why *why)
{
    struct settings *settings = &change->rendering.settings;
    size_t len;

    if (change->now.master.mark->generation == 0 && in_force(config, change, in))
        return CHANGE_NONE;
    change->generation = generation_next(config, change->now.mark->generation);
    change->builds = true;
    if (render_at(config, in, change->generation, &change->rendering, why) == -1)
        return CHANGE_REFUSED;
    note_ca(change);
    end_relayhost(change);
    if (change->now.mark->kind == BLOCK_TRANSPORT) {
        end_transport(config, change);
        add_owners_main_cf(change);
    }
    add_owners_master_cf(change);
    add_prepared(change, change->generation, settings);
    struct main_cf *cf = main_cf_parse(change->original, change->original_len);
    char *text = mark_set(cf, &change->route, change->generation, settings, &len);
    steps_add_file(change, CHANGE_MAIN_CF, STEP_INSTALL, text, len, true);
    main_cf_free(cf);
    return CHANGE_NEEDED;
}

static enum change_kind render_with(const struct config *config, struct change *change,
                                    const char *password, const char *relay_ca, struct why *why)
{
    const struct relay *relay = config_relay(config, change->route.name);
    const struct view *view = change->view;
    char *owner_ca = read_owner_ca(view);
    struct render_input in = {
        .relay = relay,
        .port = change->route.port,
        .tls_level = config->postfix.tls_level,
        .password = password,
        .map_type = change_map_type(change),
        .sasl_auth_enable = view_value(view, "smtp_sasl_auth_enable"),
        .sasl_password_maps = view_raw(view, "smtp_sasl_password_maps"),
        .sasl_security_options =
            view_value(view, render_sasl_options_name(config->postfix.tls_level)),
        .tls_policy_maps = view_raw(view, "smtp_tls_policy_maps"),
        .status_filter = view_value(view, "smtp_delivery_status_filter"),
        .tls_ca_file = view_value(view, "smtp_tls_CAfile"),
        .utf8_maps = strcasecmp(view_value(view, "smtputf8_enable"), "yes") == 0,
        .owner_ca = owner_ca,
        .relay_ca = relay_ca,
    };
    enum change_kind kind = add_relayhost(config, change, &in, why);
    free(owner_ca);
    return kind;
}

enum change_kind prepare_relayhost(const struct config *config, bool preview, struct change *change,
                                   struct why *why)
{
    const struct relay *relay = config_relay(config, change->route.name);
    enum change_kind kind = CHANGE_REFUSED;
    char *password = or_placeholder(read_password(config, relay, why), preview, change, why);
    char *relay_ca =
        password == NULL ? NULL : or_placeholder(read_relay_ca(relay, why), preview, change, why);

    if (relay_ca != NULL)
        kind = render_with(config, change, password, relay_ca, why);
    secret_free(password);
    free(relay_ca);
    return kind;
}
