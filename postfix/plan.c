/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/plan.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/json_text.h"
#include "postfix/base/paths.h"
#include "postfix/cf/generation.h"
#include "postfix/cf/install.h"
#include "postfix/change/check.h"
#include "postfix/change/prepare.h"
#include "postfix/fragment/handover.h"
#include "postfix/host/hide.h"
#include "postfix/host/instances.h"
#include "postfix/host/stage.h"
#include "postfix/host/table.h"
#include "postfix/method/consequences.h"
#include "postfix/method/senders.h"
#include <stdlib.h>
#include <string.h>

/* Of the document; it grows when a member changes its meaning. */
#define SCHEMA 1

struct plan {
    const struct config *config;
    struct change change;
    json_t *parameters;
};

/* The owner's password maps on one line, for what has to be hidden; NULL where they have none. */
static const char *owner_password_maps(const struct change *change)
{
    const struct view *view = change->view;

    return view == NULL ? settings_value(&change->now.mark->settings, "smtp_sasl_password_maps")
                        : view_written(view, "smtp_sasl_password_maps");
}

static json_t *shown(const struct plan *plan, struct main_cf *original, const char *text)
{
    if (text == NULL)
        return json_null();
    const struct change *c = &plan->change;
    struct main_cf *master = main_cf_parse(c->original_master, c->original_master_len);
    char *some = hide_passwords(text, original, owner_password_maps(c));
    char *hidden = hide_master_passwords(some, master);
    json_t *string = text_json(hidden);
    free(hidden);
    free(some);
    main_cf_free(master);
    return string;
}

static void visit(void *context, const char *name, const char *before, const char *after)
{
    struct plan *plan = context;
    struct main_cf *original = main_cf_parse(plan->change.original, plan->change.original_len);

    json_array_append_new(plan->parameters, json_pack("{s:s, s:o, s:o}", "name", name, "before",
                                                      shown(plan, original, before), "after",
                                                      shown(plan, original, after)));
    main_cf_free(original);
}

/* diff(1) of two staged files; NULL where that tool is missing. */
static char *difference(const struct stage *before, const struct stage *after, const char *name)
{
    char *old = memory_format("%s/%s", stage_directory(before), name);
    char *new = memory_format("%s/%s", stage_directory(after), name);
    const char *const argv[] = { "diff",    "-u", "-a", "--label", name,
                                 "--label", name, old,  new,       NULL };
    struct command_result result = { 0 };
    struct why ignored;
    char *text = NULL;

    if (command_run(argv, COMMAND_TIMEOUT_MS, &result, &ignored) == 0 && result.status <= 1)
        text = memory_copy(result.out);
    command_result_free(&result);
    free(old);
    free(new);
    return text;
}

static void add_difference(struct plan *plan, json_t *members, struct why *why)
{
    const struct change *c = &plan->change;
    struct stage_texts present = { c->now.bytes, c->now.len, c->now.master.bytes,
                                   c->now.master.len },
                       to_be = { c->after, c->after_len, c->after_master, c->after_master_len };
    struct stage *before = stage_new(plan->config, NULL, NULL, &present, why);
    struct stage *after = stage_new(plan->config, NULL, NULL, &to_be, why);

    if (before != NULL && after != NULL) {
        struct main_cf *original = main_cf_parse(c->original, c->original_len);
        char *main_cf = difference(before, after, MAIN_CF);
        char *master_cf = difference(before, after, MASTER_CF);
        char *both =
            main_cf == NULL || master_cf == NULL ? NULL : memory_format("%s%s", main_cf, master_cf);
        json_object_set_new(members, "difference", shown(plan, original, both));
        free(both);
        free(main_cf);
        free(master_cf);
        main_cf_free(original);
    }
    stage_free(before);
    stage_free(after);
}

static void add_file(const struct plan *plan, json_t *files, const char *name)
{
    char *path = home_path(plan->config, name);

    json_array_append_new(files, text_json(path));
    free(path);
}

static bool replaces(const struct change *c, enum change_place place)
{
    for (size_t i = 0; i < c->step_count; i++)
        if (c->step[i].place == place)
            return true;
    return false;
}

