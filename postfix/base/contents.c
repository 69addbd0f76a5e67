/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/contents.h"

#include "lib/memory.h"
#include "lib/secret.h"
#include <stdlib.h>
#include <string.h>

static void add(struct contents *contents, const char *name, const char *text, bool is_map)
{
    size_t n = contents->file_count++;

    contents->file = memory_grow(contents->file, n + 1, sizeof *contents->file);
    contents->file[n] = (struct content_file){
        .name = memory_copy(name),
        .text = memory_copy(text),
        .is_map = is_map,
    };
}

void contents_add_file(struct contents *contents, const char *name, const char *text)
{
    add(contents, name, text, false);
}

void contents_add_map(struct contents *contents, const char *name, const char *text)
{
    add(contents, name, text, true);
}

void contents_add_answer(struct contents *contents, const char *map, const char *key,
                         const char *value)
{
    size_t n = contents->answer_count++;

    contents->answer = memory_grow(contents->answer, n + 1, sizeof *contents->answer);
    contents->answer[n] = (struct content_answer){
        .map = memory_copy(map),
        .key = memory_copy(key),
        .value = memory_copy(value),
    };
}

const char *contents_text(const struct contents *contents, const char *name)
{
    for (size_t i = 0; i < contents->file_count; i++)
        if (strcmp(contents->file[i].name, name) == 0)
            return contents->file[i].text;
    return NULL;
}

void contents_free(struct contents *contents)
{
    for (size_t i = 0; i < contents->file_count; i++) {
        free(contents->file[i].name);
        secret_free(contents->file[i].text);
    }
    for (size_t i = 0; i < contents->answer_count; i++) {
        free(contents->answer[i].map);
        free(contents->answer[i].key);
        secret_free(contents->answer[i].value);
    }
    free(contents->file);
    free(contents->answer);
    *contents = (struct contents){ 0 };
}
