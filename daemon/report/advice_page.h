/* SPDX-License-Identifier: BSD-2-Clause */
/* An advice as it is written, paragraph by paragraph. */
#ifndef DETOURD_REPORT_ADVICE_PAGE_H
#define DETOURD_REPORT_ADVICE_PAGE_H

#include "daemon/report/layout.h"
#include "daemon/report/text.h"
#include <jansson.h>

struct advice_page {
    struct text *text;
    const struct layout *layout;
    char mark[24]; /* in front of the next paragraph; below it, the others of the same step */
};

/* A paragraph behind the mark, which from then on is as many spaces. */
void advice_say(struct advice_page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* LABEL, and TEXT beside it; nothing where TEXT is empty. */
void advice_label(struct advice_page *page, const char *label, const char *text);

/* A line that is there to be copied, and so is never broken. */
void advice_command(struct advice_page *page, const char *command);

/* The lines of TEXT as they are, moved in by DEPTH. */
void advice_quote(struct advice_page *page, int depth, const char *text);

/* What to do: the steps, numbered. */
void advice_steps_text(struct advice_page *page, const json_t *steps);

#endif
