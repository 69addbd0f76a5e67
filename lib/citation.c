/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/citation.h"

#include <stdlib.h>
#include <string.h>

static bool is_page(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

struct citation citation_read(struct conf_file *file, cfg_t *section, const char *source,
                              const char *date)
{
    struct citation citation = { .source = conf_file_required(file, section, source) };

    if (citation.source != NULL && !is_page(citation.source))
        conf_file_complain(file, section, source,
                           "%s = %s; expected a page, beginning with https://", source,
                           citation.source);
    free(conf_file_required(file, section, date));
    citation.date = conf_file_date(file, section, date);
    return citation;
}

void citation_free(struct citation *citation)
{
    free(citation->source);
    free(citation->date);
}
