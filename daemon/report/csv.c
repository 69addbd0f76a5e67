/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/csv.h"

#include <string.h>

/* RFC 4180 2: what holds a comma, a quote or a line break stands in quotes, and a quote twice. */
static void add_field(struct text *t, const char *field)
{
    if (strpbrk(field, ",\"\r\n") == NULL) {
        text_add(t, "%s", field);
        return;
    }
    text_add(t, "\"");
    for (const char *p = field; *p != '\0'; p++)
        text_add(t, *p == '"' ? "\"\"" : "%c", *p);
    text_add(t, "\"");
}

void csv_record(struct text *t, const char *const fields[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add(t, ",");
        if (fields[i] != NULL)
            add_field(t, fields[i]);
    }
    text_add(t, "\r\n");
}
