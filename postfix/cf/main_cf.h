/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.cf as its physical lines, none of them changed, and the logical lines that they make up.
 *
 * The rules are postconf(5)'s, "MAIN.CF": a line that starts with white space continues a logical
 * line; empty lines, lines of white space alone and lines whose first visible character is "#" are
 * no part of a logical line and may stand between its lines. What continues nothing (at the top of
 * the file) is ignored by Postfix.
 */
#ifndef DETOURD_POSTFIX_MAIN_CF_H
#define DETOURD_POSTFIX_MAIN_CF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A main.cf larger than this is refused. */
#define MAIN_CF_MAX ((size_t)4 * 1024 * 1024)

#define NO_LOGICAL_LINE ((size_t)-1)

/* One physical line. */
struct main_cf_line {
    const char *text; /* not ended by NUL; its newline, where it has one, included */
    size_t len;
    size_t logical; /* the number of its logical line, or NO_LOGICAL_LINE */
};

struct main_cf;

/* Any bytes but NUL, which Postfix takes for the end of the line: NULL when there is one. TEXT is
 * copied. */
struct main_cf *main_cf_parse(const char *text, size_t len);
void main_cf_free(struct main_cf *cf);

size_t main_cf_line_count(const struct main_cf *cf);
const struct main_cf_line *main_cf_line(const struct main_cf *cf, size_t n);

/* The parameter that a logical line sets; NULL when it sets none. Owned by CF. */
const char *main_cf_name(const struct main_cf *cf, size_t logical);

/* Whether the physical line begins with PREFIX. Here, since it is asked of every line several
 * times, and of constants. */
static inline bool main_cf_line_begins(const struct main_cf_line *line, const char *prefix)
{
    size_t n = strlen(prefix);

    return line->len >= n && memcmp(line->text, prefix, n) == 0;
}

#endif
