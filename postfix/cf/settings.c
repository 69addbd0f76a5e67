/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/settings.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include <stdlib.h>
#include <string.h>

void settings_add(struct settings *settings, const char *name, const char *value)
{
    settings->item = memory_grow(settings->item, settings->count + 1, sizeof *settings->item);
    settings->item[settings->count++] =
        (struct setting){ .name = memory_copy(name), .value = memory_copy(value) };
}

void settings_add_others(struct settings *settings, const struct settings *from, const char *name)
{
    for (size_t i = 0; i < from->count; i++)
        if (strcmp(from->item[i].name, name) != 0)
            settings_add(settings, from->item[i].name, from->item[i].value);
}

size_t settings_find(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->item[i].name, name) == 0)
            return i;
    return NO_SETTING;
}

const char *settings_value(const struct settings *settings, const char *name)
{
    size_t n = settings_find(settings, name);

    return n == NO_SETTING ? NULL : settings->item[n].value;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (strcmp(a->item[i].name, b->item[i].name) != 0 ||
            strcmp(a->item[i].value, b->item[i].value) != 0)
            return false;
    return a->count == b->count;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->item[i].name);
        free(settings->item[i].value);
    }
    free(settings->item);
    *settings = (struct settings){ 0 };
}

char *settings_escape(const char *text)
{
    struct text out;

    text_open(&out);
    for (; *text != '\0'; text++) {
        if (*text == '$')
            fputc('$', out.out);
        fputc(*text, out.out);
    }
    text_close(&out);
    return out.bytes;
}
