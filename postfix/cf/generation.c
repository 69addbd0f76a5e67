/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/generation.h"

#include "lib/memory.h"
#include "postfix/base/directory.h"
#include "postfix/base/files.h"
#include "postfix/base/numbers.h"
#include "postfix/base/paths.h"
#include "postfix/cf/main_cf.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *generation_path(const struct config *config, unsigned long number)
{
    return memory_format("%s/" PRIVATE "/%lu", config->postfix.config_directory, number);
}

/* The highest number below LIMIT that is there; 0 where there is none. */
static unsigned long highest_below(const struct config *config, unsigned long limit)
{
    char *path = home_path(config, PRIVATE);
    unsigned long highest = number_highest_below(path, limit);

    free(path);
    return highest;
}

unsigned long generation_next(const struct config *config, unsigned long in_force)
{
    char *fragments = home_path(config, FRAGMENTS);
    unsigned long highest = highest_below(config, NUMBER_MAX);
    unsigned long handed_out = number_highest_below(fragments, NUMBER_MAX);

    free(fragments);
    highest = highest > handed_out ? highest : handed_out;
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

int generation_build(const struct config *config, unsigned long number, const char *map_type,
                     const struct contents *contents, struct why *why)
{
    char *parent = home_path(config, PRIVATE), *path = generation_path(config, number);
    int rc = directory_build(config, parent, path, map_type, contents, why);

    free(parent);
    free(path);
    return rc;
}

bool generation_holds(const struct config *config, unsigned long number, const char *map_type,
                      const struct contents *contents)
{
    char *path = generation_path(config, number);
    bool holds = directory_holds(config, path, map_type, contents);

    free(path);
    return holds;
}

int64_t generation_built(const struct config *config, unsigned long number)
{
    char *directory = generation_path(config, number);
    char *path = memory_format("%s/" RECORD, directory);
    int64_t at = file_written_at(path);

    free(path);
    free(directory);
    return at;
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

/* Whether configuration management may still be told of its files (shelf.h). */
static bool has_fragment(const struct config *config, unsigned long number)
{
    char *path = memory_format("%s/" FRAGMENTS "/%lu", config->postfix.config_directory, number);
    bool found = number != 0 && access(path, F_OK) == 0;

    free(path);
    return found;
}

static int remove_record(const char *directory, const char *name, struct why *why)
{
    char *path = memory_format("%s/%s", directory, name);
    int rc = tree_remove(path, why);

    free(path);
    return rc;
}

static int clean_one(const char *path, const struct main_cf *main_cf,
                     const struct main_cf *master_cf, struct why *why)
{
    if (!is_named(main_cf, path) && !is_named(master_cf, path))
        return tree_remove(path, why);
    return remove_record(path, RECORD, why) == 0 ? remove_record(path, RECORD_MASTER, why) : -1;
}

int generation_clean(const struct config *config, unsigned long keep, const char *main_cf,
                     const char *master_cf, struct why *why)
{
    char *parent = home_path(config, PRIVATE);
    DIR *dir = opendir(parent);
    int rc = dir == NULL ? why_errno(why, "%s", parent) : 0;
    struct main_cf *main = main_cf_parse(main_cf, strlen(main_cf));
    struct main_cf *master = main_cf_parse(master_cf, strlen(master_cf));

    for (struct dirent *entry;
         rc == 0 && (entry = directory_next(dir, parent, &rc, why)) != NULL;) {
        unsigned long number = number_of(entry->d_name);
        if (entry->d_name[0] == '.' || (keep != 0 && number == keep) ||
            has_fragment(config, number))
            continue;
        char *path = memory_format("%s/%s", parent, entry->d_name);
        rc = clean_one(path, main, master, why);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    main_cf_free(main);
    main_cf_free(master);
    free(parent);
    return rc;
}