static json_t *files_of(const struct plan *plan)
{
    const struct change *c = &plan->change;
    json_t *files = json_array();

    if (replaces(c, CHANGE_MAIN_CF))
        add_file(plan, files, MAIN_CF);
    if (replaces(c, CHANGE_MASTER_CF))
        add_file(plan, files, MASTER_CF);
    if (replaces(c, CHANGE_MAP)) {
        add_file(plan, files, ROUTES);
        add_file(plan, files, ROUTE_LINK);
    }
    if (!c->builds)
        return files;
    add_file(plan, files, BEFORE);
    if (c->rendering.services.count > 0)
        add_file(plan, files, MASTER_BEFORE);
    char *directory = generation_path(plan->config, c->generation);
    json_array_append_new(files, text_json(directory));
    free(directory);
    return files;
}

/* The services that the route is about, without their types. */
static json_t *services_of(const struct services *services)
{
    json_t *list = json_array();

    for (size_t i = 0; i < services->count; i++)
        json_array_append_new(list, json_sprintf("%.*s", (int)strcspn(services->item[i].name, "/"),
                                                 services->item[i].name));
    if (services->count == 0)
        json_array_append_new(list, json_string("smtp"));
    return list;
}

/* An entry of ours, with whatever of the owner's options it takes over. */
static json_t *entry_json(const struct service *service)
{
    struct main_cf *cf = main_cf_parse(service->text, strlen(service->text));
    char *hidden = hide_master_passwords(service->text, cf);
    json_t *entry = json_pack("{s:s, s:o}", "name", service->name, "text", text_json(hidden));

    free(hidden);
    main_cf_free(cf);
    return entry;
}

static json_t *entries_of(const struct services *services)
{
    json_t *list = json_array();

    for (size_t i = 0; i < services->count; i++)
        json_array_append_new(list, entry_json(&services->item[i]));
    return list;
}

/* The map as it is in the end, but for the way of the proof; NULL where it stays. */
static json_t *senders_of(const struct plan *plan)
{
    const struct change *c = &plan->change;
    const struct contents *contents = NULL;

    for (size_t i = 0; i < c->step_count; i++)
        if (c->step[i].place == CHANGE_MAP)
            contents = &c->step[i].contents;
    if (contents == NULL)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < contents->answer_count; i++) {
        const struct content_answer *answer = &contents->answer[i];
        if (c->proof_sender == NULL || strcmp(answer->key, c->proof_sender) != 0)
            json_array_append_new(list, json_pack("{s:o, s:o}", "name", text_json(answer->key),
                                                  "way", text_json(answer->value)));
    }
    return list;
}

static json_t *list(const struct findings *findings)
{
    return texts_json(findings->text, findings->count);
}

/* Which mail does not follow, or follows unexpectedly. */
static int add_consequences(struct plan *plan, json_t *members, struct why *why)
{
    struct change *c = &plan->change;
    struct consequences consequences = { 0 };
    struct stage_texts texts = { c->original, c->original_len, c->original_master,
                                 c->original_master_len };

    if (c->view == NULL)
        c->view = view_staged(plan->config, NULL, &texts, why);
    if (c->view == NULL)
        return -1;
    if (route_is_direct(&c->route)) {
        consequences_of_direct(c->view, &consequences);
    } else {
        const struct relay *relay = config_relay(plan->config, c->route.name);
        struct instances others = instances_besides(c->view);
        if (plan->config->postfix.method == METHOD_TRANSPORT)
            consequences_of_transport(c->view, relay, &others, table_read, &consequences);
        else
            consequences_of_relayhost(c->view, &others, table_read, &consequences);
        instances_free(&others);
    }
    json_object_set_new(members, "not_following", list(&consequences.not_following));
    json_object_set_new(members, "following_unexpectedly",
                        list(&consequences.following_unexpectedly));
    consequences_free(&consequences);
    return 0;
}

