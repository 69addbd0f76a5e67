/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/providers.h"

#include "daemon/report/csv.h"
#include "daemon/report/layout.h"
#include "daemon/report/text.h"
#include "daemon/report/translate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 64

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

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

static void add_provider_row(struct text *t, const char *const *cells)
{
    static const int columns[] = { 14, 16, 15, 12, 14 };
    size_t last = sizeof columns / sizeof columns[0];

    for (size_t i = 0; i < last; i++)
        add_cell(t, cells[i], columns[i]);
    text_add(t, "%s\n", cells[last]);
}

char *providers_text(const json_t *document)
{
    char ports[CELL];
    struct text t;
    json_t *p;
    size_t i;

    text_begin(&t);
    add_provider_row(&t, (const char *[]){ _("NAME"), _("OUTBOUND 25"), _("CLOSED"), _("SINCE"),
                                           _("OPENED"), _("PROVIDER") });
    json_array_foreach(json_object_get(document, "providers"), i, p)
    {
        const json_t *policy = json_object_get(p, "policy");
        const char *since = word(policy, "since");
        add_provider_row(
            &t, (const char *[]){ word(p, "name"), policy_word(policy),
                                  ports_text(json_object_get(policy, "closed"), ", ", ports),
                                  *since != '\0' ? since : "-",
                                  lift_word(json_object_get(p, "lift")), word(p, "title") });
    }
    return text_end(&t);
}

/* All about one */

static void add_line(struct text *t, const char *heading, const char *text)
{
    if (*text != '\0')
        text_add(t, "  %s %s\n", heading, text);
}

static void add_source(struct text *t, const json_t *object)
{
    text_add(t, _("  source: %s, read on %s\n"), word(object, "source"), word(object, "date"));
}

static void add_hours(struct text *t, const json_t *hours)
{
    int least = (int)json_integer_value(json_array_get(hours, 0));
    int most = (int)json_integer_value(json_array_get(hours, 1));

    if (!json_is_array(hours))
        return;
    if (most == 0)
        text_add(t, _("  takes effect at once\n"));
    else
        text_add(t, _("  takes %d to %d hours\n"), least, most);
}

static void add_list(struct text *t, const char *heading, const json_t *list)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) add_line(t, heading, json_string_value(item));
}

static void add_recognition(struct text *t, const json_t *p)
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

    text_add(t, _("recognised by\n"));
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        add_list(t, marks[i][LABEL], json_object_get(machine, marks[i][KEY]));
    if (json_is_object(machine))
        add_source(t, machine);
    add_list(t, _("names of addresses below:"), json_object_get(address, "reverse_name"));
    if (json_is_object(address))
        add_source(t, address);
}

static void add_policy(struct text *t, const json_t *policy)
{
    char ports[CELL];

    text_add(t, _("outbound port 25: %s\n"), policy_word(policy));
    add_line(t, _("closed:"), ports_text(json_object_get(policy, "closed"), ", ", ports));
    add_line(t, _("since:"), word(policy, "since"));
    add_line(t, _("when:"), word(policy, "condition"));
    add_source(t, policy);
}

static void add_lift(struct text *t, const json_t *lift)
{
    text_add(t, _("opened: %s\n"), lift_word(lift));
    add_line(t, _("how:"), word(lift, "how"));
    add_line(t, _("needs:"), word(lift, "needs"));
    add_line(t, _("where:"), word(lift, "url"));
    add_hours(t, json_object_get(lift, "hours"));
    if (json_is_object(lift))
        add_source(t, lift);
}

char *provider_text(const json_t *document)
{
    const json_t *p = json_array_get(json_object_get(document, "providers"), 0);
    struct text t;

    text_begin(&t);
    text_add(&t, "%s (%s)\n", word(p, "title"), word(p, "name"));
    add_policy(&t, json_object_get(p, "policy"));
    add_lift(&t, json_object_get(p, "lift"));
    add_recognition(&t, p);
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
