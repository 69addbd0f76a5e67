/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/layout.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define WIDTH_MIN 40

/* The bytes and columns of the first character; what is none in this locale takes a column a byte.
 */
static size_t first_character(const char *text, size_t len, mbstate_t *state, int *columns)
{
    wchar_t c;
    size_t n = mbrtowc(&c, text, len, state);

    if (n == 0 || n > len) {
        memset(state, 0, sizeof *state);
        *columns = 1;
        return 1;
    }
    *columns = wcwidth(c) > 0 ? wcwidth(c) : 0;
    return n;
}

static int columns_of(const char *text, size_t len)
{
    mbstate_t state = { 0 };
    int columns = 0;

    for (size_t at = 0; at < len;) {
        int more;
        at += first_character(text + at, len - at, &state, &more);
        columns += more;
    }
    return columns;
}

int text_columns(const char *text)
{
    return columns_of(text, strlen(text));
}

size_t text_fit(const char *text, int columns)
{
    mbstate_t state = { 0 };
    size_t at = 0, len = strlen(text);

    while (at < len) {
        int more;
        size_t n = first_character(text + at, len - at, &state, &more);
        if (more > columns)
            break;
        columns -= more;
        at += n;
    }
    return at;
}

static int width_of(const struct layout *layout)
{
    return layout->width < WIDTH_MIN ? WIDTH_MIN : layout->width;
}

void add_paragraph(struct text *t, const struct layout *layout, const char *mark, const char *text)
{
    int indent = text_columns(mark), width = width_of(layout), at = indent;

    text_add(t, "%s", mark);
    for (const char *p = text + strspn(text, " "); *p != '\0'; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        int columns = columns_of(p, len);
        if (at > indent && at + 1 + columns > width) {
            text_add(t, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            text_add(t, " ");
            at++;
        }
        text_add(t, "%.*s", (int)len, p);
        at += columns;
        p += len;
    }
    text_add(t, "\n");
}

/* How many bytes of LINE, which does not fit into COLUMNS, stand before the break: up to the last
 * space that fits, or to the first there is; none before FROM, where the line's text begins. */
static size_t break_at(const char *line, int columns, size_t from)
{
    size_t at = text_fit(line, columns);

    while (at > from && line[at] != ' ')
        at--;
    return at > from ? at : from + strcspn(line + from, " ");
}

static void add_broken(struct text *t, const char *line, int width, int hanging)
{
    size_t from = text_fit(line, hanging);

    while (text_columns(line) > width) {
        size_t at = break_at(line, width, from), next = at + strspn(line + at, " ");
        if (line[next] == '\0')
            break;
        text_add(t, "%.*s\n%*s", (int)at, line, hanging, "");
        line += next;
        if (from > 0)
            width -= hanging;
        from = 0;
    }
    text_add(t, "%s\n", line);
}

char *wrapped(const char *text, const struct layout *layout, int hanging)
{
    struct text t;

    text_begin(&t);
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        char *line = memory_format("%.*s", (int)len, text);
        add_broken(&t, line, width_of(layout), hanging);
        free(line);
        text += len + (text[len] == '\n');
    }
    return text_end(&t);
}

void add_cell(struct text *t, const char *text, int columns)
{
    int rest = columns - text_columns(text);

    text_add(t, "%s%*s", text, rest > 1 ? rest : 1, "");
}
