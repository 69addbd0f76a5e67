/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/spf_macro.h"

#include "lib/memory.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELIMITERS ".-+,/_="
#define PARTS_MAX  512 /* of a value: an address has 32, a name of 253 bytes at most 254 */

/* "%{" letter digits "r" delimiters "}". */
struct macro {
    char letter;     /* in lower case */
    bool is_escaped; /* written in upper case: its value is URL-escaped */
    bool has_keep, reverse;
    unsigned keep; /* parts on the right; only with has_keep */
    char delimiters[16];
};

static bool is_alnum(char c)
{
    return isalnum((unsigned char)c) != 0;
}

static void take_delimiters(const char *text, size_t len, size_t *at, struct macro *out)
{
    size_t used = 0;

    for (; *at < len && strchr(DELIMITERS, text[*at]) != NULL && text[*at] != '\0'; (*at)++)
        if (used + 1 < sizeof out->delimiters && memchr(out->delimiters, text[*at], used) == NULL)
            out->delimiters[used++] = text[*at];
    if (used == 0)
        out->delimiters[used++] = '.';
    out->delimiters[used] = '\0';
}

/* Reads a macro whose "%{" stands before TEXT; its length with the brace, 0 when it is none. */
static size_t read_macro(const char *text, size_t len, struct macro *out)
{
    size_t at = 1;

    memset(out, 0, sizeof *out);
    if (len == 0 || text[0] == '\0' || strchr("slodiphvSLODIPHV", text[0]) == NULL)
        return 0;
    out->letter = (char)tolower((unsigned char)text[0]);
    out->is_escaped = out->letter != text[0];
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        out->has_keep = true;
        out->keep = out->keep > PARTS_MAX ? out->keep : out->keep * 10 + (unsigned)(text[at] - '0');
    }
    if (out->has_keep && out->keep == 0)
        return 0;
    if (at < len && (text[at] == 'r' || text[at] == 'R')) {
        out->reverse = true;
        at++;
    }
    take_delimiters(text, len, &at, out);
    return at < len && text[at] == '}' ? at + 1 : 0;
}

/* The length of the macro, escape or literal at the start of TEXT; 0 when there is none. */
static size_t element(const char *text, size_t len)
{
    struct macro macro;

    if (text[0] != '%')
        return text[0] >= 0x21 && text[0] <= 0x7e;
    if (len >= 2 && (text[1] == '%' || text[1] == '_' || text[1] == '-'))
        return 2;
    if (len < 2 || text[1] != '{')
        return 0;
    size_t rest = read_macro(text + 2, len - 2, &macro);
    return rest > 0 ? rest + 2 : 0;
}

bool spf_macro_valid(const char *text, size_t len)
{
    for (size_t at = 0, n; at < len; at += n)
        if ((n = element(text + at, len - at)) == 0)
            return false;
    return true;
}

/* "toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )". */
static bool is_top_label(const char *text, size_t len)
{
    bool digits_alone = true;

    if (len == 0 || !is_alnum(text[0]) || !is_alnum(text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(text[i]) && text[i] != '-')
            return false;
        digits_alone = digits_alone && text[i] >= '0' && text[i] <= '9';
    }
    return !digits_alone;
}

bool spf_domain_spec_valid(const char *text, size_t len)
{
    size_t last = 0, at = 0;

    for (size_t n; at < len; at += n) {
        if ((n = element(text + at, len - at)) == 0)
            return false;
        last = at;
    }
    if (len == 0)
        return false;
    if (text[last] == '%')
        return text[last + 1] == '{' || text[last + 1] == '%' || text[last + 1] == '_' ||
               text[last + 1] == '-';
    if (text[len - 1] == '.')
        len--;
    const char *dot = memrchr(text, '.', len);
    return dot != NULL && is_top_label(dot + 1, (size_t)(text + len - dot - 1));
}

bool spf_macro_wants_validated(const char *spec)
{
    for (const char *p = spec; (p = strstr(p, "%{")) != NULL; p += 2)
        if (p[2] == 'p' || p[2] == 'P')
            return true;
    return false;
}

