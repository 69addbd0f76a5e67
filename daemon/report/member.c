/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/member.h"

#include <string.h>

const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

long long number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool word_is(const json_t *object, const char *key, const char *wanted)
{
    return strcmp(word(object, key), wanted) == 0;
}
