/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/request.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 6
/* More does not fit everywhere. */
#define GENERATION_DIGITS 9

static const struct {
    const char *name;
    enum verb verb;
    bool takes_route;
} verbs[] = {
    { "facts", VERB_FACTS, false },     { "status", VERB_STATUS, false },
    { "direct", VERB_DIRECT, false },   { "relay", VERB_RELAY, true },
    { "plan", VERB_PLAN, true },        { "release", VERB_RELEASE, false },
    { "rescue", VERB_RESCUE, false },   { "install", VERB_INSTALL, false },
    { "remove", VERB_REMOVE, false },   { "fragment", VERB_FRAGMENT, true },
    { "applied", VERB_APPLIED, false }, { "reload", VERB_RELOAD, false },
};

static int parse_port(const char *text, uint16_t *port)
{
    unsigned long value = 0;

    if (text[0] == '\0' || text[0] == '0')
        return -1;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return -1;
        value = value * 10 + (unsigned long)(*p - '0');
        if (value > 65535)
            return -1;
    }
    *port = (uint16_t)value;
    return 0;
}

static int parse_relay(char *const words[], size_t count, struct request *out, const char **why)
{
    uint16_t port;

    *why = "expected: relay NAME PORT";
    if (count != 2)
        return -1;
    *why = "a relay's name is 1 to 64 of a-z, 0-9 and -";
    if (!token_valid(words[0]))
        return -1;
    *why = "direct is not the name of a relay";
    if (strcmp(words[0], "direct") == 0)
        return -1;
    *why = "a port is a number from 1 to 65535";
    if (parse_port(words[1], &port) == -1)
        return -1;
    out->route = route_relay(words[0], port);
    return 0;
}

/* Of the verbs that only show something. */
static int parse_route(char *const words[], size_t count, struct request *out, const char **why)
{
    *why = out->verb == VERB_PLAN ? "expected: plan direct, or plan relay NAME PORT"
                                  : "expected: fragment direct, or fragment relay NAME PORT";
    if (count == 1 && strcmp(words[0], "direct") == 0)
        return 0;
    if (count >= 1 && strcmp(words[0], "relay") == 0)
        return parse_relay(words + 1, count - 1, out, why);
    return -1;
}

static int parse_generation(char *const words[], size_t count, struct request *out,
                            const char **why)
{
    *why = "expected: applied GENERATION, a number";
    if (count != 1 || words[0][0] < '1' || words[0][0] > '9' ||
        strlen(words[0]) > GENERATION_DIGITS)
        return -1;
    for (const char *p = words[0]; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return -1;
        out->generation = out->generation * 10 + (unsigned long)(*p - '0');
    }
    return 0;
}

static int parse_arguments(char *const words[], size_t count, struct request *out, const char **why)
{
    switch (out->verb) {
    case VERB_RELAY:
        return parse_relay(words, count, out, why);
    case VERB_PLAN:
    case VERB_FRAGMENT:
        return parse_route(words, count, out, why);
    case VERB_APPLIED:
        return parse_generation(words, count, out, why);
    default:
        *why = "this verb takes no argument";
        return count == 0 ? 0 : -1;
    }
}

static int parse_verb(char *const words[], size_t count, struct request *out, const char **why)
{
    *why = "unknown verb; there are facts, status, direct, relay, plan, release, rescue, "
           "install, remove, fragment, applied, reload";
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, words[0]) != 0)
            continue;
        *out = (struct request){ .verb = verbs[i].verb, .route = route_direct() };
        return parse_arguments(words + 1, count - 1, out, why);
    }
    return -1;
}

int request_parse(const char *line, size_t len, struct request *out, const char **why)
{
    char copy[REQUEST_MAX], *words[WORDS_MAX], *rest = copy;
    size_t count = 0;

    *why = "the line is too long";
    if (len >= sizeof copy)
        return -1;
    *why = "the line holds bytes that belong in no request";
    for (size_t i = 0; i < len; i++)
        if (line[i] < 0x20 || line[i] > 0x7e)
            return -1;
    memcpy(copy, line, len);
    copy[len] = '\0';
    *why = "expected: VERSION VERB [ARGUMENT ...], one space between words";
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        if (*word == '\0' || count == WORDS_MAX)
            return -1;
        words[count++] = word;
    }
    if (count < 2)
        return -1;
    *why = "unknown version; this program speaks version 1";
    if (strcmp(words[0], "1") != 0)
        return -1;
    return parse_verb(words + 1, count - 1, out, why);
}

void request_format(const struct request *r, char *out)
{
    const char *verb = verbs[r->verb].name;
    const char *between = r->verb == VERB_RELAY ? "" : " relay";

    if (r->verb == VERB_APPLIED)
        snprintf(out, REQUEST_MAX, "%d %s %lu\n", REQUEST_VERSION, verb, r->generation);
    else if (!verbs[r->verb].takes_route)
        snprintf(out, REQUEST_MAX, "%d %s\n", REQUEST_VERSION, verb);
    else if (route_is_direct(&r->route))
        snprintf(out, REQUEST_MAX, "%d %s direct\n", REQUEST_VERSION, verb);
    else
        snprintf(out, REQUEST_MAX, "%d %s%s %s %u\n", REQUEST_VERSION, verb, between, r->route.name,
                 r->route.port);
}
