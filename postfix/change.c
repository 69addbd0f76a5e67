/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change.h"

#include "lib/memory.h"
#include "lib/secret.h"
#include "lib/trust.h"
#include "postfix/files.h"
#include "postfix/generation.h"
#include "postfix/stage.h"
#include "postfix/text.h"
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CA_MAX ((size_t)16 * 1024 * 1024)

const char *change_map_type(const struct change *change)
{
    return view_value(change->view, "default_database_type");
}

static enum change_kind refuse_drift(const struct mark *mark, struct why *why)
{
    struct findings drift = { .text = mark->drift, .count = mark->drift_count };
    struct why all;

    findings_join(&drift, &all);
    why_set(why,
            "%.700s; nothing of that is overruled: \"detourctl release\" lets detourd start over "
            "from main.cf as it is",
            all.text);
    return CHANGE_REFUSED;
}

static enum change_kind look_at_host(const struct config *config, const char *workspace,
                                     struct change *change, struct why *why)
{
    change->view = view_staged(config, workspace, change->original, change->original_len, why);
    if (change->view == NULL)
        return CHANGE_FAILED;
    find_refusals(change->view, config, &change->refusals);
    find_notes(change->view, config, &change->notes);
    find_exceptions(change->view, &change->exceptions);
    if (change->refusals.count == 0)
        return CHANGE_NEEDED;
    findings_join(&change->refusals, why);
    return CHANGE_REFUSED;
}

/* The group that may read a password file: the daemon's, which proves relays with it. */
static gid_t group_of(const char *user)
{
    const struct passwd *entry = getpwnam(user);

    return entry == NULL ? SECRET_NO_GROUP : entry->pw_gid;
}

static char *read_password(const struct config *config, const struct relay *relay, struct why *why)
{
    if (trust_check(relay->password_file, why->text, sizeof why->text) == -1)
        return NULL;
    return secret_read(relay->password_file, group_of(config->user), why->text, sizeof why->text);
}

static char *read_relay_ca(const struct relay *relay, struct why *why)
{
    size_t len;

    if (trust_check(relay->ca_file, why->text, sizeof why->text) == -1)
        return NULL;
    return file_read(relay->ca_file, CA_MAX, &len, why);
}

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

    if (!route_equal(&mark->route, &change->route))
        return false;
    bool same =
        render_at(config, in, mark->generation, &rendering, &ignored) == 0 &&
        settings_equal(&rendering.settings, &mark->settings) &&
        generation_holds(config, mark->generation, change_map_type(change), &rendering.contents);
    render_free(&rendering);
    return same;
}

/* A step on the way: all of SETTINGS but the route itself. */
static void add_step(struct change *change, const struct main_cf *owners, unsigned long generation,
                     const struct settings *settings)
{
    struct change_step *step = &change->between[change->between_count++];
    struct route direct = route_direct();
    struct settings prepared = { 0 };

    settings_add_others(&prepared, settings, "relayhost");
    step->main_cf = mark_set(owners, &direct, generation, &prepared, &step->len);
    settings_free(&prepared);
}

/* First out of the route in force, if it is one to a relay, then into the other. */
static void add_steps(struct change *change, const struct main_cf *owners)
{
    const struct mark *mark = change->now.mark;

    if (!route_is_direct(&mark->route))
        add_step(change, owners, mark->generation, &mark->settings);
    if (!route_is_direct(&change->route))
        add_step(change, owners, change->generation, &change->rendering.settings);
}

static enum change_kind render_relay(const struct config *config, struct change *change,
                                     const struct render_input *in, struct why *why)
{
    if (in_force(config, change, in))
        return CHANGE_NONE;
    change->generation = generation_next(config, change->now.mark->generation);
    if (render_at(config, in, change->generation, &change->rendering, why) == -1)
        return CHANGE_REFUSED;
    note_ca(change);
    struct main_cf *cf = main_cf_parse(change->original, change->original_len);
    change->after = mark_set(cf, &change->route, change->generation, &change->rendering.settings,
                             &change->after_len);
    add_steps(change, cf);
    main_cf_free(cf);
    return CHANGE_NEEDED;
}

/* In a preview, whatever is missing is one refusal more, and something else takes its place: the
 * difference of main.cf holds none of it. */
static char *or_placeholder(char *text, bool preview, struct change *change, const struct why *why)
{
    if (text != NULL || !preview)
        return text;
    findings_add(&change->refusals, "%s", why->text);
    return memory_copy("?");
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
        .tls_ca_file = view_value(view, "smtp_tls_CAfile"),
        .status_filter = view_value(view, "smtp_delivery_status_filter"),
        .utf8_maps = strcasecmp(view_value(view, "smtputf8_enable"), "yes") == 0,
        .owner_ca = owner_ca,
        .relay_ca = relay_ca,
    };
    enum change_kind kind = render_relay(config, change, &in, why);
    free(owner_ca);
    return kind;
}

