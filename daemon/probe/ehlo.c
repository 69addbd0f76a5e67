/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/ehlo.h"

#include "daemon/probe/masked.h"
#include "daemon/probe/seen_address.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EHLO_LINE 1024 /* of a line; RFC 5321 4.5.3.1.5 allows 512 */

/* The next word of *CURSOR, which moves behind it; NULL when there is none left. */
static char *next_word(char **cursor)
{
    return strtok_r(NULL, " ", cursor);
}

/* "sasl-mech = 1*20mech-char" (RFC 4422 3.1); lower case is turned into upper. */
static bool take_mechanism(char *word)
{
    size_t len = strlen(word);

    for (char *p = word; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    return len <= 20 && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = list; (p = strstr(p, word)) != NULL; p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return true;
    return false;
}

static void add_mechanism(struct ehlo *e, char *word)
{
    size_t have = strlen(e->auth);

    if (!take_mechanism(word) || has_word(e->auth, word) ||
        have + 1 + strlen(word) >= sizeof e->auth)
        return;
    snprintf(e->auth + have, sizeof e->auth - have, "%s%s", have > 0 ? " " : "", word);
}

static void take_size(struct ehlo *e, const char *word)
{
    e->has_size = true;
    if (word != NULL && strlen(word) <= 19 && strspn(word, "0123456789") == strlen(word))
        e->size = strtoull(word, NULL, 10);
}

static void take_keyword(struct ehlo *e, char *line)
{
    char *cursor, *keyword = strtok_r(line, " ", &cursor), *word;

    if (keyword == NULL)
        return;
    /* "AUTH=LOGIN PLAIN", from before RFC 2554 was finished, is still on the wire. */
    if (strncasecmp(keyword, "AUTH=", 5) == 0) {
        e->has_auth = true;
        if (keyword[5] != '\0')
            add_mechanism(e, keyword + 5);
    }
    e->has_auth = e->has_auth || strcasecmp(keyword, "AUTH") == 0;
    if (strncasecmp(keyword, "AUTH=", 5) == 0 || strcasecmp(keyword, "AUTH") == 0)
        while ((word = next_word(&cursor)) != NULL)
            add_mechanism(e, word);
    else if (strcasecmp(keyword, "STARTTLS") == 0)
        e->starttls = true;
    else if (strcasecmp(keyword, "8BITMIME") == 0)
        e->eightbitmime = true;
    else if (strcasecmp(keyword, "SMTPUTF8") == 0)
        e->smtputf8 = true;
    else if (strcasecmp(keyword, "SIZE") == 0)
        take_size(e, next_word(&cursor));
}

void ehlo_parse(const char *text, struct ehlo *out)
{
    size_t len = strcspn(text, "\n"), name = strcspn(text, " \n");
    char line[EHLO_LINE];

    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%.*s", (int)name, text);
    snprintf(line, sizeof line, "%.*s", (int)len, text);
    out->has_client = seen_address(line, &out->client);
    for (text += len; *text == '\n'; text += len) {
        text++;
        len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        out->masked = out->masked || masked_keyword(line);
        take_keyword(out, line);
    }
}
