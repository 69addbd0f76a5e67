/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/draft.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/text.h"
#include "postfix/base/utf8.h"
#include "postfix/cf/entry.h"
#include "postfix/cf/generation.h"
#include "postfix/change/home.h"
#include "postfix/change/home_now.h"
#include "postfix/change/prepare.h"
#include "postfix/host/hide.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int draft_look(const struct config *config, struct draft *out, struct why *why)
{
    *out = (struct draft){ 0 };
    if (home_check(config, why) == -1 || home_now_read(config, &out->now, why) == -1)
        return -1;
    if (config->mode == MODE_FRAGMENT && shelf_read(config, &out->shelf, why) == -1)
        return -1;
    if (live_read(config, &out->live, why) == -1)
        return -1;
    return standing_find(config, &out->shelf, &out->live, &out->standing, why);
}

void draft_free(struct draft *d)
{
    shelf_free(&d->shelf);
    live_free(&d->live);
    home_now_free(&d->now);
    standing_free(&d->standing);
    change_free(&d->change);
    fragment_free(d->fragment);
    *d = (struct draft){ 0 };
}

bool draft_has_block(const struct draft *d)
{
    return d->now.mark->generation != 0 || d->now.mark->drift_count > 0;
}

/* Whose is what */

static bool is_ours(const struct shelf *shelf, const char *name, const char *value)
{
    for (size_t n = 0; value != NULL && n < shelf->count; n++) {
        const struct fragment_item *item = fragment_parameter(shelf->kept[n], name);
        if (item != NULL && (fragment_item_is_stale(item, value) ||
                             (!item->restores && strcmp(item->value, value) == 0)))
            return true;
    }
    return false;
}

/* The same of an entry of master.cf, in one line. */
static bool is_our_service(const struct shelf *shelf, const char *name, const char *entry)
{
    for (size_t n = 0; entry != NULL && n < shelf->count; n++) {
        const struct fragment_item *item = fragment_service(shelf->kept[n], name);
        if (item != NULL && (fragment_item_is_stale(item, entry) ||
                             (item->value != NULL && strcmp(item->value, entry) == 0)))
            return true;
    }
    return false;
}

static const char *live_parameter(const struct draft *d, const char *name)
{
    return parameters_value(d->live.main_cf.set, name);
}

/* NULL where the owner does not set it. */
static const char *owners_value(const struct draft *d, const char *name)
{
    const char *value = live_parameter(d, name);
    const struct fragment_item *item = NULL;

    if (!is_ours(&d->shelf, name, value))
        return value;
    for (size_t n = d->shelf.count; item == NULL && n-- > 0;)
        item = fragment_parameter(d->shelf.kept[n], name);
    return item->owner;
}

/* The names that a fragment here is about, each once. */
static void collect_names(const struct shelf *shelf, bool services, struct settings *names)
{
    for (size_t n = 0; n < shelf->count; n++)
        for (size_t i = 0; i < shelf->kept[n]->count; i++) {
            const struct fragment_item *item = &shelf->kept[n]->item[i];
            if (item->is_service == services && settings_find(names, item->name) == NO_SETTING)
                settings_add(names, item->name, "");
        }
}

char *draft_owner(const struct draft *d)
{
    const struct main_cf *cf = d->now.cf;
    struct settings names = { 0 };
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *name = main_cf_name(cf, line->logical);
        if (name != NULL && is_ours(&d->shelf, name, live_parameter(d, name)))
            continue;
        fwrite(line->text, 1, line->len, text.out);
        if (line->text[line->len - 1] != '\n')
            fputc('\n', text.out);
    }
    collect_names(&d->shelf, false, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.item[i].name, *owner = owners_value(d, name);
        if (owner == NULL || !is_ours(&d->shelf, name, live_parameter(d, name)))
            continue;
        char *line = fragment_line(name, owner);
        fprintf(text.out, "%s\n", line);
        free(line);
    }
    text_close(&text);
    settings_free(&names);
    return text.bytes;
}

char *draft_owner_master(const struct draft *d)
{
    const struct main_cf *cf = d->now.master.cf;
    struct text text;
    size_t at = 0;

    text_open(&text);
    while (at < main_cf_line_count(cf)) {
        struct entry_lines lines = entry_next(cf, at);
        size_t end = lines.first;
        char *name = NULL, *entry = NULL;
        if (lines.first < main_cf_line_count(cf)) {
            struct fragment_item item = { .is_service = true };
            end = lines.last + 1;
            item.name = name = entry_name(cf, lines);
            entry = name == NULL ? NULL : live_value(&d->live, &item);
        }
        bool ours = name != NULL && is_our_service(&d->shelf, name, entry);
        for (size_t i = at; i < (ours ? lines.first : end); i++)
            fwrite(main_cf_line(cf, i)->text, 1, main_cf_line(cf, i)->len, text.out);
        free(name);
        free(entry);
        at = end;
    }
    text_close(&text);
    return text.bytes;
}

