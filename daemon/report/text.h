/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows: the sentences of a report. */
#ifndef DETOURD_REPORT_TEXT_H
#define DETOURD_REPORT_TEXT_H

#include <stdarg.h>
#include <stdio.h>

struct text {
    FILE *stream;
    char *bytes;
    size_t len;
};

void text_begin(struct text *text);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_list(struct text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* What was written; the caller frees it. */
char *text_end(struct text *text);

/* What a terminal would obey becomes '?', for what comes from elsewhere. */
void text_make_printable(char *text);

/* "4 s", "12 min", "3 h 20 min", "2 d 4 h"; OUT holds SPAN_TEXT bytes. */
#define SPAN_TEXT 32
void span_text(long long seconds, char *out);

#endif
