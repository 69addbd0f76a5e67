/* SPDX-License-Identifier: BSD-2-Clause */
/* The targets and controls of a verdict, a row each. */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* With more targets, those that are open are counted; of the others so many are named. */
#define ROWS_MAX 20

const char *answered_control(const json_t *verdict)
{
    return word(json_object_get(verdict, "controls"), "by");
}

bool controls_refuse(const json_t *verdict)
{
    const json_t *controls = json_object_get(verdict, "controls");

    return json_is_integer(json_object_get(controls, "accepted")) &&
           number(controls, "accepted") == 0 && number(controls, "answered") > 0;
}

static bool is_open(const json_t *row)
{
    return word_is(row, "outcome", "open");
}

bool was_tried(const json_t *row)
{
    return !word_is(row, "outcome", "dns-failed") && !word_is(row, "outcome", "untried");
}

char *failing_targets(const json_t *verdict, size_t most)
{
    struct text t;
    size_t i, said = 0;
    json_t *row;

    text_begin(&t);
    json_array_foreach(json_object_get(verdict, "outcomes"), i, row)
    {
        if (is_open(row) || !was_tried(row))
            continue;
        if (said++ == most) {
            text_add(&t, ", ...");
            break;
        }
        text_add(&t, "%s%s", said > 1 ? ", " : "", word(row, "target"));
    }
    return text_end(&t);
}

bool verdicts_alike(const json_t *one, const json_t *other)
{
    char *names = failing_targets(one, SIZE_MAX), *others = failing_targets(other, SIZE_MAX);
    bool alike = word_is(one, "name", word(other, "name")) &&
                 (!word_is(one, "name", "remote") || strcmp(names, others) == 0);

    free(names);
    free(others);
    return alike;
}

/* The widths of the first two columns. */
struct widths {
    int target, outcome;
};

static void widen(int *width, const char *text)
{
    int columns = text_columns(text) + 2;

    if (columns > *width)
        *width = columns;
}

static void add_row(struct text *t, const struct layout *layout, const struct widths *widths,
                    const char *target, const char *outcome, const char *detail)
{
    struct text mark;

    text_begin(&mark);
    text_add(&mark, INDENT);
    add_cell(&mark, target, widths->target);
    if (*detail == '\0')
        text_add(&mark, "%s", outcome);
    else
        add_cell(&mark, outcome, widths->outcome);
    char *cells = text_end(&mark);
    add_paragraph(t, layout, cells, detail);
    free(cells);
}

static bool is_shown(const json_t *row, size_t count)
{
    return count <= ROWS_MAX || !is_open(row);
}

static struct widths measure(const json_t *outcomes, const char *control)
{
    struct widths widths = { 0 };
    size_t i;
    json_t *row;

    json_array_foreach(outcomes, i, row)
    {
        if (is_shown(row, json_array_size(outcomes))) {
            widen(&widths.target, word(row, "target"));
            widen(&widths.outcome, phrase(word(row, "outcome")));
        }
    }
    widen(&widths.target, control);
    widen(&widths.outcome, _("control"));
    if (widths.target > 30)
        widths.target = 30;
    return widths;
}

static void add_rest(struct text *t, const struct layout *layout, size_t open, size_t failing)
{
    struct text line;

    text_begin(&line);
    if (open > 0)
        text_add(&line, PLURAL("%zu more target is open", "%zu more targets are open", open), open);
    if (open > 0 && failing > 0)
        text_add(&line, "; ");
    if (failing > 0)
        text_add(&line, PLURAL("%zu more target is not", "%zu more targets are not", failing),
                 failing);
    char *text = text_end(&line);
    if (*text != '\0')
        add_paragraph(t, layout, INDENT, text);
    free(text);
}

/* What is unknown is not known with some confidence. */
static void add_family_heading(struct text *t, const char *family, const json_t *verdict)
{
    double confidence = json_number_value(json_object_get(verdict, "confidence"));
    const char *name = phrase(word(verdict, "name"));

    if (confidence > 0)
        text_add(t, _("%s: %s (confidence %.6g)"), family, name, confidence);
    else
        text_add(t, _("%s: %s"), family, name);
    text_add(t, "\n");
}

void add_targets(struct text *t, const struct layout *layout, const char *family,
                 const json_t *verdict)
{
    const json_t *outcomes = json_object_get(verdict, "outcomes");
    const char *control = answered_control(verdict);
    struct widths widths = measure(outcomes, control);
    size_t i, shown = 0, open = 0, failing = 0, count = json_array_size(outcomes);
    json_t *row;

    if (!json_is_object(verdict))
        return;
    text_add(t, "\n");
    add_family_heading(t, family, verdict);
    json_array_foreach(outcomes, i, row)
    {
        if (!is_shown(row, count)) {
            open++;
        } else if (count > ROWS_MAX && shown == ROWS_MAX) {
            failing++;
        } else {
            char *detail = translated(word(row, "detail"));
            add_row(t, layout, &widths, word(row, "target"), phrase(word(row, "outcome")), detail);
            free(detail);
            shown++;
        }
    }
    add_rest(t, layout, open, failing);
    if (*control != '\0')
        add_row(t, layout, &widths, control, _("control"),
                controls_refuse(verdict) ? _("refused, so the network is up")
                                         : _("the network is up"));
}
