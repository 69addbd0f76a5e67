/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/complaints.h"

#include "lib/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file that is wrong from end to end need not be quoted in full. */
#define COMPLAINTS_MAX 200

struct complaint {
    char *file;
    int line;
    bool is_error;
    char *text;
    char *rendered;
};

struct complaints {
    struct complaint *items;
    size_t count, errors;
    bool sorted;
};

struct complaints *complaints_new(void)
{
    return memory_zero(1, sizeof(struct complaints));
}

void complaints_free(struct complaints *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].file);
        free(list->items[i].text);
        free(list->items[i].rendered);
    }
    free(list->items);
    free(list);
}

static bool already_said(const struct complaints *list, const struct complaint *c)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].line == c->line && strcmp(list->items[i].file, c->file) == 0 &&
            strcmp(list->items[i].text, c->text) == 0)
            return true;
    return false;
}

/* A value may hold line breaks and whatever moves a terminal's cursor. UTF-8 stays. */
static void make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static void __attribute__((format(printf, 5, 0)))
add(struct complaints *list, bool is_error, const char *file, int line, const char *format,
    va_list args)
{
    struct complaint c = { .line = line, .is_error = is_error };
    char text[512];

    vsnprintf(text, sizeof text, format, args);
    make_one_line(text);
    c.file = memory_copy(file);
    c.text = memory_copy(text);
    list->errors += is_error;
    if (list->count >= COMPLAINTS_MAX || already_said(list, &c)) {
        free(c.file);
        free(c.text);
        return;
    }
    list->items = memory_grow(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = c;
    list->sorted = false;
}

void complain(struct complaints *list, const char *file, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(list, true, file, line, format, args);
    va_end(args);
}

void complain_warning(struct complaints *list, const char *file, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(list, false, file, line, format, args);
    va_end(args);
}

size_t complaints_errors(const struct complaints *list)
{
    return list->errors;
}

size_t complaints_count(const struct complaints *list)
{
    return list->count;
}

static int by_place(const void *a, const void *b)
{
    const struct complaint *x = a, *y = b;
    int files = strcmp(x->file, y->file);

    if (files != 0)
        return files;
    return (x->line > y->line) - (x->line < y->line);
}

static char *render(const struct complaint *c)
{
    const char *mark = c->is_error ? "" : "warning: ";

    if (c->line == 0)
        return memory_format("%s: %s%s", c->file, mark, c->text);
    return memory_format("%s:%d: %s%s", c->file, c->line, mark, c->text);
}

const char *complaints_line(struct complaints *list, size_t n, bool *is_error)
{
    if (n >= list->count)
        return NULL;
    if (!list->sorted)
        qsort(list->items, list->count, sizeof *list->items, by_place);
    list->sorted = true;

    struct complaint *c = &list->items[n];
    if (c->rendered == NULL)
        c->rendered = render(c);
    if (is_error != NULL)
        *is_error = c->is_error;
    return c->rendered;
}
