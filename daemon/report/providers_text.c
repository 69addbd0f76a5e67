/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/providers.h"

#include "daemon/report/csv.h"
#include "daemon/report/layout.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 64

/* "25, 465"; OUT holds CELL bytes. */
static const char *ports_text(const json_t *ports, const char *between, char *out)
{
    size_t used = 0, i;
    json_t *port;

    out[0] = '\0';
    json_array_foreach(ports, i, port) if (used < CELL) used += (size_t)snprintf(
        out + used, CELL - used, "%s%d", i > 0 ? between : "", (int)json_integer_value(port));
    return out;
}

static const char *policy_word(const json_t *policy)
{
    const char *name = word(policy, "default");

    return strcmp(name, "blocked") == 0  ? _("blocked")
           : strcmp(name, "partly") == 0 ? _("partly blocked")
                                         : _("open");
}

static const char *lift_word(const json_t *lift)
{
    const char *name = word(lift, "possible");

    return strcmp(name, "yes") == 0            ? _("yes")
           : strcmp(name, "case-by-case") == 0 ? _("case by case")
           : strcmp(name, "no") == 0           ? _("no")
                                               : _("not known");
}

#define COLUMNS 6

/* PORTS holds CELL bytes that the cells may point to. */
static void take_cells(const json_t *p, char *ports, const char *cells[COLUMNS])
{
    const json_t *policy = json_object_get(p, "policy");
    const char *since = word(policy, "since");

    cells[0] = word(p, "name");
    cells[1] = policy_word(policy);
    cells[2] = ports_text(json_object_get(policy, "closed"), ", ", ports);
    cells[3] = *since != '\0' ? since : "-";
    cells[4] = lift_word(json_object_get(p, "lift"));
    cells[5] = word(p, "title");
}

static void widen(int widths[COLUMNS], const char *const cells[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        int columns = text_columns(cells[i]) + 2;
        widths[i] = columns > widths[i] ? columns : widths[i];
    }
}

static void add_row(struct text *t, const int widths[COLUMNS], const char *const cells[COLUMNS])
{
    for (size_t i = 0; i + 1 < COLUMNS; i++)
        add_cell(t, cells[i], widths[i]);
    text_add(t, "%s\n", cells[COLUMNS - 1]);
}

char *providers_text(const json_t *document)
{
    const json_t *list = json_object_get(document, "providers");
    const char *const heading[COLUMNS] = { _("NAME"),  _("OUTBOUND 25"), _("CLOSED"),
                                           _("SINCE"), _("OPENED"),      _("PROVIDER") };
    const char *cells[COLUMNS];
    int widths[COLUMNS] = { 0 };
    char ports[CELL];
    struct text t;

    widen(widths, heading);
    for (size_t i = 0; i < json_array_size(list); i++) {
        take_cells(json_array_get(list, i), ports, cells);
        widen(widths, cells);
    }
    text_begin(&t);
    add_row(&t, widths, heading);
    for (size_t i = 0; i < json_array_size(list); i++) {
        take_cells(json_array_get(list, i), ports, cells);
        add_row(&t, widths, cells);
    }
    return text_end(&t);
}

/* All about one */

struct page {
    struct text *t;
    const struct layout *layout;
};

/* HEADING, and TEXT beside it. */
static void add_line(const struct page *page, const char *heading, const char *text)
{
    char *mark;

    if (*text == '\0')
        return;
    mark = memory_format("  %s ", heading);
    add_paragraph(page->t, page->layout, mark, text);
    free(mark);
}

static void add_sentence(const struct page *page, const char *mark, char *sentence)
{
    add_paragraph(page->t, page->layout, mark, sentence);
    free(sentence);
}

static void add_source(const struct page *page, const json_t *object)
{
    add_sentence(
        page, "  ",
        memory_format(_("(read at %s on %s)"), word(object, "source"), word(object, "date")));
}

static void add_hours(const struct page *page, const json_t *hours)
{
    int least = (int)json_integer_value(json_array_get(hours, 0));
    int most = (int)json_integer_value(json_array_get(hours, 1));

    if (!json_is_array(hours))
        return;
    if (most == 0)
        add_paragraph(page->t, page->layout, "  ", _("takes effect at once"));
    else
        add_sentence(page, "  ", memory_format(_("takes %d to %d hours"), least, most));
}

