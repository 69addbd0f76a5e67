/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/host/reading.h"

#include "lib/memory.h"
#include "postfix/cf/entry.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED ": unused parameter: "

/* Postfix 3.10 and later quote a bit of the value behind it, in which $names are replaced already:
 * by what is ours, for one (mystrtok.c). */
#define COMMENT ": #comment after other text is not allowed: "

/* Postfix 3.11 says it of each file. Where the owner sets such a parameter in main.cf, a service of
 * ours may have to overrule it in master.cf (postconf_unused.c). */
#define DEPRECATED ": support for parameter \""

int reading_take(const char *directory, const char *home, struct reading *out, struct why *why)
{
    *out = (struct reading){ 0 };
    out->set = view_explicit(directory, home, &out->warnings, why);
    char *entries = out->set == NULL ? NULL : view_entries(directory, home, why);
    if (entries != NULL)
        out->entries = main_cf_parse(entries, strlen(entries));
    free(entries);
    return out->entries == NULL ? -1 : 0;
}

void reading_free(struct reading *reading)
{
    parameters_free(reading->set);
    main_cf_free(reading->entries);
    free(reading->warnings);
    *reading = (struct reading){ 0 };
}

/* A parameter of the owner's own making that nothing refers to any more is left out by "postconf
 * -n", with a warning that no other program gives. */
static bool is_unused(const struct reading *reading, const char *name)
{
    char *words = memory_format(UNUSED "%s=", name);
    bool found = strstr(reading->warnings, words) != NULL;

    free(words);
    return found;
}

static bool is_among(const struct settings *settings, const char *name)
{
    return settings != NULL && settings_value(settings, name) != NULL;
}

/* Every parameter of A that is no setting must stand in B with the same value. The name of the
 * directory itself may differ: it is what a stage is. */
static int is_contained(const struct reading *a, const struct reading *b,
                        const struct settings *settings, struct why *why)
{
    for (size_t i = 0; i < parameters_count(a->set); i++) {
        const char *name = parameters_name(a->set, i), *value = parameters_value(b->set, name);
        if (is_among(settings, name) || strcmp(name, "config_directory") == 0 ||
            (value == NULL && is_unused(b, name)))
            continue;
        if (value == NULL || strcmp(value, parameters_nth(a->set, i)) != 0)
            return why_set(why, "the change also changes %s, which it must not", name);
    }
    return 0;
}

int reading_same_without(const struct reading *before, const struct reading *after,
                         const struct settings *settings, struct why *why)
{
    if (is_contained(before, after, settings, why) == -1)
        return -1;
    return is_contained(after, before, settings, why);
}

int reading_has(const struct reading *reading, const struct settings *settings, struct why *why)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *name = settings->item[i].name, *value = parameters_value(reading->set, name);
        if (value == NULL || strcmp(value, settings->item[i].value) != 0)
            return why_set(why, "Postfix does not read %s as it was written", name);
    }
    return 0;
}

/* The next entry from line *AT on that is none of SERVICES, or NULL; *AT then stands behind it. The
 * caller frees it. */
static char *next_of_others(const struct main_cf *entries, const struct services *services,
                            size_t *at)
{
    for (;;) {
        struct entry_lines lines = entry_next(entries, *at);
        if (lines.first == main_cf_line_count(entries))
            return NULL;
        *at = lines.last + 1;
        char *name = entry_name(entries, lines);
        bool ours = services != NULL && name != NULL && services_find(services, name) != NO_SERVICE;
        free(name);
        if (!ours)
            return entry_text(entries, lines);
    }
}

int reading_same_services(const struct reading *before, const struct reading *after,
                          const struct services *services, struct why *why)
{
    size_t at = 0, there = 0;
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        char *a = next_of_others(before->entries, services, &at);
        char *b = next_of_others(after->entries, services, &there);
        more = a != NULL && b != NULL;
        if (more ? strcmp(a, b) != 0 : a != b)
            rc =
                why_set(why, "the change also changes master.cf's entry %.200s", a != NULL ? a : b);
        free(a);
        free(b);
    }
    return rc;
}

static char *find_entry(const struct main_cf *entries, const char *wanted)
{
    for (size_t at = 0;;) {
        struct entry_lines lines = entry_next(entries, at);
        if (lines.first == main_cf_line_count(entries))
            return NULL;
        at = lines.last + 1;
        char *name = entry_name(entries, lines);
        bool found = name != NULL && strcmp(name, wanted) == 0;
        free(name);
        if (found)
            return entry_text(entries, lines);
    }
}

int reading_has_services(const struct reading *reading, const struct services *services,
                         struct why *why)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < services->count; i++) {
        char *text = find_entry(reading->entries, services->item[i].name);
        if (text == NULL || strcmp(text, services->item[i].text) != 0)
            rc = why_set(why, "Postfix does not read the service %s as it was written",
                         services->item[i].name);
        free(text);
    }
    return rc;
}

/* Whether one of the lines of TEXT has PART; at its BEGIN, at its END. */
static bool has_part(const char *text, const char *part, size_t len, bool begin, bool end)
{
    for (const char *at = text; (at = memmem(at, strlen(at), part, len)) != NULL; at++)
        if ((!begin || at == text || at[-1] == '\n') &&
            (!end || at[len] == '\n' || at[len] == '\0'))
            return true;
    return false;
}

static bool is_known(const char *warnings, const char *line, size_t len)
{
    const char *comment = memmem(line, len, COMMENT, strlen(COMMENT));
    const char *deprecated = memmem(line, len, DEPRECATED, strlen(DEPRECATED));

    if (comment != NULL)
        return has_part(warnings, line, (size_t)(comment - line) + strlen(COMMENT), true, false);
    if (deprecated != NULL)
        return has_part(warnings, deprecated, len - (size_t)(deprecated - line), false, true);
    return has_part(warnings, line, len, true, true);
}

int reading_no_new_warning(const struct reading *before, const struct reading *after,
                           struct why *why)
{
    for (const char *line = after->warnings; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        /* First, since there may be thousands of these. */
        bool unused = memmem(line, n, UNUSED, strlen(UNUSED)) != NULL;
        if (n > 0 && !unused && !is_known(before->warnings, line, n))
            return why_set(why, "with the change, Postfix warns: %.*s", (int)(n < 500 ? n : 500),
                           line);
        line += n + (line[n] == '\n');
    }
    return 0;
}
