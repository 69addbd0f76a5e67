/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/findings.h"

#include "lib/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void findings_add(struct findings *findings, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    findings->text = memory_grow(findings->text, findings->count + 1, sizeof *findings->text);
    findings->text[findings->count++] = memory_copy(text);
}

const char *shortened(const char *value, char out[SHORTENED])
{
    static const char more[] = " ...";

    snprintf(out, SHORTENED, "%s", value);
    if (strlen(value) >= SHORTENED)
        memcpy(out + SHORTENED - sizeof more, more, sizeof more);
    return out;
}

void findings_join(const struct findings *findings, struct why *why)
{
    /* Room for the last words. */
    const size_t room = sizeof why->text - 64;
    size_t used = 0, said = 0;

    why->text[0] = '\0';
    for (; said < findings->count; said++) {
        const char *text = findings->text[said];
        if (used + strlen(text) + 2 >= room)
            break;
        used += (size_t)snprintf(why->text + used, sizeof why->text - used, "%s%s",
                                 said == 0 ? "" : "; ", text);
    }
    if (said < findings->count)
        snprintf(why->text + used, sizeof why->text - used, "%s%zu %s; detour-apply plan has all",
                 said == 0 ? "" : "; and ", findings->count - said, said == 0 ? "reasons" : "more");
}

void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->text[i]);
    free(findings->text);
    *findings = (struct findings){ 0 };
}
