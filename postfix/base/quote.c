/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/quote.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* TEXT between single quotes, each of its own as ESCAPE. */
static char *single_quoted(const char *text, const char *escape)
{
    struct text out;

    text_open(&out);
    fputc('\'', out.out);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs(escape, out.out);
        else
            fputc(*text, out.out);
    fputc('\'', out.out);
    text_close(&out);
    return out.bytes;
}

char *quote_shell(const char *text)
{
    return single_quoted(text, "'\\''");
}

static bool is_printable_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

/* The character at *P, which is moved behind it. */
static uint32_t next_character(const unsigned char **p)
{
    uint32_t c = *(*p)++;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

    if (more > 0)
        c &= 0x3fu >> more;
    for (; more > 0 && **p != '\0'; more--)
        c = c << 6 | (*(*p)++ & 0x3f);
    return c;
}

/* Some characters beyond ASCII end a line, and some may not stand in YAML at all. */
static char *double_quoted(const char *text)
{
    struct text out;

    text_open(&out);
    fputc('"', out.out);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        uint32_t c = next_character(&p);
        if (c == '"' || c == '\\')
            fprintf(out.out, "\\%c", (int)c);
        else if (c >= 0x20 && c <= 0x7e)
            fputc((int)c, out.out);
        else if (c > 0xffff)
            fprintf(out.out, "\\U%08x", (unsigned)c);
        else
            fprintf(out.out, "\\u%04x", (unsigned)c);
    }
    fputc('"', out.out);
    text_close(&out);
    return out.bytes;
}

char *quote_yaml(const char *text)
{
    return is_printable_ascii(text) ? single_quoted(text, "''") : double_quoted(text);
}

char *quote_ansible(const char *text)
{
    char *scalar = quote_yaml(text);

    if (strstr(text, "{{") == NULL && strstr(text, "{%") == NULL && strstr(text, "{#") == NULL)
        return scalar;
    char *marked = memory_format("!unsafe %s", scalar);
    free(scalar);
    return marked;
}
