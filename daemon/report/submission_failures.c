/* SPDX-License-Identifier: BSD-2-Clause */
/* Which submission ports do not work, a line a reason: seldom does each have its own. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 6

/* What of a detail is a reason, without the names and times that differ; phrases.c has them too. */
static const char *const reasons[] = {
    "no such domain",
    "no answer from any resolver",
    "no answer to SYN",
    "connection refused",
    "no answer in time",
    "no banner",
    "STARTTLS is not offered",
    "AUTH is not offered",
    "certificate expired",
    "self-signed certificate",
    "certificate from an unknown authority",
};

/* What was seen, without the address where: "198.51.100.7:587: connection refused". */
static const char *without_address(const char *detail)
{
    const char *end = strstr(detail, ": ");
    bool is_address = *detail == '[' || (*detail >= '0' && *detail <= '9');

    return end != NULL && is_address && strcspn(detail, " ") > (size_t)(end - detail) ? end + 2
                                                                                      : detail;
}

/* In English, to compare: what does not tell of the host or of the time that it took; else the
 * state. The document owns it, or nobody. */
static const char *reason_of(const json_t *row)
{
    const char *detail = word(row, "detail");

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strstr(detail, reasons[i]) != NULL)
            return reasons[i];
    return word(row, "state");
}

struct rows {
    const json_t *const *row;
    size_t count;
};

static bool has_reason(const json_t *row, const char *reason)
{
    return strcmp(reason_of(row), reason) == 0;
}

/* How many have that reason. */
static size_t count_of(const struct rows *rows, const char *reason)
{
    size_t n = 0;

    for (size_t i = 0; i < rows->count; i++)
        n += has_reason(rows->row[i], reason);
    return n;
}

/* The first row with the reason of row AT. */
static size_t first_of(const struct rows *rows, size_t at)
{
    size_t first = 0;

    while (!has_reason(rows->row[first], reason_of(rows->row[at])))
        first++;
    return first;
}

static size_t count_reasons(const struct rows *rows)
{
    size_t n = 0;

    for (size_t i = 0; i < rows->count; i++)
        n += first_of(rows, i) == i;
    return n;
}

/* ":465, 587": the ports of that relay that share the reason of row FIRST. */
static void add_ports(struct text *t, const struct rows *rows, size_t first)
{
    const char *relay = word(rows->row[first], "relay"), *between = ":";

    for (size_t i = first; i < rows->count; i++) {
        if (!has_reason(rows->row[i], reason_of(rows->row[first])) ||
            !word_is(rows->row[i], "relay", relay))
            continue;
        text_add(t, "%s%lld", between, number(rows->row[i], "port"));
        between = ", ";
    }
}

/* Whether none before it has the same relay and the same reason. */
static bool is_first_of_relay(const struct rows *rows, size_t at)
{
    const json_t *row = rows->row[at];

    for (size_t i = 0; i < at; i++)
        if (has_reason(rows->row[i], reason_of(row)) &&
            word_is(rows->row[i], "relay", word(row, "relay")))
            return false;
    return true;
}

/* "sendgrid:465, 587; ovh:465, 587"; the caller frees it. */
static char *names_of(const struct rows *rows, const char *reason)
{
    const char *between = "";
    struct text t;

    text_begin(&t);
    for (size_t i = 0; i < rows->count; i++) {
        if (!has_reason(rows->row[i], reason) || !is_first_of_relay(rows, i))
            continue;
        text_add(&t, "%s%s", between, word(rows->row[i], "relay"));
        add_ports(&t, rows, i);
        between = "; ";
    }
    return text_end(&t);
}

static char *count_line(const char *what, size_t count)
{
    return memory_format(PLURAL("%s: %zu port", "%s: %zu ports", count), what, count);
}

/* TEXT, which is freed, if it takes a line at most. */
static bool add_line(struct text *t, const struct layout *layout, char *text)
{
    bool fits = text_columns(INDENT) + text_columns(text) <= layout->width;

    if (fits)
        add_paragraph(t, layout, INDENT, text);
    free(text);
    return fits;
}

/* One alone has room to tell all that was seen of it; many are counted. */
static void add_reason(struct text *t, const struct layout *layout, const struct rows *rows,
                       size_t first)
{
    const json_t *row = rows->row[first];
    const char *reason = reason_of(row);
    char *names = names_of(rows, reason), *seen = translated(without_address(word(row, "detail")));
    char *short_reason = translated(reason);
    size_t count = count_of(rows, reason);

    if ((count > 1 || *seen == '\0' ||
         !add_line(t, layout, memory_format(_("%s: %s"), seen, names))) &&
        !add_line(t, layout, memory_format(_("%s: %s"), short_reason, names))) {
        char *line = count_line(short_reason, count);
        add_paragraph(t, layout, INDENT, line);
        free(line);
    }
    free(short_reason);
    free(seen);
    free(names);
}

void add_submission_failures(struct text *t, const struct layout *layout, const json_t *const row[],
                             size_t count)
{
    const struct rows rows = { .row = row, .count = count };
    size_t most = count_reasons(&rows) > LINES_MAX ? LINES_MAX - 1 : LINES_MAX;
    size_t lines = 0, left = 0;

    for (size_t i = 0; i < count; i++) {
        bool is_first = first_of(&rows, i) == i;
        if (is_first && lines < most) {
            add_reason(t, layout, &rows, i);
            lines++;
        } else if (is_first) {
            left += count_of(&rows, reason_of(row[i]));
        }
    }
    if (left == 0)
        return;
    char *line = count_line(_("for other reasons"), left);
    add_paragraph(t, layout, INDENT, line);
    free(line);
}
