/* SPDX-License-Identifier: BSD-2-Clause */
/* That certificates fail for a fault of this host's. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include <string.h>

static const char *sentence(const char *fault)
{
    if (strcmp(fault, "clock") == 0)
        return _("This host's clock is wrong, it seems: the certificates of several mail operators "
                 "are all out of their time. No relay will prove itself until the clock is right.");
    if (strcmp(fault, "authorities") == 0)
        return _("This host does not know the authorities behind the certificates of several mail "
                 "operators. Bring its certificates up to date (ca-certificates).");
    return NULL;
}

void add_own_fault(struct text *t, const struct layout *layout, const json_t *document)
{
    static const char *const families[] = { "ipv4", "ipv6" };
    const json_t *verdict = json_object_get(document, "verdict");

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const char *said = sentence(word(json_object_get(verdict, families[i]), "own_fault"));
        if (said == NULL)
            continue;
        text_add(t, "\n");
        add_paragraph(t, layout, "", said);
        return;
    }
}