static enum change_kind prepare_relay(const struct config *config, const char *workspace,
                                      bool preview, struct change *change, struct why *why)
{
    const struct relay *relay = config_relay(config, change->route.name);
    enum change_kind kind = look_at_host(config, workspace, change, why);

    if (kind == CHANGE_FAILED || (kind == CHANGE_REFUSED && !preview))
        return kind;
    char *password = or_placeholder(read_password(config, relay, why), preview, change, why);
    char *relay_ca =
        password == NULL ? NULL : or_placeholder(read_relay_ca(relay, why), preview, change, why);
    kind = relay_ca == NULL ? CHANGE_REFUSED : render_with(config, change, password, relay_ca, why);
    secret_free(password);
    free(relay_ca);
    return kind;
}

/* What others have edited stays as it is. Only where the route is still ours is there a step on the
 * way, which takes nothing but that. */
static void prepare_kept(struct change *change)
{
    const struct mark *mark = change->now.mark;

    for (size_t i = 0; i < mark->drift_count; i++)
        findings_add(&change->notes, "%s: that stays", mark->drift[i]);
    if (mark_is_handed_over(change->now.cf, mark))
        findings_add(&change->notes,
                     "relayhost leads to the relay that detourd's password and TLS settings are "
                     "for: they stay too, as your own, with the files that they name");
    if (route_is_direct(&mark->route))
        return;
    struct change_step *step = &change->between[change->between_count++];
    step->main_cf = mark_remove_route(change->now.cf, mark, &step->len);
}

static enum change_kind prepare_direct(struct change *change)
{
    const struct mark *mark = change->now.mark;
    const struct main_cf_now *now = &change->now;

    if (mark->generation == 0 && mark->drift_count == 0)
        return CHANGE_NONE;
    change->after = memory_zero(change->original_len + 1, 1);
    memcpy(change->after, change->original, change->original_len);
    change->after_len = change->original_len;
    if (now->len == change->after_len && memcmp(now->bytes, change->after, now->len) == 0)
        return CHANGE_NONE;
    if (mark->drift_count > 0) {
        prepare_kept(change);
        return CHANGE_NEEDED;
    }
    struct main_cf *cf = main_cf_parse(change->original, change->original_len);
    add_steps(change, cf);
    main_cf_free(cf);
    return CHANGE_NEEDED;
}

static enum change_kind prepare(const struct config *config, const struct change_request *request,
                                const char *workspace, struct change *change, struct why *why)
{
    *change = (struct change){ .route = request->route };
    if (route_allowed(config, &request->route, why) == -1)
        return CHANGE_REFUSED;
    if (home_check(config, why) == -1 || main_cf_now_read(config, &change->now, why) == -1)
        return CHANGE_FAILED;
    const struct mark *mark = change->now.mark;
    if (request->release && mark->drift_count == 0) {
        change->route = mark->route;
        return CHANGE_NONE;
    }
    if (!mark->legible || (mark->drift_count > 0 && !route_is_direct(&request->route)))
        return refuse_drift(mark, why);
    change->original = mark_remove(change->now.cf, mark, &change->original_len);
    if (route_is_direct(&request->route))
        return prepare_direct(change);
    return prepare_relay(config, workspace, request->preview, change, why);
}

enum change_kind change_prepare(const struct config *config, const struct change_request *request,
                                const char *workspace, struct change *change, struct why *why)
{
    enum change_kind kind = prepare(config, request, workspace, change, why);

    if (!request->preview || kind == CHANGE_FAILED)
        return kind;
    if (kind == CHANGE_REFUSED)
        findings_add(&change->refusals, "%s", why->text);
    if (change->refusals.count == 0)
        return kind;
    findings_join(&change->refusals, why);
    return CHANGE_REFUSED;
}

void change_free(struct change *change)
{
    main_cf_now_free(&change->now);
    free(change->original);
    for (size_t i = 0; i < change->between_count; i++)
        free(change->between[i].main_cf);
    free(change->after);
    view_free(change->view);
    findings_free(&change->refusals);
    findings_free(&change->notes);
    findings_free(&change->exceptions);
    render_free(&change->rendering);
    *change = (struct change){ 0 };
}

static const char *value_or(const struct settings *settings, const char *name,
                            const struct view *owner)
{
    const char *value = settings_value(settings, name);

    return value != NULL ? value : view_written(owner, name);
}

int change_each(const struct config *config, const struct change *change, change_visit *visit,
                void *context, struct why *why)
{
    const struct settings *old = &change->now.mark->settings, *new = &change->rendering.settings;
    struct view *asked = NULL;
    const struct view *view = change->view;

    if (view == NULL)
        view = asked = view_staged(config, NULL, change->original, change->original_len, why);
    if (view == NULL)
        return -1;
    for (size_t i = 0; i < old->count + new->count; i++) {
        const char *name = i < old->count ? old->item[i].name : new->item[i - old->count].name;
        if (i < old->count || settings_value(old, name) == NULL)
            visit(context, name, value_or(old, name, view), value_or(new, name, view));
    }
    view_free(asked);
    return 0;
}
