/* SPDX-License-Identifier: BSD-2-Clause */
/* A terminal of a few lines, as far as the live view uses one. */
#ifndef DETOURD_SCREEN_H
#define DETOURD_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_LINES   10
#define SCREEN_COLUMNS 60

struct screen {
    char cell[SCREEN_LINES][SCREEN_COLUMNS + 1];
    int line, column;
    bool hidden;     /* the cursor */
    size_t wrapped;  /* how often a line was too long */
    size_t scrolled; /* how often there was no line left */
    size_t unknown;  /* sequences that not every terminal knows */
};

void screen_clear(struct screen *screen);

/* What was sent, in any pieces that end with whole sequences. */
void screen_write(struct screen *screen, const char *text, size_t len);

#endif
