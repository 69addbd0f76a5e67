/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/check.h"

#include "daemon/report/text.h"
#include "daemon/report/verdict_json.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static int number(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static bool is_good(const char *name)
{
    return strcmp(name, "open") == 0;
}

static bool is_shut(const char *name)
{
    static const char *const names[] = { "blocked", "intercepted", NULL };

    return is_one_of(name, names);
}

static bool is_nothing(const char *name)
{
    static const char *const names[] = { "offline", "unknown", "", NULL };

    return is_one_of(name, names);
}

static int exit_of(const char *name)
{
    return is_good(name) ? 0 : is_shut(name) ? 2 : is_nothing(name) ? 3 : 1;
}

int verdict_exit(const json_t *verdict)
{
    const json_t *v4 = json_object_get(verdict, "ipv4"), *v6 = json_object_get(verdict, "ipv6");
    int four = exit_of(word(v4, "name")), six = exit_of(word(v6, "name"));

    if (json_is_null(v6) || !json_is_object(v6))
        return four;
    if (json_is_null(v4))
        return six;
    if (four == 0)
        return six == 1 || six == 2 ? 1 : 0;
    if (four == 3)
        return six == 3 ? 3 : six == 0 ? 1 : six;
    return four;
}

/* Sentences */

static const json_t *answered_control(const json_t *family)
{
    const json_t *controls = json_object_get(family, "controls");

    return json_is_string(json_object_get(controls, "by")) ? controls : NULL;
}

static void add_targets(struct text *t, const json_t *family, bool failing)
{
    size_t i, said = 0;
    json_t *o;

    json_array_foreach(json_object_get(family, "outcomes"), i, o)
    {
        bool open = strcmp(word(o, "outcome"), "open") == 0;
        if (open == failing || strcmp(word(o, "outcome"), "dns-failed") == 0)
            continue;
        if (said++ == 3) {
            text_add(t, ", ...");
            return;
        }
        text_add(t, "%s%s", said > 1 ? ", " : "", word(o, "target"));
    }
}

static void blocked_sentence(struct text *t, const json_t *family)
{
    const json_t *control = answered_control(family);

    text_add(t, "blocked: none of %d mail operators can be reached", number(family, "operators"));
    if (control != NULL)
        text_add(t, ", while the network is up (%s answers)", word(control, "by"));
}

static void unknown_sentence(struct text *t, const json_t *family)
{
    if (number(family, "operators") == 0)
        text_add(t, "unknown: no target has an address to probe; look at the DNS");
    else if (number(family, "connected") > 0)
        text_add(t, "unknown: connections stand, but nobody speaks SMTP");
    else
        text_add(t, "unknown: too few operators could be probed, or the network came and went");
}

static void family_sentence(struct text *t, const json_t *family)
{
    const char *name = word(family, "name");
    int operators = number(family, "operators"), open = number(family, "open");

    if (strcmp(name, "open") == 0) {
        text_add(t, "open: %d of %d mail operators answer as themselves", open, operators);
    } else if (strcmp(name, "blocked") == 0) {
        blocked_sentence(t, family);
    } else if (strcmp(name, "offline") == 0) {
        text_add(t, "offline: nothing answers, on no port; the network is down or has no route");
    } else if (strcmp(name, "remote") == 0) {
        text_add(t, "open, but not to everybody (remote): %d of %d operators answer; not ", open,
                 operators);
        add_targets(t, family, true);
    } else if (strcmp(name, "unstable") == 0) {
        text_add(t,
                 "unstable: %d of %d operators answer and the others do not; look for a local "
                 "firewall or a path that loses packets",
                 open, operators);
    } else if (strcmp(name, "reputation") == 0) {
        text_add(t, "open, but most operators turn this host away (reputation); look at "
                    "blocklists and reverse DNS");
    } else if (strcmp(name, "intercepted") == 0) {
        text_add(t, "intercepted: something answers in the operators' place");
    } else {
        unknown_sentence(t, family);
    }
}

/* Both families in one clause where they agree. */
char *verdict_sentence(const json_t *verdict)
{
    const json_t *v4 = json_object_get(verdict, "ipv4"), *v6 = json_object_get(verdict, "ipv6");
    struct text t;

    text_begin(&t);
    text_add(&t, "Outbound port 25 is ");
    if (!json_is_object(v4) || !json_is_object(v6)) {
        family_sentence(&t, json_is_object(v4) ? v4 : v6);
        text_add(&t, " (%s alone).", json_is_object(v4) ? "IPv4" : "IPv6");
        return text_end(&t);
    }
    family_sentence(&t, v4);
    if (strcmp(word(v4, "name"), word(v6, "name")) == 0) {
        text_add(&t, " (IPv4 and IPv6 alike).");
    } else {
        text_add(&t, ". Over IPv6 it is ");
        family_sentence(&t, v6);
        text_add(&t, ".");
    }
    return text_end(&t);
}

static void add_family(struct text *t, const char *title, const json_t *family)
{
    const json_t *control = answered_control(family);
    size_t i;
    json_t *o;

    if (!json_is_object(family))
        return;
    text_add(t, "\n%s: %s (confidence %.6g)\n", title, word(family, "name"),
             json_number_value(json_object_get(family, "confidence")));
    json_array_foreach(json_object_get(family, "outcomes"), i, o)
        text_add(t, "  %-24s %-12s %s\n", word(o, "target"), word(o, "outcome"), word(o, "detail"));
    if (control != NULL)
        text_add(t, "  %-24s %-12s the network is up\n", word(control, "by"), "control");
}

char *check_text(const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");
    struct text t;

    text_begin(&t);
    text_add(&t, "%s\n", word(document, "summary"));
    add_family(&t, "IPv4", json_object_get(verdict, "ipv4"));
    add_family(&t, "IPv6", json_object_get(verdict, "ipv6"));
    return text_end(&t);
}

json_t *check_json(const struct round_result *result)
{
    json_t *verdict = verdict_json(result), *document;
    char *sentence = verdict_sentence(verdict);

    document =
        json_pack("{s:i, s:s, s:i, s:f, s:o}", "schema", SCHEMA, "summary", sentence, "exit",
                  verdict_exit(verdict), "seconds", (double)result->ms / 1000, "verdict", verdict);
    free(sentence);
    return document;
}
