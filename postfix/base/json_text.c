/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/json_text.h"

#include "lib/memory.h"
#include <stdlib.h>

json_t *route_json(const struct route *route)
{
    return json_pack("{s:s, s:i}", "name", route->name, "port", (int)route->port);
}

json_t *text_json(const char *text)
{
    json_t *string = json_string(text);

    if (string != NULL)
        return string;
    char *copy = memory_copy(text);
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

json_t *texts_json(char *const texts[], size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, text_json(texts[i]));
    return list;
}
