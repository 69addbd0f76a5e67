/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The output of a monitoring plugin: "one line of text" with performance data behind a bar, then
 * long output (Monitoring Plugins Development Guidelines, "Plugin Output" and "Performance data").
 */
#include "daemon/report/check.h"
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 5

static const char *state_of(long long code)
{
    static const char *const states[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

    return states[code >= 0 && code < 3 ? code : 3];
}

/* 'LABEL'=VALUE[UOM];WARN;CRIT;MIN;MAX */
static void add_family(struct text *t, const char *family, const json_t *verdict)
{
    long long operators = number(verdict, "operators"), connected = number(verdict, "connected");

    if (!json_is_object(verdict))
        return;
    text_add(t, " %s_open=%lld;;;0;%lld", family, number(verdict, "open"), operators);
    if (operators > 0)
        text_add(t, " %s_loss=%lld%%;;;0;100", family, (operators - connected) * 100 / operators);
}

static void add_days(struct text *t, const json_t *rows)
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (json_is_integer(json_object_get(row, "days_left")))
            text_add(t, " %s_%lld_days=%lld;;;;", word(row, "relay"), number(row, "port"),
                     number(row, "days_left"));
    }
}

static void add_perfdata(struct text *t, const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");

    text_add(t, "time=%.3fs;;;0;", json_number_value(json_object_get(document, "seconds")));
    add_family(t, "ipv4", json_object_get(verdict, "ipv4"));
    add_family(t, "ipv6", json_object_get(verdict, "ipv6"));
    add_days(t, json_object_get(document, "submission"));
}

static void add_line(struct text *t, const char *family, const json_t *verdict, const char *cause)
{
    char *names = failing_targets(verdict, NAMES_MAX);

    if (json_is_object(verdict))
        text_add(t, "\n%s: %s%s%s%s%s", family, word(verdict, "name"),
                 *cause != '\0' ? ", likely cause: " : "", cause,
                 *names != '\0' ? "; not open: " : "", names);
    free(names);
}

/* The bar is where performance data begin, wherever it stands. */
static void take_bars(char *text)
{
    for (; (text = strchr(text, '|')) != NULL; text++)
        *text = '/';
}

static char *without_bars(const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");
    const json_t *cause = json_object_get(document, "cause");
    char *sentence = verdict_sentence(verdict);
    struct text t;

    text_begin(&t);
    text_add(&t, "%s - %s", state_of(number(document, "exit")), sentence);
    free(sentence);
    add_line(&t, "IPv4", json_object_get(verdict, "ipv4"), word(cause, "ipv4"));
    add_line(&t, "IPv6", json_object_get(verdict, "ipv6"), word(cause, "ipv6"));
    char *text = text_end(&t);
    take_bars(text);
    return text;
}

char *check_nagios(const json_t *document)
{
    locale_t before = english_begin();
    char *text = without_bars(document);
    size_t line = strcspn(text, "\n");
    struct text t;

    text_begin(&t);
    text_add(&t, "%.*s|", (int)line, text);
    add_perfdata(&t, document);
    text_add(&t, "%s\n", text + line);
    free(text);
    english_end(before);
    return text_end(&t);
}