/* What would be written. */
static int add_change(struct plan *plan, json_t *members, struct why *why)
{
    const struct change *c = &plan->change;

    plan->parameters = json_array();
    json_object_set_new(members, "parameters", plan->parameters);
    if (change_each(plan->config, c, visit, plan, why) == -1)
        return -1;
    json_object_set_new(members, "services", services_of(&c->rendering.services));
    if (c->rendering.services.count > 0)
        json_object_set_new(members, "entries", entries_of(&c->rendering.services));
    json_t *senders = senders_of(plan);
    if (senders != NULL)
        json_object_set_new(members, "senders", senders);
    add_difference(plan, members, why);
    json_object_set_new(members, "files", files_of(plan));
    return 0;
}

/* NULL with a reason; less than all of it where a refusal leaves nothing to work out. */
static json_t *members_of(struct plan *plan, struct why *why)
{
    const struct change *c = &plan->change;
    json_t *members = json_object();
    int rc = 0;

    json_object_set_new(members, "schema", json_integer(SCHEMA));
    json_object_set_new(members, "refusals", list(&c->refusals));
    json_object_set_new(members, "route", route_json(&c->route));
    if (c->now.mark != NULL)
        json_object_set_new(members, "from", route_json(&c->now.mark->route));
    if (c->now.mark != NULL)
        json_object_set_new(members, "installed",
                            json_boolean(c->now.mark->kind == BLOCK_TRANSPORT));
    if (c->after != NULL)
        rc = add_change(plan, members, why);
    if (rc == 0 && c->original != NULL)
        rc = add_consequences(plan, members, why);
    json_object_set_new(members, "notes", list(&c->notes));
    if (rc == 0)
        return members;
    json_decref(members);
    return NULL;
}

/* Postfix's own tools on the staged copy; what they say of a refused change is no news. */
static int check(struct plan *plan, struct answer *answer, struct why *why)
{
    int64_t started = clock_mono_ms();
    struct reading expected;
    int rc = check_change(plan->config, &plan->change, NULL, &expected, why);
    reading_free(&expected);

    answer_step(answer, "check", rc == 0, clock_mono_ms() - started, rc == 0 ? NULL : why->text);
    return rc;
}

static const char *result_of(enum change_kind kind)
{
    return kind == CHANGE_NEEDED ? "ok" : kind == CHANGE_NONE ? "unchanged" : "refused";
}

static bool answer_plan(struct plan *plan, enum change_kind kind, const struct why *refusal,
                        struct answer *answer)
{
    struct why why;
    json_t *members = NULL;

    if (kind != CHANGE_NEEDED || check(plan, answer, &why) == 0)
        members = members_of(plan, &why);
    if (members == NULL)
        answer_end(answer, "failed", why.text, NULL);
    else
        answer_end(answer, result_of(kind), kind == CHANGE_REFUSED ? refusal->text : NULL, members);
    return members != NULL && kind != CHANGE_REFUSED;
}

bool plan_run(const struct config *config, const struct change_request *wanted,
              struct answer *answer)
{
    struct plan plan = { .config = config };
    struct why why;
    int64_t started = clock_mono_ms();
    char *owner = config->mode == MODE_FRAGMENT ? handover_owner(config, &why) : NULL;
    struct change_request request = *wanted;
    request.preview = true;
    request.owner = owner;
    enum change_kind kind = CHANGE_FAILED;
    if (owner != NULL || config->mode != MODE_FRAGMENT)
        kind = change_prepare(config, &request, NULL, &plan.change, &why);
    if (owner != NULL)
        findings_add(&plan.change.notes,
                     "mode = fragment: configuration management has to do this, in its own way; "
                     "detourctl fragment says what");
    free(owner);
    bool well = kind == CHANGE_NEEDED || kind == CHANGE_NONE;

    answer_step(answer, "prepare", well, clock_mono_ms() - started,
                well                     ? NULL
                : kind == CHANGE_REFUSED ? "the switch would be refused"
                                         : why.text);
    if (kind == CHANGE_FAILED)
        answer_end(answer, "failed", why.text, NULL);
    else
        well = answer_plan(&plan, kind, &why, answer);
    change_free(&plan.change);
    return well;
}