/* The fragment */

static char *own_path(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n <= 0)
        return memory_copy(PKGLIBEXECDIR "/detour-apply");
    path[n] = '\0';
    return memory_copy(path);
}

static struct fragment *begin_fragment(const struct config *config, const struct route *route,
                                       unsigned long generation)
{
    struct fragment *f = memory_zero(1, sizeof *f);

    f->generation = generation;
    f->route = *route;
    f->method = memory_copy(method_name(config->postfix.method));
    f->config_directory = memory_copy(config->postfix.config_directory);
    f->program = own_path();
    f->configuration = memory_copy(config->path);
    f->written = clock_wall();
    if (!route_is_direct(route))
        f->maps = generation_path(config, generation);
    return f;
}

/* What a method sends mail to the relay with. */
static bool leads_to_relay(const char *name)
{
    return strcmp(name, "relayhost") == 0 ||
           strcmp(name, "sender_dependent_default_transport_maps") == 0;
}

/* Whatever was handed out for that name so far. */
static void add_stale(const struct shelf *shelf, struct fragment_item *item)
{
    for (size_t n = 0; n < shelf->count; n++) {
        const struct fragment_item *old = item->is_service
                                              ? fragment_service(shelf->kept[n], item->name)
                                              : fragment_parameter(shelf->kept[n], item->name);
        if (old == NULL)
            continue;
        for (size_t i = 0; i < old->stale_count; i++)
            fragment_item_add_stale(item, old->stale[i]);
        if (!old->restores)
            fragment_item_add_stale(item, old->value);
    }
}

static void add_item(const struct draft *d, const char *name, const char *value, bool restores)
{
    const char *owner = owners_value(d, name);
    struct fragment_item *item =
        fragment_add(d->fragment, name, restores ? owner : value, live_parameter(d, name), owner);

    item->restores = restores;
    item->leads = leads_to_relay(name);
    add_stale(&d->shelf, item);
    /* What the owner sets too is nothing that must go. */
    if (restores && item->stale_count == 0)
        fragment_drop(d->fragment);
}

/* VALUE of NULL: it goes. */
static void add_service(const struct draft *d, const char *name, const char *value)
{
    struct fragment_item asked = { .is_service = true, .name = (char *)(uintptr_t)name };
    char *before = live_value(&d->live, &asked);
    struct fragment_item *item = fragment_add(d->fragment, name, value, before, NULL);

    item->is_service = true;
    item->restores = value == NULL;
    add_stale(&d->shelf, item);
    if (item->restores && item->stale_count == 0)
        fragment_drop(d->fragment);
    free(before);
}

static void add_services(const struct draft *d, const struct services *services)
{
    struct settings names = { 0 };

    for (size_t i = 0; i < services->count; i++) {
        char *entry = live_one_line(services->item[i].text);
        add_service(d, services->item[i].name, entry);
        free(entry);
    }
    collect_names(&d->shelf, true, &names);
    for (size_t i = 0; i < names.count; i++)
        if (services_find(services, names.item[i].name) == NO_SERVICE)
            add_service(d, names.item[i].name, NULL);
    settings_free(&names);
}

static void add_items(const struct draft *d, const struct settings *settings)
{
    struct settings names = { 0 };

    for (size_t i = 0; i < settings->count; i++)
        add_item(d, settings->item[i].name, settings->item[i].value, false);
    collect_names(&d->shelf, false, &names);
    for (size_t i = 0; i < names.count; i++)
        if (settings_find(settings, names.item[i].name) == NO_SETTING)
            add_item(d, names.item[i].name, NULL, true);
    settings_free(&names);
}

/* Whoever reads a fragment reads lines, and UTF-8. */
static int check_text(const char *name, const char *text, struct why *why)
{
    if (text != NULL && !utf8_valid(text))
        return why_set(why, "the value of %s is not UTF-8, which a fragment cannot hold", name);
    for (; text != NULL && *text != '\0'; text++)
        if ((*text >= 0 && *text < 0x20 && *text != '\t') || *text == 0x7f)
            return why_set(why, "the value of %s holds a control character", name);
    return 0;
}

