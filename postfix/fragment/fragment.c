/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/fragment.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/json_text.h"
#include <stdlib.h>
#include <string.h>

/* Of the manifest; it grows when a member changes its meaning. */
#define SCHEMA 1

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : memory_copy(text);
}

struct fragment_item *fragment_add(struct fragment *f, const char *name, const char *value,
                                   const char *before, const char *owner)
{
    f->item = memory_grow(f->item, f->count + 1, sizeof *f->item);
    struct fragment_item *item = &f->item[f->count++];
    *item = (struct fragment_item){
        .name = memory_copy(name),
        .value = copy_or_null(value),
        .before = copy_or_null(before),
        .owner = copy_or_null(owner),
    };
    return item;
}

static void free_item(struct fragment_item *item)
{
    for (size_t i = 0; i < item->stale_count; i++)
        free(item->stale[i]);
    free(item->stale);
    free(item->name);
    free(item->value);
    free(item->before);
    free(item->owner);
}

void fragment_drop(struct fragment *f)
{
    free_item(&f->item[--f->count]);
}

bool fragment_item_is_stale(const struct fragment_item *item, const char *value)
{
    for (size_t i = 0; value != NULL && i < item->stale_count; i++)
        if (strcmp(item->stale[i], value) == 0)
            return true;
    return false;
}

void fragment_item_add_stale(struct fragment_item *item, const char *value)
{
    if (fragment_item_is_stale(item, value) ||
        (item->value != NULL && strcmp(item->value, value) == 0))
        return;
    item->stale = memory_grow(item->stale, item->stale_count + 1, sizeof *item->stale);
    item->stale[item->stale_count++] = memory_copy(value);
}

static const struct fragment_item *find(const struct fragment *f, bool service, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->item[i].is_service == service && strcmp(f->item[i].name, name) == 0)
            return &f->item[i];
    return NULL;
}

const struct fragment_item *fragment_parameter(const struct fragment *f, const char *name)
{
    return find(f, false, name);
}

const struct fragment_item *fragment_service(const struct fragment *f, const char *name)
{
    return find(f, true, name);
}

bool fragment_has_services(const struct fragment *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->item[i].is_service)
            return true;
    return false;
}

bool fragment_item_is_applied(const struct fragment_item *item, const char *value)
{
    if (item->restores)
        return !fragment_item_is_stale(item, value);
    return value != NULL && item->value != NULL && strcmp(value, item->value) == 0;
}

char *fragment_line(const char *name, const char *value)
{
    return memory_format("%s =%s%s", name, value[0] == '\0' ? "" : " ", value);
}

/* As JSON */

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *item_json(const struct fragment_item *item)
{
    json_t *o = json_object(), *stale = json_array();

    for (size_t i = 0; i < item->stale_count; i++)
        json_array_append_new(stale, json_string(item->stale[i]));
    json_object_set_new(o, "name", json_string(item->name));
    json_object_set_new(o, "value", text_or_null(item->value));
    json_object_set_new(o, "before", text_or_null(item->before));
    json_object_set_new(o, "owner", text_or_null(item->owner));
    json_object_set_new(o, "restores", json_boolean(item->restores));
    json_object_set_new(o, "leads", json_boolean(item->leads));
    json_object_set_new(o, "stale", stale);
    return o;
}

static json_t *items_json(const struct fragment *f, bool services)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->count; i++)
        if (f->item[i].is_service == services)
            json_array_append_new(list, item_json(&f->item[i]));
    return list;
}

