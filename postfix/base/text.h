/* SPDX-License-Identifier: BSD-2-Clause */
/* A text that grows: open_memstream(3), with an end of the program where memory ends. */
#ifndef DETOURD_POSTFIX_TEXT_H
#define DETOURD_POSTFIX_TEXT_H

#include <stddef.h>
#include <stdio.h>

struct text {
    FILE *out;   /* write here */
    char *bytes; /* valid after text_close, ended by NUL; the caller frees it */
    size_t len;
};

void text_open(struct text *text);
void text_close(struct text *text);

/* Bytes that lie side by side, written as one: many lines that stay as they are. */
struct run {
    FILE *out;
    const char *bytes; /* not written yet */
    size_t len;
};

void run_put(struct run *run, const char *bytes, size_t len);
/* Writes what is left; before anything else is written to the same stream. */
void run_end(struct run *run);

#endif
