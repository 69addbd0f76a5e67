/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/live.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <stdlib.h>

#define TARGET_COLUMNS 32
#define STATE_COLUMNS  32
#define REST_COLUMNS   12

struct canvas {
    struct text text;
    int width;
    bool colour;
    int64_t now_ms;
    int target_columns, state_columns;
};

static bool is_waiting(const struct live_row *row)
{
    return row->mood == LIVE_WAITING;
}

static const char *colour_of(const struct live_row *row)
{
    return row->mood == LIVE_GOOD ? "\033[32m" : row->mood == LIVE_BAD ? "\033[31m" : "";
}

/* "4 s left", or nothing. The caller frees it. */
static char *rest_of(const struct live_row *row, int64_t now_ms)
{
    long long left = (row->deadline_ms - now_ms + 999) / 1000;

    if (!is_waiting(row) || row->deadline_ms == 0)
        return memory_copy("");
    return memory_format(_("%lld s left"), left > 0 ? left : 0);
}

/* Of a line that is too long the end is lost; a terminal would wrap it, and count wrong. */
static void add_line(struct canvas *c, const char *colour, const char *line)
{
    text_add(&c->text, "%s%.*s%s\n", colour, (int)text_fit(line, c->width - 1), line,
             *colour != '\0' ? "\033[0m" : "");
}

static void add_row(struct canvas *c, const struct live_row *row)
{
    char *rest = rest_of(row, c->now_ms);
    struct text line;

    text_begin(&line);
    add_cell(&line, row->target, c->target_columns);
    if (*rest != '\0') {
        add_cell(&line, phrase(row->state), c->state_columns);
        text_add(&line, "%s", rest);
    } else {
        text_add(&line, "%s", phrase(row->state));
    }
    char *whole = text_end(&line);
    add_line(c, c->colour ? colour_of(row) : "", whole);
    free(whole);
    free(rest);
}

static int widest(const struct live_row *rows, size_t count)
{
    int width = 0;

    for (size_t i = 0; i < count; i++) {
        int columns = text_columns(rows[i].target) + 2;
        width = columns > width ? columns : width;
    }
    return width < TARGET_COLUMNS ? width : TARGET_COLUMNS;
}

/* What a narrow terminal leaves between the target and the seconds, which are worth more than
 * space. */
static int state_columns(const struct canvas *c)
{
    int room = c->width - c->target_columns - REST_COLUMNS;

    return room < STATE_COLUMNS ? room : STATE_COLUMNS;
}

static void add_count(struct canvas *c, const struct live_row *rows, size_t count)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++)
        done += !is_waiting(&rows[i]);
    char *line = memory_format(_("%zu of %zu targets have ended"), done, count);
    add_line(c, "", line);
    free(line);
}

char *live_text(const struct live_row *rows, size_t count, int64_t now_ms,
                const struct terminal_size *size, bool colour, int *lines)
{
    /* The cursor has the last line, below the rows. */
    size_t room = size->lines > 1 ? (size_t)size->lines - 1 : 1, shown = 0;
    struct canvas c = { .width = size->columns, .colour = colour, .now_ms = now_ms };
    bool fits = count <= room;

    text_begin(&c.text);
    c.target_columns = widest(rows, count);
    c.state_columns = state_columns(&c);
    for (size_t i = 0; i < count; i++) {
        if (fits || (is_waiting(&rows[i]) && shown + 1 < room)) {
            add_row(&c, &rows[i]);
            shown++;
        }
    }
    if (!fits) {
        add_count(&c, rows, count);
        shown++;
    }
    *lines = (int)shown;
    return text_end(&c.text);
}
