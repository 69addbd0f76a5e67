/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a directory of ours is to hold: files, those of them that postmap(1) turns into maps, and
 * what these must answer. In memory, before anything is written. The texts may be secrets and are
 * wiped.
 */
#ifndef DETOURD_POSTFIX_CONTENTS_H
#define DETOURD_POSTFIX_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>

struct content_file {
    char *name, *text;
    bool is_map; /* the text is a map's source */
};

struct content_answer {
    char *map, *key, *value;
};

struct contents {
    struct content_file *file;
    size_t file_count;
    struct content_answer *answer;
    size_t answer_count;
};

/* What is passed is copied. */
void contents_add_file(struct contents *contents, const char *name, const char *text);
void contents_add_map(struct contents *contents, const char *name, const char *text);
/* MAP must answer KEY with VALUE. */
void contents_add_answer(struct contents *contents, const char *map, const char *key,
                         const char *value);

/* The text of a file; NULL where there is none of that name. */
const char *contents_text(const struct contents *contents, const char *name);

void contents_free(struct contents *contents);

#endif