static int check_item(const struct fragment_item *item, const struct main_cf *owner,
                      const char *password_maps, struct why *why)
{
    const char *texts[] = { item->value, item->before, item->owner };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (check_text(item->name, texts[i], why) == -1)
            return -1;
        if (texts[i] == NULL || password_maps == NULL)
            continue;
        char *hidden = hide_passwords(texts[i], owner, password_maps);
        bool secret = strcmp(hidden, texts[i]) != 0;
        free(hidden);
        if (secret)
            return why_set(why,
                           "%s holds a password in so many words, which a fragment would hand on: "
                           "put it into a file of its own",
                           item->name);
    }
    return 0;
}

static int check_fragment(const struct draft *d, struct why *why)
{
    const struct change *c = &d->change;
    struct main_cf *owner = main_cf_parse(c->original, c->original_len);
    const char *maps = view_written(c->view, "smtp_sasl_password_maps");
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < d->fragment->count; i++)
        rc = check_item(&d->fragment->item[i], owner, maps, why);
    main_cf_free(owner);
    return rc;
}

/* Whether the current fragment sets what this one sets, but for the number of the maps. */
static bool sets_the_same(const struct fragment *current, const struct fragment *f)
{
    size_t set = 0, wanted = 0;

    for (size_t i = 0; i < current->count; i++)
        set += !current->item[i].restores;
    for (size_t i = 0; i < f->count; i++) {
        const struct fragment_item *item = &f->item[i];
        if (item->restores)
            continue;
        const struct fragment_item *other = item->is_service
                                                ? fragment_service(current, item->name)
                                                : fragment_parameter(current, item->name);
        char *value = replace_all(item->value, f->maps, current->maps);
        bool same = other != NULL && !other->restores && strcmp(value, other->value) == 0;
        free(value);
        if (!same)
            return false;
        wanted++;
    }
    return set == wanted;
}

static bool is_current(const struct config *config, const struct draft *d)
{
    const struct fragment *current = d->shelf.current, *f = d->fragment;

    /* With the method transport one installation is for all routes. */
    bool same_route = current != NULL &&
                      (route_equal(&current->route, &f->route) ||
                       (fragment_installs(current) && !fragment_awaits_map(&d->shelf, current)));

    return same_route && strcmp(current->method, f->method) == 0 && current->maps != NULL &&
           sets_the_same(current, f) &&
           generation_holds(config, current->generation, change_map_type(&d->change),
                            &d->change.rendering.contents);
}

static enum change_kind drop_fragment(struct draft *d)
{
    fragment_free(d->fragment);
    d->fragment = NULL;
    return CHANGE_NONE;
}

static enum change_kind prepare_relay(const struct config *config, const struct route *route,
                                      const char *workspace, struct draft *d, struct why *why)
{
    bool hands_over = config->mode == MODE_FRAGMENT;
    char *owner = hands_over ? draft_owner(d) : NULL;
    char *master = hands_over ? draft_owner_master(d) : NULL;
    struct change_request request = { .route = *route, .owner = owner, .owner_master = master };
    enum change_kind kind = change_prepare(config, &request, workspace, &d->change, why);

    free(owner);
    free(master);
    if (kind != CHANGE_NEEDED)
        return kind;
    d->fragment = begin_fragment(config, route, d->change.generation);
    add_items(d, &d->change.rendering.settings);
    add_services(d, &d->change.rendering.services);
    if (is_current(config, d))
        return drop_fragment(d);
    return check_fragment(d, why) == 0 ? CHANGE_NEEDED : CHANGE_REFUSED;
}

static enum change_kind prepare_direct(const struct config *config, const struct route *route,
                                       struct draft *d)
{
    static const struct settings none = { 0 };
    static const struct services no_services = { 0 };

    if (d->shelf.current == NULL || route_is_direct(&d->shelf.current->route))
        return CHANGE_NONE;
    d->fragment = begin_fragment(config, route, generation_next(config, 0));
    add_items(d, &none);
    add_services(d, &no_services);
    return CHANGE_NEEDED;
}

enum change_kind draft_prepare(const struct config *config, const struct route *route,
                               const char *workspace, struct draft *d, struct why *why)
{
    if (draft_look(config, d, why) == -1)
        return CHANGE_FAILED;
    if (config->mode == MODE_FRAGMENT && draft_has_block(d)) {
        why_set(why,
                "main.cf still holds what mode = switch has put in; \"detourctl route direct\" "
                "takes it out");
        return CHANGE_REFUSED;
    }
    return route_is_direct(route) ? prepare_direct(config, route, d)
                                  : prepare_relay(config, route, workspace, d, why);
}
