/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal: paragraphs that wrap, and cells that stand below each other, also where a
 * character takes more bytes than columns. */
#ifndef DETOURD_REPORT_LAYOUT_H
#define DETOURD_REPORT_LAYOUT_H

#include "daemon/report/text.h"
#include <stdbool.h>

#define LAYOUT_WIDTH 80 /* where no terminal says how wide it is */

struct layout {
    int width;   /* columns; at least 40 are used */
    bool colour; /* by SGR sequences (ECMA-48) */
};

/* How many columns TEXT takes; by LC_CTYPE. */
int text_columns(const char *text);

/* How many bytes of TEXT fit into COLUMNS, whole characters. */
size_t text_fit(const char *text, int columns);

/* TEXT and a line end, broken at spaces before WIDTH. The first line stands behind MARK, the
 * others below its end. What is longer than a line stays whole. */
void add_paragraph(struct text *t, const struct layout *layout, const char *mark, const char *text);

/* Each line of TEXT, broken at spaces before WIDTH; what goes on stands behind HANGING columns. The
 * spaces within a line stay. The caller frees it. */
char *wrapped(const char *text, const struct layout *layout, int hanging);

/* TEXT, and spaces up to COLUMNS; at least one. */
void add_cell(struct text *t, const char *text, int columns);

#endif
