/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/host/hide.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include "postfix/host/view.h"
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
        const char *name = main_cf_name(cf, line->logical);
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

/* In master.cf. */

static bool speaks_of_passwords(const char *text)
{
    return strcasestr(text, "password") != NULL || strcasestr(text, "passwd") != NULL ||
           strcasestr(text, "secret") != NULL || strstr(text, "_pw") != NULL;
}

/* The first of two places; either may be NULL. */
static const char *first_of(const char *a, const char *b)
{
    return a == NULL || (b != NULL && b < a) ? b : a;
}

/* What stands behind "name=", "name = " where the name is a password's; NULL where there is none.
 */
static const char *password_value(const char *line)
{
    for (const char *p = line; (p = strchr(p, '=')) != NULL; p++) {
        const char *end = p, *start;
        while (end > line && strchr(" \t", end[-1]) != NULL)
            end--;
        for (start = end; start > line && strchr(" \t{=,", start[-1]) == NULL;)
            start--;
        char *name = memory_format("%.*s", (int)(end - start), start);
        bool found = is_password(name);
        free(name);
        if (found)
            return p + 1;
    }
    return NULL;
}

/* Where something begins on the line that is not to be shown; NULL where nothing does. ENTRY is all
 * of the line's entry, or the comment that the line is. */
static const char *secret_begins(const char *line, const char *entry)
{
    const char *table = speaks_of_passwords(entry)
                            ? first_of(strcasestr(line, "static:"), strcasestr(line, "inline:"))
                            : NULL;

    return first_of(table, password_value(line));
}

/* Hides the rest of one line from FROM on. */
static void hide_from(char **text, const char *from)
{
    size_t n;

    from += strspn(from, " \t");
    for (n = strlen(from); n > 0 && strchr(" \t\r\n", from[n - 1]) != NULL;)
        n--;
    char *piece = memory_format("%.*s", (int)n, from);
    if (n >= PIECE_MIN)
        hide(text, piece);
    free(piece);
}

char *hide_master_passwords(const char *text, const struct main_cf *master)
{
    char *hidden = memory_copy(text);
    size_t open = NO_LOGICAL_LINE; /* the entry in which something hidden may go on */

    for (size_t i = 0; i < main_cf_line_count(master); i++) {
        const struct main_cf_line *line = main_cf_line(master, i);
        char *words = memory_format("%.*s", (int)line->len, line->text);
        char *entry = line->logical == NO_LOGICAL_LINE ? memory_copy(words)
                                                       : logical_text(master, line->logical);
        bool option = strncmp(words + strspn(words, " \t"), "-o", 2) == 0;
        const char *from = secret_begins(words, entry);
        if (from == NULL && line->logical != NO_LOGICAL_LINE && line->logical == open && !option)
            from = words;
        open = from != NULL ? line->logical : option ? NO_LOGICAL_LINE : open;
        if (from != NULL)
            hide_from(&hidden, from);
        free(entry);
        free(words);
    }
    return hidden;
}
