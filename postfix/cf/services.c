/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/services.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What separates the words of an entry: Postfix's CHARS_SPACE. */
#define BLANKS " \t\r\n"

void services_add(struct services *services, const char *name, const char *text)
{
    services->item = memory_grow(services->item, services->count + 1, sizeof *services->item);
    services->item[services->count++] =
        (struct service){ .name = memory_copy(name), .text = memory_copy(text) };
}

size_t services_find(const struct services *services, const char *name)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->item[i].name, name) == 0)
            return i;
    return NO_SERVICE;
}

bool services_equal(const struct services *a, const struct services *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (strcmp(a->item[i].name, b->item[i].name) != 0 ||
            strcmp(a->item[i].text, b->item[i].text) != 0)
            return false;
    return a->count == b->count;
}

void services_free(struct services *services)
{
    for (size_t i = 0; i < services->count; i++) {
        free(services->item[i].name);
        free(services->item[i].text);
    }
    free(services->item);
    *services = (struct services){ 0 };
}

/* Each at its column, or one blank behind a word that reaches beyond it. */
static void put_fields(FILE *out, const char *const *fields, size_t count)
{
    static const int columns[] = { 0, 11, 17, 25, 33, 41, 49, 57 };
    int at = 0;

    for (size_t i = 0; i < count; i++) {
        int blanks = i == 0 ? 0 : columns[i] > at ? columns[i] - at : 1;
        at += fprintf(out, "%*s%s", blanks, "", fields[i]);
    }
    fputc('\n', out);
}

char *service_text(const char *name, const char *chroot, const char *maxproc, const char *command,
                   const struct settings *options)
{
    const char *const fields[] = { name, "unix", "-", "-", chroot, "-", maxproc, command };
    struct text text;

    text_open(&text);
    put_fields(text.out, fields, sizeof fields / sizeof fields[0]);
    for (size_t i = 0; i < options->count; i++) {
        const struct setting *option = &options->item[i];
        bool has_blanks = option->value[strcspn(option->value, BLANKS)] != '\0';
        fprintf(text.out, has_blanks ? "    -o {%s=%s}\n" : "    -o %s=%s\n", option->name,
                option->value);
    }
    text_close(&text);
    return text.bytes;
}

bool service_value_fits(const char *value)
{
    size_t len = strlen(value), depth = 0;

    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n' || (*c == '}' && depth-- == 0))
            return false;
        depth += *c == '{';
    }
    return depth == 0 && (len == 0 || (strchr(BLANKS, value[0]) == NULL &&
                                       strchr(BLANKS, value[len - 1]) == NULL));
}
