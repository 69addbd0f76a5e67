/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is going on, on a terminal: a row a target, drawn again in its place until it is taken away.
 * Plain sequences of ECMA-48 that every terminal knows; they move, erase and colour, nothing else.
 */
#ifndef DETOURD_CTL_LIVE_H
#define DETOURD_CTL_LIVE_H

#include "daemon/ctl/terminal.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum live_mood { LIVE_WAITING, LIVE_GOOD, LIVE_BAD };

struct live_row {
    const char *target; /* printable ASCII */
    const char *state;  /* English: an outcome, or what it waits for; shown in the caller's words */
    enum live_mood mood;
    int64_t deadline_ms; /* clock_mono_ms() when the waiting ends; 0 where there is no such time */
};

/* The rows as they are now, and their number in *COUNT. They are read before the loop goes on. */
typedef const struct live_row *live_source(void *context, size_t *count);

struct live;

/* Draws several times a second, from the loop. NULL, and nothing is drawn, where FD is no terminal
 * that can do it. While it lives, SIGINT and its like end the program after the rows were taken
 * away, and SIGTSTP stops it so, unless they were ignored before. A terminal that takes nothing is
 * not waited for. */
struct live *live_start(struct event_base *base, int fd, live_source *source, void *context);

/* Takes the rows away, gives the cursor back, and frees LIVE. NULL is allowed. */
void live_stop(struct live *live);

/* The rows as text, each line ended by "\n" and narrower than the terminal, fewer lines than it
 * has; with more rows than that, those that wait come first and the last line counts. The caller
 * frees it; *LINES is their number. */
char *live_text(const struct live_row *rows, size_t count, int64_t now_ms,
                const struct terminal_size *size, bool colour, int *lines);

#endif
