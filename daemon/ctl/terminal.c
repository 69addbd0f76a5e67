/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_can_move(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

bool terminal_has_colour(int fd)
{
    const char *no = getenv("NO_COLOR");

    return terminal_can_move(fd) && (no == NULL || *no == '\0');
}

struct terminal_size terminal_size(int fd)
{
    struct terminal_size size = { .columns = LAYOUT_WIDTH, .lines = 24 };
    struct winsize window;

    if (ioctl(fd, TIOCGWINSZ, &window) == 0) {
        if (window.ws_col > 0)
            size.columns = window.ws_col;
        if (window.ws_row > 0)
            size.lines = window.ws_row;
    }
    return size;
}

struct layout terminal_layout(int fd)
{
    return (struct layout){ .width = terminal_size(fd).columns, .colour = terminal_has_colour(fd) };
}
