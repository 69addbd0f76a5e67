/* SPDX-License-Identifier: BSD-2-Clause */
/* Where packets to port 25 end, and this host's own rules about it. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include <stdlib.h>

void add_heading(struct text *t, const struct layout *layout, const char *heading)
{
    text_add(t, "\n");
    add_paragraph(t, layout, "", heading);
}

static void trace_sentence(struct text *t, const json_t *trace)
{
    const char *last = word(trace, "last"), *next = word(trace, "next");
    const char *to = word(trace, "address");
    long long other = number(trace, "control_port");

    if (json_is_true(json_object_get(trace, "reached")))
        text_add(t, _("Packets to port 25 get all the way to %s."), to);
    else if (*last == '\0' && *next == '\0')
        text_add(t,
                 _("No router on the way to %s answers, neither for port 25 nor for port %lld: "
                   "where packets end cannot be seen."),
                 to, other);
    else if (*last == '\0')
        text_add(t,
                 _("Packets to port 25 do not get as far as %s, the first router; those to port "
                   "%lld do. They are stopped on this host, or just outside of it."),
                 next, other);
    else if (*next == '\0')
        text_add(t,
                 _("Packets to port 25 leave this host and %s gets them; behind it nothing "
                   "answers."),
                 last);
    else
        text_add(t,
                 _("Packets to port 25 leave this host and %s gets them, %s does not; those to "
                   "port %lld get to both."),
                 last, next, other);
}

static void add_hop(struct text *t, const char *hop, const char *port25, const char *control)
{
    text_add(t, INDENT);
    add_cell(t, hop, 7);
    add_cell(t, port25, 26);
    text_add(t, "%s\n", control);
}

static const char *or_nothing(const char *router)
{
    return *router != '\0' ? router : _("no answer");
}

static void add_hops(struct text *t, const json_t *trace)
{
    char hop[24], control[64];
    size_t i;
    json_t *row;

    if (json_array_size(json_object_get(trace, "hops")) == 0)
        return;
    snprintf(control, sizeof control, _("port %lld"), number(trace, "control_port"));
    add_hop(t, _("hop"), _("port 25"), control);
    json_array_foreach(json_object_get(trace, "hops"), i, row)
    {
        snprintf(hop, sizeof hop, "%lld", number(row, "hop"));
        add_hop(t, hop, or_nothing(word(row, "port25")), or_nothing(word(row, "control")));
    }
}

static void add_family_trace(struct text *t, const struct layout *layout, const char *heading,
                             const json_t *trace)
{
    struct text sentence;

    if (!json_is_object(trace))
        return;
    add_heading(t, layout, heading);
    text_begin(&sentence);
    trace_sentence(&sentence, trace);
    char *text = text_end(&sentence);
    add_paragraph(t, layout, INDENT, text);
    free(text);
    add_hops(t, trace);
}

void add_trace(struct text *t, const struct layout *layout, const json_t *document)
{
    const json_t *trace = json_object_get(document, "trace");

    add_family_trace(t, layout, _("Where it ends, over IPv4:"), json_object_get(trace, "ipv4"));
    add_family_trace(t, layout, _("Where it ends, over IPv6:"), json_object_get(trace, "ipv6"));
}

void add_local_rules(struct text *t, const struct layout *layout, const json_t *document)
{
    const json_t *rules = json_object_get(document, "local_rules");
    size_t i;
    json_t *rule;

    if (json_array_size(rules) == 0)
        return;
    add_heading(t, layout, _("Rules of this host's own that act on port 25:"));
    json_array_foreach(rules, i, rule)
    {
        struct text mark;
        text_begin(&mark);
        text_add(&mark, INDENT "%s %s %s %s: ", word(rule, "tool"), word(rule, "family"),
                 word(rule, "table"), word(rule, "chain"));
        char *place = text_end(&mark);
        add_paragraph(t, layout, place, word(rule, "rule"));
        free(place);
    }
}
