/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/masked.h"

#include <string.h>

#define ASTERISKS_MIN 4
#define LETTERS_MIN   3

static size_t count(const char *text, char c)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == c;
    return n;
}

bool masked_greeting(const char *line)
{
    return strspn(line, "20 *") == strlen(line) && count(line, '*') >= ASTERISKS_MIN;
}

bool masked_keyword(const char *line)
{
    size_t len = strcspn(line, " "), letters = strspn(line, "X"), asterisks = strspn(line, "*");

    if (letters >= LETTERS_MIN && len > LETTERS_MIN)
        return letters == len ||
               (letters + 1 == len && line[letters] >= 'A' && line[letters] <= 'Z');
    return asterisks >= ASTERISKS_MIN && asterisks == len;
}
