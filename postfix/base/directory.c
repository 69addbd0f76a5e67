/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/directory.h"

#include "lib/memory.h"
#include "lib/secret.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)16 * 1024 * 1024)

static int write_file(const char *directory, const struct content_file *file, struct why *why)
{
    char *path = memory_format("%s/%s", directory, file->name);
    int rc = file_create(path, 0600, file->text, strlen(file->text), why);

    free(path);
    return rc;
}

static int make_map(const struct config *config, const char *directory, const char *type,
                    const char *name, struct why *why)
{
    char *map = memory_format("%s:%s/%s", type, directory, name);
    const char *const argv[] = { "postmap", "-c", config->postfix.config_directory, map, NULL };
    struct command_result result = { 0 };
    int rc = command_ok(argv, COMMAND_TIMEOUT_MS, &result, why);

    command_result_free(&result);
    free(map);
    return rc;
}

/* What the map answers must be what was meant, to the byte: postmap cuts, skips and only warns. */
static int map_answers(const struct config *config, const char *directory, const char *type,
                       const struct content_answer *answer, struct why *why)
{
    char *map = memory_format("%s:%s/%s", type, directory, answer->map);
    const char *const argv[] = { "postmap", "-c",        config->postfix.config_directory,
                                 "-q",      answer->key, map,
                                 NULL };
    struct command_result result = { 0 };
    size_t n = strlen(answer->value);
    int rc = command_run(argv, COMMAND_TIMEOUT_MS, &result, why);

    if (rc == 0 && (result.status != 0 || result.out_len != n + 1 ||
                    memcmp(result.out, answer->value, n) != 0 || result.out[n] != '\n'))
        rc = why_set(why, "the map %s/%s does not answer %s as it should", directory, answer->map,
                     answer->key);
    command_result_free(&result);
    free(map);
    return rc;
}

static int maps_answer(const struct config *config, const char *directory, const char *type,
                       const struct contents *contents, struct why *why)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < contents->answer_count; i++)
        rc = map_answers(config, directory, type, &contents->answer[i], why);
    return rc;
}

static int fill(const struct config *config, const char *directory, const char *type,
                const struct contents *contents, struct why *why)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < contents->file_count; i++)
        rc = write_file(directory, &contents->file[i], why);
    for (size_t i = 0; rc == 0 && i < contents->file_count; i++)
        if (contents->file[i].is_map)
            rc = make_map(config, directory, type, contents->file[i].name, why);
    return rc == 0 ? maps_answer(config, directory, type, contents, why) : -1;
}

int directory_build(const struct config *config, const char *parent, const char *path,
                    const char *map_type, const struct contents *contents, struct why *why)
{
    char *temporary = memory_format("%s.new", path);
    struct why ignored;
    bool in_place = false;
    int rc = -1;

    if (tree_remove(temporary, why) == 0 && directory_make(temporary, 0700, why) == 0 &&
        fill(config, temporary, map_type, contents, why) == 0 &&
        directory_sync_files(temporary, why) == 0) {
        in_place = rename(temporary, path) == 0;
        rc = in_place ? directory_sync(parent, why) : why_errno(why, "cannot rename %s", temporary);
    }
    /* What else has that name may be in use. */
    if (rc == -1)
        tree_remove(in_place ? path : temporary, &ignored);
    free(temporary);
    return rc;
}

static bool file_holds(const char *directory, const struct content_file *file)
{
    struct why ignored;
    char *path = memory_format("%s/%s", directory, file->name);
    size_t len = 0;
    char *bytes = file_read(path, TEXT_MAX, &len, &ignored);
    bool holds = bytes != NULL && strcmp(bytes, file->text) == 0;

    secret_free(bytes);
    free(path);
    return holds;
}

bool directory_holds(const struct config *config, const char *path, const char *map_type,
                     const struct contents *contents)
{
    struct why ignored;
    bool holds = true;

    for (size_t i = 0; holds && i < contents->file_count; i++)
        holds = file_holds(path, &contents->file[i]);
    return holds && maps_answer(config, path, map_type, contents, &ignored) == 0;
}
