/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/check.h"

#include "daemon/report/circumstances_json.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include "daemon/report/verdict_json.h"
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

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

static void add_circumstances(json_t *document, const struct check_input *in)
{
    json_object_set_new(document, "cause", cause_json(in->round, in->seen, in->rules));
    json_object_set_new(document, "trace", trace_json(in->seen, in->round));
    json_object_set_new(document, "local_rules",
                        in->local_rules != NULL ? json_incref(in->local_rules) : json_null());
    json_object_set_new(document, "provider", provider_json(in->seen));
    json_object_set_new(document, "reputation", reputation_json(in->seen));
    json_object_set_new(document, "submission", submission_json(in->seen));
}

json_t *check_json(const struct check_input *in)
{
    json_t *verdict = verdict_json(in->round), *document;
    locale_t before = english_begin();
    char *sentence = verdict_sentence(verdict);

    english_end(before);
    document =
        json_pack("{s:i, s:s, s:i, s:f, s:o}", "schema", SCHEMA, "summary", sentence, "exit",
                  verdict_exit(verdict), "seconds", (double)in->ms / 1000, "verdict", verdict);
    add_circumstances(document, in);
    free(sentence);
    return document;
}
