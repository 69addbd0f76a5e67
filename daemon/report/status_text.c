/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/check.h"
#include "daemon/report/check_parts.h"
#include "daemon/report/layout.h"
#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/status.h"
#include "daemon/report/translate.h"
#include <stdlib.h>
#include <string.h>

/* What follows a label stands below the other values, in a language of longer words too. */
int status_label_columns(void)
{
    static const char *const labels[] = { N_("Route"),  N_("Port 25"),  N_("Cause"), N_("Provider"),
                                          N_("Relays"), N_("Fragment"), N_("Next"),  N_("Wrong") };
    int widest = 0;

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        int columns = text_columns(_(labels[i]));
        widest = columns > widest ? columns : widest;
    }
    return widest + 1;
}

static void add_label(struct text *t, const char *label)
{
    add_cell(t, label, status_label_columns());
}

/* "ses:587", "direct"; OUT holds ROUTE_WORDS bytes. */
#define ROUTE_WORDS 96
static void route_words(const json_t *route, char *out)
{
    if (number(route, "port") != 0)
        snprintf(out, ROUTE_WORDS, "%.64s:%lld", word(route, "name"), number(route, "port"));
    else
        snprintf(out, ROUTE_WORDS, "%.64s", word(route, "name"));
}

static void add_route(struct text *t, const json_t *document)
{
    const json_t *route = json_object_get(document, "route");
    bool held = json_is_true(json_object_get(route, "hold"));
    const char *since = word(route, "since"), *mode = word(document, "mode");
    char span[SPAN_TEXT], name[ROUTE_WORDS];

    span_text(number(route, "seconds"), span);
    route_words(route, name);
    add_label(t, _("Route"));
    if (*since != '\0' && held)
        text_add(t, _("%s since %s (%s), held; mode %s"), name, since, span, mode);
    else if (*since != '\0')
        text_add(t, _("%s since %s (%s); mode %s"), name, since, span, mode);
    else if (held)
        text_add(t, _("%s, held; mode %s"), name, mode);
    else
        text_add(t, _("%s; mode %s"), name, mode);
    text_add(t, "\n");
}

static void add_verdict(struct text *t, const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");

    add_label(t, _("Port 25"));
    if (json_is_null(json_object_get(verdict, "ipv4")) &&
        json_is_null(json_object_get(verdict, "ipv6"))) {
        text_add(t, "%s\n", _("not probed yet"));
        return;
    }
    char *sentence = verdict_sentence(verdict);
    text_add(t, "%s\n", sentence);
    free(sentence);
}

/* Whose doing it is, and what is known of the provider. */
static void add_why(struct text *t, const json_t *document)
{
    const json_t *provider = json_object_get(document, "provider");
    char *cause = cause_words(document);

    if (*cause != '\0') {
        add_label(t, _("Cause"));
        text_add(t, "%s\n", cause);
    }
    if (*cause != '\0' && *word(provider, "name") != '\0') {
        add_label(t, _("Provider"));
        text_add(t, _("%s; `detourctl providers %s` has its policy, `detourctl advise` what to do"),
                 word(provider, "title"), word(provider, "name"));
        text_add(t, "\n");
    }
    free(cause);
}

static void add_relay(struct text *t, const json_t *relay)
{
    char route[ROUTE_WORDS], span[SPAN_TEXT], *detail = translated(word(relay, "detail"));

    span_text(number(relay, "seconds"), span);
    route_words(relay, route);
    add_cell(t, route, 17);
    add_cell(t, phrase(word(relay, "state")), 12);
    if (*word(relay, "checked") != '\0') {
        text_add(t, " ");
        text_add(t, _("%s ago"), span);
    }
    if (*detail != '\0')
        text_add(t, "; %s", detail);
    text_add(t, "\n");
    free(detail);
}

static void add_relays(struct text *t, const json_t *relays, int indent)
{
    size_t i;
    json_t *relay;

    json_array_foreach(relays, i, relay)
    {
        text_add(t, "%*s", i == 0 ? 0 : indent, "");
        add_relay(t, relay);
    }
    if (json_array_size(relays) == 0)
        text_add(t, "%s\n", _("none is configured"));
}