static void add_list(const struct page *page, const char *heading, const json_t *list)
{
    struct text names;
    size_t i;
    json_t *name;

    text_begin(&names);
    json_array_foreach(list, i, name)
    {
        if (json_is_string(name))
            text_add(&names, "%s%s", i > 0 ? ", " : "", json_string_value(name));
    }
    char *whole = text_end(&names);
    add_line(page, heading, whole);
    free(whole);
}

static void add_recognition(const struct page *page, const json_t *p)
{
    enum { KEY, LABEL };
    static const char *const marks[][2] = {
        { "chassis_asset_tag", "chassis_asset_tag:" },
        { "product_name", "product_name:" },
        { "sys_vendor", "sys_vendor:" },
        { "board_vendor", "board_vendor:" },
        { "cloud_id", "cloud-id:" },
    };
    const json_t *machine = json_object_get(p, "machine"), *address = json_object_get(p, "address");

    add_paragraph(page->t, page->layout, "", _("recognised by:"));
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        add_list(page, marks[i][LABEL], json_object_get(machine, marks[i][KEY]));
    if (json_is_object(machine))
        add_source(page, machine);
    add_list(page, _("reverse names in:"), json_object_get(address, "reverse_name"));
    if (json_is_object(address))
        add_source(page, address);
}

static void add_policy(const struct page *page, const json_t *policy)
{
    char ports[CELL];

    add_sentence(page, "", memory_format(_("outbound port 25: %s"), policy_word(policy)));
    add_line(page, _("closed:"), ports_text(json_object_get(policy, "closed"), ", ", ports));
    add_line(page, _("since:"), word(policy, "since"));
    add_line(page, _("when:"), word(policy, "condition"));
    add_source(page, policy);
}

static void add_lift(const struct page *page, const json_t *lift)
{
    add_sentence(page, "", memory_format(_("opened: %s"), lift_word(lift)));
    add_line(page, _("how:"), word(lift, "how"));
    add_line(page, _("needs:"), word(lift, "needs"));
    add_line(page, _("where:"), word(lift, "url"));
    add_hours(page, json_object_get(lift, "hours"));
    if (json_is_object(lift))
        add_source(page, lift);
}

char *provider_text(const json_t *document, const struct layout *layout)
{
    const json_t *p = json_array_get(json_object_get(document, "providers"), 0);
    struct text t;
    const struct page page = { .t = &t, .layout = layout };

    text_begin(&t);
    text_add(&t, "%s (%s)\n", word(p, "title"), word(p, "name"));
    add_policy(&page, json_object_get(p, "policy"));
    add_lift(&page, json_object_get(p, "lift"));
    add_recognition(&page, p);
    return text_end(&t);
}

/* For spreadsheets */

static const char *number_text(const json_t *number, char *out)
{
    out[0] = '\0';
    if (json_is_integer(number))
        snprintf(out, CELL, "%d", (int)json_integer_value(number));
    return out;
}

static void add_record(struct text *t, const json_t *p)
{
    const json_t *policy = json_object_get(p, "policy"), *lift = json_object_get(p, "lift");
    const json_t *hours = json_object_get(lift, "hours");
    char ports[CELL], least[CELL], most[CELL];
    const char *const fields[] = {
        word(p, "name"),
        word(p, "title"),
        word(policy, "default"),
        word(policy, "condition"),
        word(policy, "since"),
        ports_text(json_object_get(policy, "closed"), " ", ports),
        word(policy, "source"),
        word(policy, "date"),
        word(lift, "possible"),
        word(lift, "how"),
        word(lift, "needs"),
        word(lift, "url"),
        number_text(json_array_get(hours, 0), least),
        number_text(json_array_get(hours, 1), most),
        word(lift, "source"),
        word(lift, "date"),
    };

    csv_record(t, fields, sizeof fields / sizeof fields[0]);
}

char *providers_csv(const json_t *document)
{
    static const char *const header[] = {
        "name",          "title",       "policy",      "condition", "since", "closed",
        "policy_source", "policy_date", "lift",        "how",       "needs", "url",
        "hours_min",     "hours_max",   "lift_source", "lift_date",
    };
    struct text t;
    json_t *p;
    size_t i;

    text_begin(&t);
    csv_record(&t, header, sizeof header / sizeof header[0]);
    json_array_foreach(json_object_get(document, "providers"), i, p) add_record(&t, p);
    return text_end(&t);
}
