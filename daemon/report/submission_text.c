/* SPDX-License-Identifier: BSD-2-Clause */
/* Which submission ports of the relays work from here. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <stdlib.h>

/* "Implicit TLS" before STARTTLS (RFC 8314 3.3), registered ports before those that are not. */
static int rank(const json_t *row)
{
    static const int ports[] = { 465, 587, 2465, 2587, 2525, 25 };
    int port = (int)number(row, "port");
    int count = (int)(sizeof ports / sizeof ports[0]);

    for (int i = 0; i < count; i++)
        if (ports[i] == port)
            return i;
    return count;
}

static bool is_attack(const json_t *row)
{
    return json_is_true(json_object_get(row, "attack"));
}

/* What works, what must not be used, and what cannot be. */
static int kind(const json_t *row)
{
    if (is_attack(row))
        return 1;
    return word_is(row, "state", "usable") ? 0 : 2;
}

static bool is_before(const json_t *a, const json_t *b)
{
    return kind(a) != kind(b) ? kind(a) < kind(b) : rank(a) < rank(b);
}

/* Rows as they are to be tried, what works before what does not; the rest as it came. The caller
 * frees the list, the document owns the rows. */
static const json_t **in_order(const json_t *rows)
{
    size_t count = json_array_size(rows);
    const json_t **sorted = memory_zero(count, sizeof *sorted);

    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        const json_t *row = json_array_get(rows, i);
        for (; at > 0 && is_before(row, sorted[at - 1]); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = row;
    }
    return sorted;
}

static void add_tls(struct text *t, const json_t *row)
{
    const json_t *days = json_object_get(row, "days_left");

    if (*word(row, "tls") == '\0')
        return;
    if (!json_is_true(json_object_get(row, "verified")))
        text_add(t, _("%s, certificate not verified"), word(row, "tls"));
    else if (json_is_integer(days))
        text_add(t,
                 PLURAL("%s, certificate good for %lld day", "%s, certificate good for %lld days",
                        (unsigned long)json_integer_value(days)),
                 word(row, "tls"), json_integer_value(days));
    else
        text_add(t, "%s", word(row, "tls"));
}

static void add_auth(struct text *t, const json_t *row)
{
    size_t i;
    json_t *mechanism;

    json_array_foreach(json_object_get(row, "auth"), i, mechanism)
        text_add(t, "%s%s", i == 0 ? ", AUTH " : " ", json_string_value(mechanism));
}

/* "office:587", as `status` names it; the caller frees it. */
static char *name_of(const json_t *row)
{
    return memory_format("%s:%lld", word(row, "relay"), number(row, "port"));
}

/* The widths of the first two columns. */
struct widths {
    int name, state;
};

static void widen(int *width, const char *text)
{
    int columns = text_columns(text) + 2;

    if (columns > *width)
        *width = columns;
}

static struct widths measure(const json_t **rows, size_t count)
{
    struct widths widths = { 0 };

    for (size_t i = 0; i < count; i++) {
        char *name = name_of(rows[i]);
        widen(&widths.name, name);
        widen(&widths.state, phrase(word(rows[i], "state")));
        free(name);
    }
    return widths;
}

static void add_row(struct text *t, const struct layout *layout, const json_t *row,
                    const struct widths *widths)
{
    struct text mark, about;
    char *name = name_of(row);

    text_begin(&mark);
    text_add(&mark, INDENT);
    add_cell(&mark, name, widths->name);
    add_cell(&mark, phrase(word(row, "state")), widths->state);
    text_begin(&about);
    if (word_is(row, "state", "usable")) {
        add_tls(&about, row);
        add_auth(&about, row);
    } else {
        char *detail = translated(word(row, "detail"));
        text_add(&about, "%s", detail);
        free(detail);
    }
    char *cells = text_end(&mark), *text = text_end(&about);
    add_paragraph(t, layout, cells, text);
    free(text);
    free(cells);
    free(name);
}

static void add_attack(struct text *t, const struct layout *layout, const json_t *row)
{
    char *text;

    text = memory_format(_("An attack: STARTTLS is taken out of the session with %s:%lld. Whoever "
                           "does that on the way wants the password in clear; send none there."),
                         word(row, "host"), number(row, "port"));
    add_paragraph(t, layout, INDENT, text);
    free(text);
}

void add_submission(struct text *t, const struct layout *layout, const json_t *document)
{
    const json_t *rows = json_object_get(document, "submission");
    size_t count = json_array_size(rows), shown = 0;

    if (count == 0)
        return;
    const json_t **sorted = in_order(rows);
    while (shown < count && kind(sorted[shown]) < 2)
        shown++;
    add_heading(t, layout,
                kind(sorted[0]) == 0
                    ? _("Submission ports of relays, in the order to use them (RFC 8314):")
                    : _("Submission ports of relays; none of them works from here:"));
    struct widths widths = measure(sorted, shown);
    for (size_t i = 0; i < shown; i++)
        add_row(t, layout, sorted[i], &widths);
    add_submission_failures(t, layout, sorted + shown, count - shown);
    for (size_t i = 0; i < shown; i++)
        if (is_attack(sorted[i]))
            add_attack(t, layout, sorted[i]);
    free(sorted);
}
