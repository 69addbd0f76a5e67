/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/entry.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include <stdlib.h>

/* Postfix's CHARS_SPACE. A vertical tab or a form feed, which may begin a continuation line, does
 * not separate words. */
#define BLANKS " \t\r\n"

struct entry_lines entry_next(const struct main_cf *cf, size_t from)
{
    size_t count = main_cf_line_count(cf);

    while (from < count && main_cf_line(cf, from)->logical == NO_LOGICAL_LINE)
        from++;
    struct entry_lines entry = { .first = from, .last = from };
    for (size_t i = from; i < count; i++) {
        size_t logical = main_cf_line(cf, i)->logical;
        if (logical == main_cf_line(cf, from)->logical)
            entry.last = i;
        else if (logical != NO_LOGICAL_LINE)
            break;
    }
    return entry;
}

/* With or without the newlines, which Postfix takes away when it joins the lines. */
static char *join(const struct main_cf *cf, struct entry_lines entry, bool newlines)
{
    struct text text;

    text_open(&text);
    for (size_t i = entry.first; i <= entry.last && i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        bool ends = line->text[line->len - 1] == '\n';
        if (line->logical != NO_LOGICAL_LINE)
            fwrite(line->text, 1, line->len - (ends && !newlines), text.out);
    }
    text_close(&text);
    return text.bytes;
}

char *entry_word(const struct main_cf *cf, struct entry_lines entry, size_t n)
{
    char *whole = join(cf, entry, false), *rest = whole, *word = strtok_r(whole, BLANKS, &rest);

    while (word != NULL && n-- > 0)
        word = strtok_r(NULL, BLANKS, &rest);
    char *copy = word == NULL ? NULL : memory_copy(word);
    free(whole);
    return copy;
}

char *entry_name(const struct main_cf *cf, struct entry_lines entry)
{
    if (entry.first == main_cf_line_count(cf) ||
        main_cf_name(cf, main_cf_line(cf, entry.first)->logical) == NULL)
        return NULL;
    char *name = entry_word(cf, entry, 0), *type = entry_word(cf, entry, 1);
    char *both = type == NULL ? NULL : memory_format("%s/%s", name, type);

    free(type);
    free(name);
    return both;
}

char *entry_text(const struct main_cf *cf, struct entry_lines entry)
{
    return join(cf, entry, true);
}
