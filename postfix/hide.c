/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/hide.h"

#include "lib/memory.h"
#include "postfix/view.h"
#include <stdlib.h>
#include <string.h>

#define PARAMETER "smtp_sasl_password_maps"
#define HIDDEN    "(hidden)"

/* Shorter pieces (a brace, a comma) give nothing away. */
#define PIECE_MIN 4

static bool holds_password(const char *text)
{
    return strcasestr(text, "static:") != NULL || strcasestr(text, "inline:") != NULL;
}

/* Replaces PIECE in *TEXT. */
static void hide(char **text, const char *piece)
{
    char *hidden = replace_all(*text, piece, HIDDEN);

    free(*text);
    *text = hidden;
}

/* The part of a line that may give something away: without the name, the ends trimmed. */
static char *secret_part(const struct main_cf_line *line)
{
    const char *start = line->text, *end = line->text + line->len;

    if (main_cf_line_begins(line, PARAMETER)) {
        start += strlen(PARAMETER);
        start += strspn(start, " \t=");
    }
    while (start < end && strchr(" \t\r\n", *start) != NULL)
        start++;
    while (end > start && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    return memory_format("%.*s", (int)(end - start), start);
}

char *hide_passwords(const char *text, const struct main_cf *cf, const char *value)
{
    char *hidden = memory_copy(text);

    if (value == NULL || !holds_password(value))
        return hidden;
    hide(&hidden, value);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *name = main_cf_name(cf, line->logical);
        if (name == NULL || strcmp(name, PARAMETER) != 0)
            continue;
        char *piece = secret_part(line);
        if (strlen(piece) >= PIECE_MIN)
            hide(&hidden, piece);
        free(piece);
    }
    return hidden;
}
