/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/generation.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include "postfix/command.h"
#include "postfix/files.h"
#include "postfix/home.h"
#include "postfix/record.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAP_MAX ((size_t)64 * 1024)
#define CA_MAX  ((size_t)16 * 1024 * 1024)

char *generation_path(const struct config *config, unsigned long number)
{
    return memory_format("%s/" PRIVATE "/%lu", config->postfix.config_directory, number);
}

/* The number that a name in the directory stands for; 0 for anything else. */
static unsigned long number_of(const char *name)
{
    char *end;

    if (name[0] < '1' || name[0] > '9')
        return 0;
    errno = 0;
    unsigned long number = strtoul(name, &end, 10);
    return *end == '\0' && errno == 0 ? number : 0;
}

/* The highest number below LIMIT that is there; 0 where there is none. */
static unsigned long highest_below(const struct config *config, unsigned long limit)
{
    char *path = home_path(config, PRIVATE);
    DIR *dir = opendir(path);
    unsigned long highest = 0;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        unsigned long number = number_of(entry->d_name);
        if (number > highest && number < limit)
            highest = number;
    }
    if (dir != NULL)
        closedir(dir);
    free(path);
    return highest;
}

unsigned long generation_next(const struct config *config, unsigned long in_force)
{
    unsigned long highest = highest_below(config, ULONG_MAX);

    return (highest > in_force ? highest : in_force) + 1;
}

unsigned long generation_before(const struct config *config, unsigned long number)
{
    return highest_below(config, number);
}

bool generation_exists(const struct config *config, unsigned long number)
{
    char *path = generation_path(config, number);
    bool found = access(path, F_OK) == 0;

    free(path);
    return found;
}

static int write_source(const char *directory, const char *name, const char *text, struct why *why)
{
    char *path = memory_format("%s/%s", directory, name);
    int rc = file_create(path, 0600, text, strlen(text), why);

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
                       const char *name, const char *key, const char *value, struct why *why)
{
    char *map = memory_format("%s:%s/%s", type, directory, name);
    const char *const argv[] = { "postmap", "-c", config->postfix.config_directory, "-q", key,
                                 map,       NULL };
    struct command_result result = { 0 };
    size_t n = strlen(value);
    int rc = command_run(argv, COMMAND_TIMEOUT_MS, &result, why);

    if (rc == 0 && (result.status != 0 || result.out_len != n + 1 ||
                    memcmp(result.out, value, n) != 0 || result.out[n] != '\n'))
        rc = why_set(why, "the map %s/%s does not answer %s as it should", directory, name, key);
    command_result_free(&result);
    free(map);
    return rc;
}

static int maps_answer(const struct config *config, const char *directory, const char *type,
                       const struct rendering *r, struct why *why)
{
    if (map_answers(config, directory, type, SASL_MAP, r->keys[0], r->sasl_value, why) == -1 ||
        map_answers(config, directory, type, SASL_MAP, r->keys[1], r->sasl_value, why) == -1)
        return -1;
    return map_answers(config, directory, type, POLICY_MAP, r->keys[1], r->policy_value, why);
}

static int fill(const struct config *config, const char *directory, const char *type,
                const struct rendering *r, struct why *why)
{
    if (write_source(directory, SASL_MAP, r->sasl_map, why) == -1 ||
        write_source(directory, POLICY_MAP, r->policy_map, why) == -1 ||
        (r->ca_bundle != NULL && write_source(directory, CA_BUNDLE, r->ca_bundle, why) == -1) ||
        make_map(config, directory, type, SASL_MAP, why) == -1 ||
        make_map(config, directory, type, POLICY_MAP, why) == -1)
        return -1;
    return maps_answer(config, directory, type, r, why);
}

static int write_record(const char *directory, const char *main_cf, size_t len, struct why *why)
{
    char *path = memory_format("%s/" RECORD, directory);
    int rc = file_create(path, 0600, main_cf, len, why);

    free(path);
    return rc;
}

