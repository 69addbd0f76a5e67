/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/numbers.h"

#include "lib/memory.h"
#include "postfix/base/files.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned long number_of(const char *name)
{
    char *end;

    if (name[0] < '1' || name[0] > '9')
        return 0;
    errno = 0;
    unsigned long number = strtoul(name, &end, 10);
    return *end == '\0' && errno == 0 ? number : 0;
}

unsigned long number_highest_below(const char *path, unsigned long limit)
{
    DIR *dir = opendir(path);
    unsigned long highest = 0;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        unsigned long number = number_of(entry->d_name);
        if (number > highest && number < limit)
            highest = number;
    }
    if (dir != NULL)
        closedir(dir);
    return highest;
}

int numbers_clean(const char *path, unsigned long keep, const char *link, struct why *why)
{
    DIR *dir = opendir(path);
    int rc = dir == NULL && errno != ENOENT ? why_errno(why, "%s", path) : 0;

    for (struct dirent *entry;
         rc == 0 && dir != NULL && (entry = directory_next(dir, path, &rc, why)) != NULL;) {
        if (entry->d_name[0] == '.' || number_of(entry->d_name) == keep ||
            strcmp(entry->d_name, link) == 0)
            continue;
        char *one = memory_format("%s/%s", path, entry->d_name);
        rc = tree_remove(one, why);
        free(one);
    }
    if (dir != NULL)
        closedir(dir);
    return rc;
}