/* An IPv6 address by nibbles, "2.0.0.1.0.d.b.8...." (7.3). */
static void address_value(const struct address *a, char *out, size_t size)
{
    const unsigned char *bytes = a->u.in6.sin6_addr.s6_addr;

    if (address_family(a) == FAMILY_IPV4) {
        address_text(a, out);
        return;
    }
    for (size_t i = 0; i < 16; i++)
        snprintf(out + 4 * i, size - 4 * i, "%x.%x%s", bytes[i] >> 4U, bytes[i] & 0xfU,
                 i < 15 ? "." : "");
}

/* Caller frees. */
static char *value_of(char letter, const struct spf_values *v)
{
    char address[ADDRESS_TEXT + 1];

    switch (letter) {
    case 's':
        return memory_format("%s@%s", v->local, v->sender_domain);
    case 'l':
        return memory_copy(v->local);
    case 'o':
        return memory_copy(v->sender_domain);
    case 'd':
        return memory_copy(v->domain);
    case 'i':
        address_value(&v->address, address, sizeof address);
        return memory_copy(address);
    case 'p':
        return memory_copy(v->validated);
    case 'h':
        return memory_copy(v->helo_name);
    default:
        return memory_copy(address_family(&v->address) == FAMILY_IPV4 ? "in-addr" : "ip6");
    }
}

/* Cuts VALUE at the delimiters; how many parts. */
static size_t split(char *value, const char *delimiters, char *parts[PARTS_MAX])
{
    size_t count = 0;

    for (char *at = value; at != NULL && count < PARTS_MAX;) {
        char *next = strpbrk(at, delimiters);
        if (next != NULL)
            *next++ = '\0';
        parts[count++] = at;
        at = next;
    }
    return count;
}

/* "MUST percent-encode characters not in the "unreserved" set" (7.3, RFC 3986). */
static void write_part(FILE *out, const char *part, bool is_escaped)
{
    for (; *part != '\0'; part++)
        if (is_escaped && !is_alnum(*part) && strchr("-._~", *part) == NULL)
            fprintf(out, "%%%02X", (unsigned char)*part);
        else
            fputc(*part, out);
}

static void write_macro(FILE *out, const struct macro *m, const struct spf_values *values)
{
    char *value = value_of(m->letter, values), *parts[PARTS_MAX];
    size_t count = split(value, m->delimiters, parts);
    size_t keep = m->has_keep && m->keep < count ? m->keep : count;

    for (size_t i = count - keep; i < count; i++) {
        if (i > count - keep)
            fputc('.', out);
        write_part(out, parts[m->reverse ? count - 1 - i : i], m->is_escaped);
    }
    free(value);
}

static void write_all(FILE *out, const char *spec, const struct spf_values *values)
{
    struct macro macro;
    size_t len = strlen(spec);

    for (size_t at = 0; at < len;) {
        size_t n = element(spec + at, len - at);
        if (n == 0)
            return;
        if (spec[at] != '%')
            fputc(spec[at], out);
        else if (spec[at + 1] == '{' && read_macro(spec + at + 2, len - at - 2, &macro) > 0)
            write_macro(out, &macro, values);
        else
            fputs(spec[at + 1] == '%' ? "%" : spec[at + 1] == '_' ? " " : "%20", out);
        at += n;
    }
}

bool spf_macro_expand(const char *spec, const struct spf_values *values, char out[HOST_MAX + 1])
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);

    if (stream == NULL)
        memory_exhausted();
    write_all(stream, spec, values);
    if (fclose(stream) != 0)
        memory_exhausted();
    if (len > 0 && text[len - 1] == '.')
        text[--len] = '\0';
    char *name = text;
    while (name != NULL && strlen(name) > HOST_MAX) {
        name = strchr(name, '.');
        name = name != NULL ? name + 1 : NULL;
    }
    snprintf(out, HOST_MAX + 1, "%s", name != NULL ? name : "");
    free(text);
    return out[0] != '\0';
}