int generation_build(const struct config *config, unsigned long number, const char *map_type,
                     const struct rendering *rendering, const char *main_cf, size_t len,
                     struct why *why)
{
    char *parent = home_path(config, PRIVATE), *path = generation_path(config, number);
    char *temporary = memory_format("%s.new", path);
    struct why ignored;
    int rc = -1;

    if (tree_remove(temporary, why) == 0 && directory_make(temporary, 0700, why) == 0 &&
        fill(config, temporary, map_type, rendering, why) == 0 &&
        write_record(temporary, main_cf, len, why) == 0 &&
        directory_sync_files(temporary, why) == 0)
        rc = rename(temporary, path) == 0 ? directory_sync(parent, why)
                                          : why_errno(why, "cannot rename %s", temporary);
    if (rc == -1) {
        tree_remove(temporary, &ignored);
        tree_remove(path, &ignored);
    }
    free(parent);
    free(path);
    free(temporary);
    return rc;
}

/* TEXT NULL: the file must not be there. */
static bool file_holds(const char *directory, const char *name, const char *text)
{
    struct why ignored;
    char *path = memory_format("%s/%s", directory, name);
    size_t len = 0;
    char *bytes = file_read(path, strcmp(name, CA_BUNDLE) == 0 ? CA_MAX : MAP_MAX, &len, &ignored);
    bool holds = text == NULL ? bytes == NULL : bytes != NULL && strcmp(bytes, text) == 0;

    secret_free(bytes);
    free(path);
    return holds;
}

bool generation_holds(const struct config *config, unsigned long number, const char *map_type,
                      const struct rendering *rendering)
{
    struct why ignored;
    char *path = generation_path(config, number);
    bool holds = file_holds(path, SASL_MAP, rendering->sasl_map) &&
                 file_holds(path, POLICY_MAP, rendering->policy_map) &&
                 file_holds(path, CA_BUNDLE, rendering->ca_bundle) &&
                 maps_answer(config, path, map_type, rendering, &ignored) == 0;

    free(path);
    return holds;
}

int64_t generation_built(const struct config *config, unsigned long number)
{
    char *path =
        memory_format("%s/" PRIVATE "/%lu/" SASL_MAP, config->postfix.config_directory, number);
    struct timespec now;
    struct stat st;
    int64_t age = -1;

    if (stat(path, &st) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
        age = (now.tv_sec - st.st_mtim.tv_sec) * INT64_C(1000) +
              (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
    free(path);
    return age < 0 ? 0 : clock_mono_ms() - age;
}

/* Whether a line that counts names a file in the directory. */
static bool is_named(const struct main_cf *cf, const char *directory)
{
    size_t n = strlen(directory);

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *hit =
            line->logical == NO_LOGICAL_LINE ? NULL : memmem(line->text, line->len, directory, n);
        if (hit != NULL && hit + n < line->text + line->len && hit[n] == '/')
            return true;
    }
    return false;
}

static int clean_one(const char *path, const struct main_cf *cf, struct why *why)
{
    if (!is_named(cf, path))
        return tree_remove(path, why);
    char *record = memory_format("%s/" RECORD, path);
    int rc = tree_remove(record, why);
    free(record);
    return rc;
}

int generation_clean(const struct config *config, unsigned long keep, const char *main_cf,
                     struct why *why)
{
    char *parent = home_path(config, PRIVATE);
    DIR *dir = opendir(parent);
    int rc = dir == NULL ? why_errno(why, "%s", parent) : 0;
    struct main_cf *cf = main_cf_parse(main_cf, strlen(main_cf));

    for (struct dirent *entry;
         rc == 0 && (entry = directory_next(dir, parent, &rc, why)) != NULL;) {
        if (entry->d_name[0] == '.' || (keep != 0 && number_of(entry->d_name) == keep))
            continue;
        char *path = memory_format("%s/%s", parent, entry->d_name);
        rc = clean_one(path, cf, why);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    main_cf_free(cf);
    free(parent);
    return rc;
}
