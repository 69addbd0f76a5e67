/* SPDX-License-Identifier: BSD-2-Clause */
/* What the caller's terminal can do. */
#ifndef DETOURD_CTL_TERMINAL_H
#define DETOURD_CTL_TERMINAL_H

#include "daemon/report/layout.h"
#include <stdbool.h>

/* Whether FD is a terminal on which lines can be drawn again: not with TERM=dumb, or without TERM.
 */
bool terminal_can_move(int fd);

/* Whether FD may have colours: such a terminal, and NO_COLOR (no-color.org) is not set, or empty.
 */
bool terminal_has_colour(int fd);

/* Columns and lines; 80 and 24 where FD is none or does not say. */
struct terminal_size {
    int columns, lines;
};
struct terminal_size terminal_size(int fd);

/* For text that stays. */
struct layout terminal_layout(int fd);

#endif
