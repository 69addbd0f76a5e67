/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/check_parts.h"

#include "daemon/report/check.h"
#include "daemon/report/member.h"
#include <stdlib.h>

/* Green, yellow, red; nothing for what cannot be said. */
static const char *colour_of(const json_t *document)
{
    static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m" };
    long long code = number(document, "exit");

    return code >= 0 && code < 3 ? colours[code] : "";
}

static void add_verdict(struct text *t, const struct layout *layout, const json_t *document)
{
    const char *colour = layout->colour ? colour_of(document) : "";
    char *sentence = verdict_sentence(json_object_get(document, "verdict"));

    text_add(t, "%s", colour);
    add_paragraph(t, layout, "", sentence);
    text_add(t, "%s", *colour != '\0' ? "\033[0m" : "");
    free(sentence);
}

char *check_text(const json_t *document, const struct layout *layout)
{
    const json_t *verdict = json_object_get(document, "verdict");
    struct text t;

    text_begin(&t);
    add_verdict(&t, layout, document);
    add_own_fault(&t, layout, document);
    add_targets(&t, layout, "IPv4", json_object_get(verdict, "ipv4"));
    add_targets(&t, layout, "IPv6", json_object_get(verdict, "ipv6"));
    add_trace(&t, layout, document);
    add_local_rules(&t, layout, document);
    add_provider(&t, layout, document);
    add_reputation(&t, layout, document);
    add_submission(&t, layout, document);
    add_cause(&t, layout, document);
    return text_end(&t);
}