json_t *fragment_json(const struct fragment *f)
{
    char written[CLOCK_TEXT];
    json_t *o = json_object();

    clock_text(f->written, written);
    json_object_set_new(o, "schema", json_integer(SCHEMA));
    json_object_set_new(o, "generation", json_integer((json_int_t)f->generation));
    json_object_set_new(o, "route", route_json(&f->route));
    json_object_set_new(o, "method", json_string(f->method));
    json_object_set_new(o, "written", json_string(written));
    json_object_set_new(o, "time", json_integer(f->written));
    json_object_set_new(o, "config_directory", json_string(f->config_directory));
    json_object_set_new(o, "maps", text_or_null(f->maps));
    json_object_set_new(o, "program", json_string(f->program));
    json_object_set_new(o, "configuration", json_string(f->configuration));
    json_object_set_new(o, "parameters", items_json(f, false));
    json_object_set_new(o, "services", items_json(f, true));
    return o;
}

static bool is_text_or_null(const json_t *o, const char *key, const char **out)
{
    const json_t *value = json_object_get(o, key);

    *out = json_string_value(value);
    return json_is_null(value) || *out != NULL;
}

static bool parse_item(struct fragment *f, const json_t *o, bool is_service)
{
    const char *name = json_string_value(json_object_get(o, "name")), *value, *before, *owner;
    size_t i;
    json_t *stale;

    if (name == NULL || !is_text_or_null(o, "value", &value) ||
        !is_text_or_null(o, "before", &before) || !is_text_or_null(o, "owner", &owner))
        return false;
    struct fragment_item *item = fragment_add(f, name, value, before, owner);
    item->is_service = is_service;
    item->restores = json_is_true(json_object_get(o, "restores"));
    item->leads = json_is_true(json_object_get(o, "leads"));
    json_array_foreach(json_object_get(o, "stale"), i, stale) if (json_is_string(stale))
        fragment_item_add_stale(item, json_string_value(stale));
    return item->restores || value != NULL;
}

static bool parse_items(struct fragment *f, const json_t *list, bool services)
{
    size_t i;
    json_t *o;

    json_array_foreach(list, i, o) if (!parse_item(f, o, services)) return false;
    return json_is_array(list);
}

static bool parse_route(const json_t *o, struct route *out)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    json_int_t port = json_integer_value(json_object_get(o, "port"));

    if (name == NULL || !token_valid(name) || port < 0 || port > UINT16_MAX)
        return false;
    *out = strcmp(name, "direct") == 0 ? route_direct() : route_relay(name, (uint16_t)port);
    return true;
}

static bool parse(struct fragment *f, const json_t *o)
{
    json_int_t generation = json_integer_value(json_object_get(o, "generation"));
    const char *method, *directory, *program, *configuration, *maps;

    if (json_integer_value(json_object_get(o, "schema")) != SCHEMA || generation <= 0 ||
        !is_text_or_null(o, "method", &method) ||
        !is_text_or_null(o, "config_directory", &directory) ||
        !is_text_or_null(o, "program", &program) ||
        !is_text_or_null(o, "configuration", &configuration) ||
        !is_text_or_null(o, "maps", &maps) || method == NULL || directory == NULL ||
        program == NULL || configuration == NULL)
        return false;
    f->generation = (unsigned long)generation;
    f->written = json_integer_value(json_object_get(o, "time"));
    f->method = memory_copy(method);
    f->config_directory = memory_copy(directory);
    f->program = memory_copy(program);
    f->configuration = memory_copy(configuration);
    f->maps = copy_or_null(maps);
    return parse_route(json_object_get(o, "route"), &f->route) &&
           parse_items(f, json_object_get(o, "parameters"), false) &&
           parse_items(f, json_object_get(o, "services"), true);
}

struct fragment *fragment_parse(const char *text, size_t len, struct why *why)
{
    json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    struct fragment *f = memory_zero(1, sizeof *f);

    if (o == NULL || !parse(f, o)) {
        why_set(why, "it is no manifest of a fragment");
        fragment_free(f);
        f = NULL;
    }
    json_decref(o);
    return f;
}

void fragment_free(struct fragment *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++)
        free_item(&f->item[i]);
    free(f->item);
    free(f->method);
    free(f->config_directory);
    free(f->maps);
    free(f->program);
    free(f->configuration);
    free(f);
}
