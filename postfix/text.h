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

#endif
