/* SPDX-License-Identifier: BSD-2-Clause */
/* The letter to whoever is to open the port. */
#include "daemon/report/advice_steps.h"

#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/text.h"
#include "daemon/report/translate.h"
#include "lib/clock.h"
#include <string.h>

/* Enough to convince, few enough to be read. */
#define TARGETS_MAX 8

/* The first host is as good as the others: one that is silent. */
static json_t *target_json(const json_t *outcome)
{
    const json_t *host = json_array_get(json_object_get(outcome, "hosts"), 0);
    const char *name = word(outcome, "outcome");

    return json_pack("{s:s, s:s, s:s, s:s}", "target", word(outcome, "target"), "host",
                     word(host, "host"), "address", word(host, "address"), "outcome", name);
}

static json_t *targets(const json_t *verdict)
{
    json_t *outcome, *list = json_array();
    size_t i;

    json_array_foreach(json_object_get(verdict, "outcomes"), i, outcome)
    {
        const char *name = word(outcome, "outcome");
        if (strcmp(name, "open") != 0 && strcmp(name, "dns-failed") != 0 &&
            json_array_size(list) < TARGETS_MAX)
            json_array_append_new(list, target_json(outcome));
    }
    return list;
}

static json_t *controls(const json_t *verdict)
{
    const char *by = word(json_object_get(verdict, "controls"), "by");
    json_t *list = json_array();

    if (*by != '\0')
        json_array_append_new(list, json_string(by));
    return list;
}

json_t *advice_evidence(const struct adviser *a)
{
    const json_t *address = json_object_get(
        json_object_get(json_object_get(a->in->document, "reputation"), "address"), a->family);
    const json_t *trace = advice_of_family(a, "trace");
    char now[CLOCK_TEXT];

    clock_text(a->in->now, now);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "time", now, "verdict", a->name, "address",
                     json_is_string(address) ? json_deep_copy(address) : json_null(), "targets",
                     targets(a->verdict), "controls", controls(a->verdict), "trace",
                     json_is_object(trace) ? json_deep_copy(trace) : json_null());
}

/* A msgid, marked by N_() where it stands, as it is or in the reader's language. */
static const char *say(bool translate, const char *text) __attribute__((format_arg(2)));
static const char *say(bool translate, const char *text)
{
    return translate ? _(text) : text;
}

static void add_request(struct text *t, const json_t *evidence, bool tr)
{
    const char *address = word(evidence, "address");
    bool intercepted = strcmp(word(evidence, "verdict"), "intercepted") == 0;

    if (*address == '\0')
        address = say(tr, N_("____________ (the host's public address)"));
    text_add(t, say(tr, N_("Outbound TCP port 25 from %s\n\n")), address);
    if (intercepted)
        text_add(t, say(tr, N_("Connections from our host to TCP port 25 of mail servers are "
                               "answered by something else in their place. Please let them "
                               "through to the servers for which they are meant.\n\n")));
    else
        text_add(t, say(tr, N_("Connections from our host to TCP port 25 of mail servers do not "
                               "get through. Please open outbound port 25 for it.\n\n")));
}

static const char *outcome_of(const json_t *target, bool translate)
{
    const char *outcome = word(target, "outcome");

    return translate ? phrase(outcome) : outcome;
}

static void add_targets(struct text *t, const json_t *evidence, bool tr)
{
    const char *time = word(evidence, "time");
    json_t *target;
    size_t i;

    text_add(t, say(tr, N_("What we measured on %.10s at %.8s UTC:\n")), time,
             strlen(time) > 11 ? time + 11 : "");
    json_array_foreach(json_object_get(evidence, "targets"), i, target)
    {
        if (*word(target, "address") != '\0')
            text_add(t, say(tr, N_("- %s, %s, %s: %s\n")), word(target, "target"),
                     word(target, "host"), word(target, "address"), outcome_of(target, tr));
        else
            text_add(t, say(tr, N_("- %s: %s\n")), word(target, "target"), outcome_of(target, tr));
    }
}

static void add_controls(struct text *t, const json_t *evidence, bool tr)
{
    const json_t *trace = json_object_get(evidence, "trace");
    const char *last = word(trace, "last"), *next = word(trace, "next");
    json_t *control;
    size_t i;

    json_array_foreach(json_object_get(evidence, "controls"), i, control)
        text_add(t, say(tr, N_("- The network is up: at the same time, %s answered.\n")),
                 json_string_value(control));
    if (*last != '\0' && *next != '\0')
        text_add(t,
                 say(tr, N_("- Packets to port 25 pass %s, but not %s, which passes those to port "
                            "%d of the same address.\n")),
                 last, next, (int)json_integer_value(json_object_get(trace, "control_port")));
    else if (*last != '\0')
        text_add(t, say(tr, N_("- Packets to port 25 pass %s and are not seen behind it.\n")),
                 last);
}

static void add_blanks(struct text *t, bool tr)
{
    text_add(t, say(tr, N_("\nAbout the mail:\n"
                           "- what it is for: ____________\n"
                           "- messages a day: ____________\n"
                           "- the sending domains, with SPF, DKIM and DMARC: ____________\n"
                           "- the host's name, which its address should resolve to: ____________\n"
                           "- what keeps others from sending through it: ____________\n"
                           "- who reads abuse@ and postmaster@: ____________\n")));
}

char *advice_request(const json_t *evidence, bool translate)
{
    struct text t;

    text_begin(&t);
    add_request(&t, evidence, translate);
    add_targets(&t, evidence, translate);
    add_controls(&t, evidence, translate);
    add_blanks(&t, translate);
    return text_end(&t);
}
