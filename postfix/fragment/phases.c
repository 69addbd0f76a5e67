/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/phases.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/quote.h"
#include <stdlib.h>

static const struct phase all[PHASES] = {
    { PHASE_SERVICES, false, "the relay's services, which nobody uses yet" },
    { PHASE_GIVE_BACK, true, "no mail to the relay that was in use" },
    { PHASE_GIVE_BACK, false, "what nothing needs any more" },
    { PHASE_SET, false, "what the relay demands" },
    { PHASE_SET, true, "mail to the relay" },
    { PHASE_NO_SERVICES, false, "services that nobody uses any more" },
};

bool phase_has(const struct phase *phase, const struct fragment_item *item)
{
    switch (phase->kind) {
    case PHASE_SERVICES:
        return item->is_service && item->value != NULL;
    case PHASE_NO_SERVICES:
        return item->is_service && item->value == NULL;
    case PHASE_SET:
        return !item->is_service && !item->restores && item->leads == phase->leads;
    case PHASE_GIVE_BACK:
        return !item->is_service && item->stale_count > 0 && item->leads == phase->leads &&
               (item->restores || item->leads);
    }
    return false;
}

size_t phases_of(const struct fragment *f, struct phase out[PHASES])
{
    size_t count = 0;

    for (size_t s = 0; s < PHASES; s++) {
        bool used = false;
        for (size_t i = 0; i < f->count; i++)
            used = used || phase_has(&all[s], &f->item[i]);
        if (used)
            out[count++] = all[s];
    }
    return count;
}

static char *quoted(char *text, quoting *quote)
{
    char *word = quote(text);

    free(text);
    return word;
}

char *quote_line(const struct fragment_item *item, quoting *quote)
{
    return quoted(item->is_service ? memory_format("%s=%s", item->name, item->value)
                                   : fragment_line(item->name, item->value),
                  quote);
}

char *quote_owner(const struct fragment_item *item, quoting *quote)
{
    return quoted(fragment_line(item->name, item->owner), quote);
}

char *quote_stale(const struct fragment_item *item, size_t n, quoting *quote)
{
    return quoted(fragment_line(item->name, item->stale[n]), quote);
}

char *reload_command(const struct fragment *f)
{
    char *program = quote_shell(f->program), *configuration = quote_shell(f->configuration);
    char *line = memory_format("%s -c %s reload", program, configuration);

    free(program);
    free(configuration);
    return line;
}

void put_fragment_head(FILE *out, const struct fragment *f)
{
    char route[ROUTE_TEXT], written[CLOCK_TEXT];

    route_text(&f->route, route);
    clock_text(f->written, written);
    fprintf(out,
            "# detourd: generation %lu, route %s, method %s, %s\n"
            "# Written by detour-apply(8). When it is applied: detourctl applied %lu\n",
            f->generation, route, f->method, written, f->generation);
}
