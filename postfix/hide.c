/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/hide.h"

#include "lib/memory.h"
#include "postfix/text.h"
#include "postfix/view.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HIDDEN "(hidden)"

/* Shorter pieces (a brace, a comma) give nothing away. */
#define PIECE_MIN 4

static bool holds_password(const char *text)
{
    return strcasestr(text, "static:") != NULL || strcasestr(text, "inline:") != NULL;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);

    return n >= e && strcmp(name + n - e, end) == 0;
}

/* smtp_sasl_password_maps, lmtp_sasl_password_maps. */
static bool is_password_maps(const char *name)
{
    return ends_in(name, "_password_maps");
}

/* The password of a table whose parameters stand in main.cf (mysql_table(5), ldap_table(5)). */
static bool is_password(const char *name)
{
    return ends_in(name, "password") || ends_in(name, "passwd") || ends_in(name, "_pw") ||
           ends_in(name, "secret");
}

/* Replaces PIECE in *TEXT. */
static void hide(char **text, const char *piece)
{
    char *hidden = replace_all(*text, piece, HIDDEN);

    free(*text);
    *text = hidden;
}

/* All lines of one parameter together. */
static char *logical_text(const struct main_cf *cf, size_t logical)
{
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (main_cf_line(cf, i)->logical == logical)
            fwrite(main_cf_line(cf, i)->text, 1, main_cf_line(cf, i)->len, text.out);
    text_close(&text);
    return text.bytes;
}

/* Whether TEXT has "$NAME", "${NAME..." or "$(NAME...". */
static bool refers_to(const char *text, const char *name)
{
    static const char in_names[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t n = strlen(name);

    for (const char *p = text; (p = strchr(p, '$')) != NULL;) {
        p += 1 + strspn(p + 1, "{(");
        if (strncmp(p, name, n) == 0 && (p[n] == '\0' || strchr(in_names, p[n]) == NULL))
            return true;
    }
    return false;
}

/* All password maps, as they are written. */
static char *password_maps_text(const struct main_cf *cf)
{
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *name =
            line->logical == NO_LOGICAL_LINE ? NULL : main_cf_name(cf, line->logical);
        if (name != NULL && is_password_maps(name))
            fwrite(line->text, 1, line->len, text.out);
    }
    text_close(&text);
    return text.bytes;
}

/* MAPS is the text of all password maps. */
static bool is_secret(const struct main_cf *cf, size_t logical, const char *maps)
{
    const char *name = main_cf_name(cf, logical);

    if (name == NULL)
        return false;
    if (is_password(name))
        return true;
    if (!is_password_maps(name) && !refers_to(maps, name))
        return false;
    char *text = logical_text(cf, logical);
    bool holds = holds_password(text);
    free(text);
    return holds;
}

/* A setting that is commented out: "#name = value". Its name; NULL where it is none. The caller
 * frees it. */
static char *commented_name(const char *text, size_t len)
{
    size_t start = 0, end;

    while (start < len && strchr("# \t", text[start]) != NULL)
        start++;
    for (end = start; end < len && strchr(" \t=\r\n", text[end]) == NULL; end++)
        continue;
    return memchr(text, '=', len) == NULL ? NULL
                                          : memory_format("%.*s", (int)(end - start), text + start);
}

static bool is_secret_comment(const struct main_cf_line *line)
{
    if (line->len == 0 || line->text[0] != '#')
        return false;
    char *name = commented_name(line->text, line->len);
    char *text = memory_format("%.*s", (int)line->len, line->text);
    bool secret =
        name != NULL && (is_password(name) || (is_password_maps(name) && holds_password(text)));
    free(text);
    free(name);
    return secret;
}

/* The part of a line that may give something away: without a name before it, the ends trimmed.
 * FIRST tells that the line begins with one. */
static char *secret_part(const struct main_cf_line *line, bool first)
{
    const char *start = line->text, *end = line->text + line->len;
    const char *equals = first ? memchr(start, '=', line->len) : NULL;

    if (equals != NULL)
        start = equals + 1;
    while (start < end && strchr(" \t\r\n", *start) != NULL)
        start++;
    while (end > start && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    return memory_format("%.*s", (int)(end - start), start);
}

static void hide_line(char **text, const struct main_cf_line *line, bool first)
{
    char *piece = secret_part(line, first);

    if (strlen(piece) >= PIECE_MIN)
        hide(text, piece);
    free(piece);
}

char *hide_passwords(const char *text, const struct main_cf *cf, const char *value)
{
    char *hidden = memory_copy(text), *maps = password_maps_text(cf);
    size_t last = NO_LOGICAL_LINE;
    bool secret = false;

    if (value != NULL && holds_password(value))
        hide(&hidden, value);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        bool first = line->logical != last;
        if (is_secret_comment(line)) {
            hide_line(&hidden, line, true);
            continue;
        }
        if (line->logical == NO_LOGICAL_LINE)
            continue;
        if (first)
            secret = is_secret(cf, line->logical, maps);
        last = line->logical;
        if (secret)
            hide_line(&hidden, line, first);
    }
    free(maps);
    return hidden;
}
