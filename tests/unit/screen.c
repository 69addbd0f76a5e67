/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/screen.h"

#include <stdlib.h>
#include <string.h>

void screen_clear(struct screen *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < SCREEN_LINES; i++)
        memset(s->cell[i], ' ', SCREEN_COLUMNS);
}

static void erase(struct screen *s, int line, int column)
{
    memset(s->cell[line] + column, ' ', (size_t)(SCREEN_COLUMNS - column));
}

static void feed(struct screen *s)
{
    if (s->line + 1 < SCREEN_LINES) {
        s->line++;
        return;
    }
    s->scrolled++;
    memmove(s->cell[0], s->cell[1], sizeof s->cell - sizeof s->cell[0]);
    erase(s, SCREEN_LINES - 1, 0);
}

static void put(struct screen *s, char c)
{
    if (s->column == SCREEN_COLUMNS) {
        s->wrapped++;
        s->column = 0;
        feed(s);
    }
    s->cell[s->line][s->column++] = c;
}

/* "CSI N FINAL", CSI being ESC and "["; returns its length. */
static size_t sequence(struct screen *s, const char *text, size_t len)
{
    size_t n = strspn(text + 2, "?0123456789;") + 3;
    int count = atoi(text + 2);

    if (n > len) {
        s->unknown++;
        return len;
    }
    switch (text[n - 1]) {
    case 'A':
        s->line = s->line > count ? s->line - count : 0;
        break;
    case 'K':
        erase(s, s->line, s->column);
        break;
    case 'J':
        erase(s, s->line, s->column);
        for (int i = s->line + 1; i < SCREEN_LINES; i++)
            erase(s, i, 0);
        break;
    case 'h':
    case 'l':
        s->hidden = text[n - 1] == 'l';
        break;
    case 'm':
        break;
    default:
        s->unknown++;
    }
    return n;
}

void screen_write(struct screen *s, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (text[at] == '\033') {
            at += sequence(s, text + at, len - at);
            continue;
        }
        if (text[at] == '\r')
            s->column = 0;
        else if (text[at] == '\n')
            feed(s);
        else
            put(s, text[at]);
        at++;
    }
}
