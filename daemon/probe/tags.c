/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/tags.h"

#include <stdio.h>
#include <string.h>

#define BLANK " \t\r\n"

/* The tag at *TEXT, which moves behind its semicolon; false at the end. */
static bool next_tag(const char **text, const char **name, size_t *name_len, const char **value,
                     size_t *value_len)
{
    const char *start = *text + strspn(*text, BLANK ";"), *end = start + strcspn(start, ";");
    const char *equals = memchr(start, '=', (size_t)(end - start));

    *text = end;
    if (start == end)
        return false;
    *name = start;
    *name_len = (size_t)((equals != NULL ? equals : end) - start);
    *value = equals != NULL ? equals + 1 : end;
    while (*value < end && strchr(BLANK, **value) != NULL)
        (*value)++;
    *value_len = (size_t)(end - *value);
    while (*name_len > 0 && strchr(BLANK, (*name)[*name_len - 1]) != NULL)
        (*name_len)--;
    while (*value_len > 0 && strchr(BLANK, (*value)[*value_len - 1]) != NULL)
        (*value_len)--;
    return true;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncmp(text, word, len) == 0;
}

bool tag_value(const char *text, const char *name, char *out, size_t size)
{
    const char *n, *v;
    size_t nlen, vlen;

    while (next_tag(&text, &n, &nlen, &v, &vlen))
        if (is_word(n, nlen, name)) {
            snprintf(out, size, "%.*s", (int)vlen, v);
            return true;
        }
    return false;
}

bool tag_is_first(const char *text, const char *name, const char *value)
{
    const char *n, *v;
    size_t nlen, vlen;

    return next_tag(&text, &n, &nlen, &v, &vlen) && is_word(n, nlen, name) &&
           is_word(v, vlen, value);
}
