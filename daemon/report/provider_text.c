/* SPDX-License-Identifier: BSD-2-Clause */
/* Which provider this host is at, and what that provider says about port 25. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include <stdlib.h>

static const char *by_text(const json_t *provider)
{
    if (word_is(provider, "by", "dmi"))
        return _("as the machine itself says");
    if (word_is(provider, "by", "cloud-init"))
        return _("as cloud-init says");
    return _("as the address's reverse name says");
}

/* A sentence and a space, where there is one. */
static void add_words(struct text *t, const char *words)
{
    if (*words != '\0')
        text_add(t, "%s ", words);
}

/* Who says so, and when that was read. */
static void add_citation(struct text *t, const json_t *group)
{
    if (*word(group, "source") != '\0')
        text_add(t, _("(read at %s on %s)"), word(group, "source"), word(group, "date"));
}

static char *ports_text(const json_t *ports)
{
    struct text t;
    size_t i;
    json_t *port;

    text_begin(&t);
    json_array_foreach(ports, i, port)
        text_add(&t, "%s%lld", i > 0 ? ", " : "", json_integer_value(port));
    return text_end(&t);
}

static void add_default(struct text *t, const json_t *policy)
{
    char *ports = ports_text(json_object_get(policy, "closed"));
    unsigned long count = json_array_size(json_object_get(policy, "closed"));
    const char *since = word(policy, "since");

    if (word_is(policy, "default", "open"))
        text_add(t, "%s", _("Port 25 is open by default."));
    else if (word_is(policy, "default", "partly"))
        text_add(t,
                 PLURAL("For some customers, port %s is closed.",
                        "For some customers, ports %s are closed.", count),
                 ports);
    else
        text_add(
            t, PLURAL("By default, port %s is closed.", "By default, ports %s are closed.", count),
            ports);
    text_add(t, " ");
    if (*since != '\0') {
        text_add(t, _("That is so since %s."), since);
        text_add(t, " ");
    }
    free(ports);
}

static void add_policy(struct text *t, const struct layout *layout, const json_t *policy)
{
    struct text text;

    if (!json_is_object(policy))
        return;
    text_begin(&text);
    add_default(&text, policy);
    add_words(&text, word(policy, "condition"));
    add_citation(&text, policy);
    char *whole = text_end(&text);
    add_paragraph(t, layout, _("  Its policy: "), whole);
    free(whole);
}

static const char *possible_text(const json_t *lift)
{
    if (word_is(lift, "possible", "yes"))
        return _("On request.");
    if (word_is(lift, "possible", "case-by-case"))
        return _("Case by case.");
    return word_is(lift, "possible", "no") ? _("Never.") : "";
}

static void add_hours(struct text *t, const json_t *hours)
{
    long long least = json_integer_value(json_array_get(hours, 0));
    long long most = json_integer_value(json_array_get(hours, 1));

    if (!json_is_array(hours))
        return;
    if (most == 0)
        text_add(t, "%s", _("That takes effect at once."));
    else
        text_add(t,
                 PLURAL("That takes %lld to %lld hour.", "That takes %lld to %lld hours.",
                        (unsigned long)most),
                 least, most);
    text_add(t, " ");
}

static void add_lift(struct text *t, const struct layout *layout, const json_t *lift)
{
    struct text text;

    if (!json_is_object(lift))
        return;
    text_begin(&text);
    add_words(&text, possible_text(lift));
    add_words(&text, word(lift, "how"));
    if (*word(lift, "needs") != '\0') {
        text_add(&text, _("Wanted: %s"), word(lift, "needs"));
        text_add(&text, " ");
    }
    add_hours(&text, json_object_get(lift, "hours"));
    add_words(&text, word(lift, "url"));
    add_citation(&text, lift);
    char *whole = text_end(&text);
    add_paragraph(t, layout, _("  Opened: "), whole);
    free(whole);
}

void add_provider(struct text *t, const struct layout *layout, const json_t *document)
{
    const json_t *provider = json_object_get(document, "provider");
    struct text name;

    if (!json_is_object(provider))
        return;
    text_begin(&name);
    text_add(&name, _("Provider: %s, %s (%s)"), word(provider, "title"), by_text(provider),
             word(provider, "evidence"));
    char *heading = text_end(&name);
    add_heading(t, layout, heading);
    free(heading);
    add_policy(t, layout, json_object_get(provider, "policy"));
    add_lift(t, layout, json_object_get(provider, "lift"));
}