static void add_postfix(struct text *t, const json_t *document)
{
    const json_t *postfix = json_object_get(document, "postfix");
    const json_t *running = json_object_get(postfix, "running");
    long long queue = number(postfix, "queue");

    add_label(t, "Postfix");
    if (json_is_null(running)) {
        text_add(t, "%s\n", _("nothing is known of it"));
        return;
    }
    text_add(t, "%s, ", json_is_true(running) ? _("running") : _("not running"));
    text_add(
        t, PLURAL("%lld message in the queue", "%lld messages in the queue", (unsigned long)queue),
        queue);
    long long held = number(json_object_get(postfix, "shield"), "held");
    if (held > 0) {
        text_add(t, ", ");
        text_add(t, _("%lld of them held back"), held);
    }
    long long outside = number(json_object_get(postfix, "outside"), "waiting");
    if (outside > 0) {
        text_add(t, ", ");
        text_add(t, _("%lld of them not for the relay"), outside);
    }
    text_add(t, "\n");
}

/* What configuration management has to apply, or has applied. */
static void add_fragment(struct text *t, const json_t *document)
{
    const json_t *fragment = json_object_get(document, "fragment");
    char span[SPAN_TEXT], route[ROUTE_WORDS];

    if (!json_is_object(fragment))
        return;
    route_words(json_object_get(fragment, "route"), route);
    span_text(number(fragment, "seconds"), span);
    add_label(t, _("Fragment"));
    text_add(t, _("generation %lld, route %s: %s; written %s (%s)"), number(fragment, "generation"),
             route, phrase(word(fragment, "state")), word(fragment, "since"), span);
    text_add(t, "\n%*s%s\n", status_label_columns(), "", word(fragment, "directory"));
}

static void add_next(struct text *t, const json_t *document)
{
    char *next = translated(word(document, "next"));

    add_label(t, _("Next"));
    text_add(t, "%s\n", next);
    free(next);
}

static void add_problems(struct text *t, const json_t *document)
{
    size_t i;
    json_t *problem;

    json_array_foreach(json_object_get(document, "problems"), i, problem)
    {
        const char *english = json_string_value(problem);
        char *own = translated(english != NULL ? english : "");
        add_label(t, i == 0 ? _("Wrong") : "");
        text_add(t, "%s\n", own);
        free(own);
    }
}

char *status_text(const json_t *document)
{
    struct text t;

    text_begin(&t);
    add_route(&t, document);
    add_verdict(&t, document);
    add_why(&t, document);
    add_label(&t, _("Relays"));
    add_relays(&t, json_object_get(document, "relays"), status_label_columns());
    add_postfix(&t, document);
    add_fragment(&t, document);
    add_next(&t, document);
    add_problems(&t, document);
    return text_end(&t);
}

char *relays_text(const json_t *document)
{
    struct text t;

    text_begin(&t);
    add_relays(&t, json_object_get(document, "relays"), 0);
    return text_end(&t);
}

static void add_list(struct text *t, const char *heading, const json_t *list)
{
    size_t i;
    json_t *item;

    if (json_array_size(list) > 0)
        text_add(t, "\n%s\n", heading);
    json_array_foreach(list, i, item) if (json_string_value(item) != NULL)
        text_add(t, "  - %s\n", json_string_value(item));
}

static void add_refusals(struct text *t, const json_t *last, const json_t *refusals)
{
    size_t i;
    json_t *item;

    text_add(t, "%s\n", _("refused: the switch would not be made, because of"));
    json_array_foreach(refusals, i, item) if (json_string_value(item) != NULL)
        text_add(t, "  - %s\n", json_string_value(item));
    if (*word(last, "difference") != '\0')
        text_add(t, "\n%s\n", _("Without that it would change:"));
}

static void add_headline(struct text *t, const json_t *last)
{
    const char *result = word(last, "result");
    const json_t *refusals = json_object_get(last, "refusals");

    if (strcmp(result, "unchanged") == 0)
        text_add(t, "%s\n", _("nothing would change"));
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
        { "not_following", N_("Mail that would not follow:") },
        { "following_unexpectedly", N_("Mail that would follow, though one may not expect it:") },
        { "files", N_("Files that would be written:") },
        { "notes", N_("Notes:") },
    };
    struct text t;

    text_begin(&t);
    add_headline(&t, last);
    text_add(&t, "%s", word(last, "difference"));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        add_list(&t, _(lists[i].heading), json_object_get(last, lists[i].key));
    char *text = text_end(&t);
    text_make_printable(text); /* somebody else wrote main.cf */
    return text;
}
