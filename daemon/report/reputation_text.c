/* SPDX-License-Identifier: BSD-2-Clause */
/* What mail operators would hold against this host. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *title;
} checks[] = {
    { "ptr", N_("reverse DNS") },         { "helo", N_("HELO name") }, { "spf", "SPF" },
    { "relay-spf", N_("SPF of relays") }, { "dkim", "DKIM" },          { "dmarc", "DMARC" },
    { "dnsbl", N_("blocklist") },
};

static const char *title_of(const char *name)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(checks[i].name, name) == 0)
            return _(checks[i].title);
    return name;
}

static const char *family_of(const json_t *finding)
{
    return word_is(finding, "family", "ipv4") ? "IPv4"
                                              : (word_is(finding, "family", "ipv6") ? "IPv6" : "");
}

static const char *result_of(const json_t *finding)
{
    if (word_is(finding, "result", "bad"))
        return _("bad");
    if (word_is(finding, "result", "warning"))
        return _("doubtful");
    return word_is(finding, "result", "ok") ? _("good") : _("not known");
}

static void add_finding(struct text *t, const struct layout *layout, const json_t *finding)
{
    struct text mark;

    text_begin(&mark);
    text_add(&mark, INDENT);
    add_cell(&mark, title_of(word(finding, "check")), 18);
    add_cell(&mark, family_of(finding), 6);
    add_cell(&mark, result_of(finding), 12);
    char *cells = text_end(&mark), *detail = translated(word(finding, "detail"));
    add_paragraph(t, layout, cells, detail);
    free(detail);
    free(cells);
}

static bool is_held_against(const json_t *findings)
{
    size_t i;
    json_t *finding;

    json_array_foreach(findings, i, finding)
    {
        if (word_is(finding, "result", "bad") || word_is(finding, "result", "warning"))
            return true;
    }
    return false;
}

/* Also where there is nothing to know: no check was possible. */
static bool is_nothing_known(const json_t *findings)
{
    size_t i;
    json_t *finding;

    json_array_foreach(findings, i, finding)
    {
        if (!word_is(finding, "result", "unknown"))
            return false;
    }
    return true;
}

static void add_address(struct text *t, const json_t *address)
{
    const char *v4 = word(address, "ipv4"), *v6 = word(address, "ipv6");

    if (*v4 != '\0' && *v6 != '\0')
        text_add(t, _("  Others see this host as %s and %s."), v4, v6);
    else if (*v4 != '\0' || *v6 != '\0')
        text_add(t, _("  Others see this host as %s."), *v4 != '\0' ? v4 : v6);
    else
        return;
    text_add(t, "\n");
}

void add_reputation(struct text *t, const struct layout *layout, const json_t *document)
{
    const json_t *reputation = json_object_get(document, "reputation");
    const json_t *findings = json_object_get(reputation, "findings");
    size_t i;
    json_t *finding;

    if (!json_is_object(reputation))
        return;
    /* Without network or DNS, a page of reasons would hide the one that the verdict gives. */
    if (is_nothing_known(findings)) {
        add_heading(t, layout,
                    _("What mail operators would hold against this host could not be looked up."));
        return;
    }
    add_heading(t, layout,
                is_held_against(findings)
                    ? _("What mail operators would hold against this host:")
                    : _("Nothing was found that mail operators would hold against this host:"));
    add_address(t, json_object_get(reputation, "address"));
    json_array_foreach(findings, i, finding) add_finding(t, layout, finding);
}
