/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a catalogue's statement comes from: without that, it is worth nothing. */
#ifndef DETOURD_CITATION_H
#define DETOURD_CITATION_H

#include "lib/conf_file.h"

struct citation {
    char *source; /* a page on the web */
    char *date;   /* when it was read, "2026-11-28" */
};

/* SOURCE and DATE name the values of SECTION; complains where one is missing or no source or day.
 */
struct citation citation_read(struct conf_file *file, cfg_t *section, const char *source,
                              const char *date);
void citation_free(struct citation *citation);

#endif
