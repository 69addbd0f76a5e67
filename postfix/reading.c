/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/reading.h"

#include "lib/memory.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED ": unused parameter: "

int reading_take(const char *directory, const char *home, struct reading *out, struct why *why)
{
    *out = (struct reading){ 0 };
    out->set = view_explicit(directory, home, &out->warnings, why);
    return out->set == NULL ? -1 : 0;
}

void reading_free(struct reading *reading)
{
    parameters_free(reading->set);
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

static bool has_line(const char *text, const char *line, size_t len)
{
    for (const char *at = text; (at = memmem(at, strlen(at), line, len)) != NULL; at++)
        if ((at == text || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0'))
            return true;
    return false;
}

int reading_no_new_warning(const struct reading *before, const struct reading *after,
                           struct why *why)
{
    for (const char *line = after->warnings; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        /* First, since there may be thousands of these. */
        bool unused = memmem(line, n, UNUSED, strlen(UNUSED)) != NULL;
        if (n > 0 && !unused && !has_line(before->warnings, line, n))
            return why_set(why, "with the change, Postfix warns: %.*s", (int)(n < 500 ? n : 500), line);
        line += n + (line[n] == '\n');
    }
    return 0;
}
