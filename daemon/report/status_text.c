/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/check.h"
#include "daemon/report/status.h"
#include "daemon/report/text.h"
#include <stdlib.h>
#include <string.h>

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static long long number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void add_route(struct text *t, const json_t *document)
{
    const json_t *route = json_object_get(document, "route");
    char span[SPAN_TEXT], port[16] = "";

    span_text(number(route, "seconds"), span);
    if (json_is_integer(json_object_get(route, "port")))
        snprintf(port, sizeof port, ":%lld", number(route, "port"));
    text_add(t, "Route    %s%s", word(route, "name"), port);
    if (*word(route, "since") != '\0')
        text_add(t, " since %s (%s)", word(route, "since"), span);
    text_add(t, "%s; mode %s\n", json_is_true(json_object_get(route, "hold")) ? ", held" : "",
             word(document, "mode"));
}

static void add_verdict(struct text *t, const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");

    if (json_is_null(json_object_get(verdict, "ipv4")) &&
        json_is_null(json_object_get(verdict, "ipv6"))) {
        text_add(t, "Port 25  not probed yet\n");
        return;
    }
    char *sentence = verdict_sentence(verdict);
    text_add(t, "Port 25  %s\n", sentence);
    free(sentence);
}

static void add_relays(struct text *t, const json_t *relays, const char *indent)
{
    size_t i;
    json_t *r;
    char route[96], span[SPAN_TEXT];

    json_array_foreach(relays, i, r)
    {
        snprintf(route, sizeof route, "%s:%lld", word(r, "name"), number(r, "port"));
        span_text(number(r, "seconds"), span);
        text_add(t, "%s%-16s %-12s", i == 0 ? "" : indent, route, word(r, "state"));
        if (*word(r, "checked") != '\0')
            text_add(t, " %s ago", span);
        if (*word(r, "detail") != '\0')
            text_add(t, "; %s", word(r, "detail"));
        text_add(t, "\n");
    }
    if (json_array_size(relays) == 0)
        text_add(t, "none is configured\n");
}

static void add_postfix(struct text *t, const json_t *document)
{
    const json_t *postfix = json_object_get(document, "postfix");
    const json_t *running = json_object_get(postfix, "running");

    if (json_is_null(running)) {
        text_add(t, "Postfix  nothing is known of it\n");
        return;
    }
    text_add(t, "Postfix  %s, %lld messages in the queue",
             json_is_true(running) ? "running" : "not running", number(postfix, "queue"));
    long long held = number(json_object_get(postfix, "shield"), "held");
    if (held > 0)
        text_add(t, ", %lld of them held back", held);
    long long outside = number(json_object_get(postfix, "outside"), "waiting");
    if (outside > 0)
        text_add(t, ", %lld of them not for the relay", outside);
    text_add(t, "\n");
}

/* What configuration management has to apply, or has applied. */
static void add_fragment(struct text *t, const json_t *document)
{
    const json_t *fragment = json_object_get(document, "fragment");
    const json_t *route = json_object_get(fragment, "route");
    char port[16] = "", span[SPAN_TEXT];

    if (!json_is_object(fragment))
        return;
    if (number(route, "port") != 0)
        snprintf(port, sizeof port, ":%lld", number(route, "port"));
    span_text(number(fragment, "seconds"), span);
    text_add(t, "Fragment generation %lld, route %s%s: %s; written %s (%s)\n",
             number(fragment, "generation"), word(route, "name"), port, word(fragment, "state"),
             word(fragment, "since"), span);
    text_add(t, "         %s\n", word(fragment, "directory"));
}

static void add_problems(struct text *t, const json_t *document)
{
    size_t i;
    json_t *problem;

    json_array_foreach(json_object_get(document, "problems"), i, problem)
        text_add(t, "%s %s\n", i == 0 ? "Wrong   " : "        ", json_string_value(problem));
}

char *status_text(const json_t *document)
{
    struct text t;

    text_begin(&t);
    add_route(&t, document);
    add_verdict(&t, document);
    text_add(&t, "Relays   ");
    add_relays(&t, json_object_get(document, "relays"), "         ");
    add_postfix(&t, document);
    add_fragment(&t, document);
    text_add(&t, "Next     %s\n", word(document, "next"));
    add_problems(&t, document);
    return text_end(&t);
}

char *relays_text(const json_t *document)
{
    struct text t;

    text_begin(&t);
    add_relays(&t, json_object_get(document, "relays"), "");
    return text_end(&t);
}

static void add_list(struct text *t, const char *heading, const json_t *list)
{
    size_t i;
    json_t *item;

    if (json_array_size(list) > 0)
        text_add(t, "\n%s:\n", heading);
    json_array_foreach(list, i, item) if (json_string_value(item) != NULL)
        text_add(t, "  - %s\n", json_string_value(item));
}

static void add_refusals(struct text *t, const json_t *last, const json_t *refusals)
{
    size_t i;
    json_t *item;

    text_add(t, "refused: the switch would not be made, because of\n");
    json_array_foreach(refusals, i, item) if (json_string_value(item) != NULL)
        text_add(t, "  - %s\n", json_string_value(item));
    if (*word(last, "difference") != '\0')
        text_add(t, "\nWithout that it would change:\n");
}

static void add_headline(struct text *t, const json_t *last)
{
    const char *result = word(last, "result");
    const json_t *refusals = json_object_get(last, "refusals");

    if (strcmp(result, "unchanged") == 0)
        text_add(t, "nothing would change\n");
    else if (strcmp(result, "refused") == 0 && json_array_size(refusals) > 0)
        add_refusals(t, last, refusals);
    else if (strcmp(result, "ok") != 0)
        text_add(t, "%s: %s\n", result, word(last, "reason"));
}

char *plan_text(const json_t *last)
{
    static const struct {
        const char *key, *heading;
    } lists[] = {
        { "not_following", "Mail that would not follow" },
        { "following_unexpectedly", "Mail that would follow, though one may not expect it" },
        { "files", "Files that would be written" },
        { "notes", "Notes" },
    };
    struct text t;

    text_begin(&t);
    add_headline(&t, last);
    text_add(&t, "%s", word(last, "difference"));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        add_list(&t, lists[i].heading, json_object_get(last, lists[i].key));
    char *text = text_end(&t);
    text_make_printable(text); /* somebody else wrote main.cf */
    return text;
}
