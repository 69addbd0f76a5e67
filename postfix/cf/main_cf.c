/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/main_cf.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

struct main_cf {
    char *text;
    struct main_cf_line *lines;
    size_t count;
    char **names; /* one for each logical line */
    size_t logical_count;
};

/* ISSPACE as Postfix's utility library has it: in the C locale. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_space(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && is_space(text[n]))
        n++;
    return n;
}

static bool is_blank_or_comment(const struct main_cf_line *line)
{
    size_t n = skip_space(line->text, line->len);

    return n == line->len || line->text[n] == '#';
}

/* The name of "name = value" (Postfix's split_nameval); the caller frees it. "=" may stand on a
 * later line of the logical line, so its absence says nothing here. */
static char *name_of(const struct main_cf_line *line)
{
    size_t n = 0;

    while (n < line->len && !is_space(line->text[n]) && line->text[n] != '=')
        n++;
    char *name = memory_zero(n + 1, 1);
    memcpy(name, line->text, n);
    return name;
}

static void start_logical(struct main_cf *cf, const struct main_cf_line *line)
{
    cf->names = memory_grow(cf->names, cf->logical_count + 1, sizeof *cf->names);
    cf->names[cf->logical_count++] = is_space(line->text[0]) ? NULL : name_of(line);
}

static void add_line(struct main_cf *cf, const char *text, size_t len)
{
    if ((cf->count & (cf->count + 1)) == 0)
        cf->lines = memory_grow(cf->lines, 2 * (cf->count + 1), sizeof *cf->lines);
    struct main_cf_line *line = &cf->lines[cf->count++];
    *line = (struct main_cf_line){ .text = text, .len = len, .logical = NO_LOGICAL_LINE };
    if (is_blank_or_comment(line))
        return;
    if (!is_space(text[0]) || cf->logical_count == 0)
        start_logical(cf, line);
    line->logical = cf->logical_count - 1;
}

struct main_cf *main_cf_parse(const char *text, size_t len)
{
    if (memchr(text, '\0', len) != NULL)
        return NULL;
    struct main_cf *cf = memory_zero(1, sizeof *cf);
    cf->text = memory_zero(len + 1, 1);
    memcpy(cf->text, text, len);
    for (size_t at = 0; at < len;) {
        const char *newline = memchr(cf->text + at, '\n', len - at);
        size_t n = newline == NULL ? len - at : (size_t)(newline - (cf->text + at)) + 1;
        add_line(cf, cf->text + at, n);
        at += n;
    }
    return cf;
}

void main_cf_free(struct main_cf *cf)
{
    if (cf == NULL)
        return;
    for (size_t i = 0; i < cf->logical_count; i++)
        free(cf->names[i]);
    free(cf->names);
    free(cf->lines);
    free(cf->text);
    free(cf);
}

size_t main_cf_line_count(const struct main_cf *cf)
{
    return cf->count;
}

const struct main_cf_line *main_cf_line(const struct main_cf *cf, size_t n)
{
    return &cf->lines[n];
}

const char *main_cf_name(const struct main_cf *cf, size_t logical)
{
    return logical == NO_LOGICAL_LINE ? NULL : cf->names[logical];
}
