/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/record.h"

#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/cf/generation.h"
#include <stdlib.h>

struct main_cf *record_read(const struct config *config, const char *name, unsigned long generation)
{
    char *directory = generation_path(config, generation);
    char *path = memory_format("%s/%s", directory, name);
    struct why ignored;
    size_t len;
    char *bytes = file_read(path, MAIN_CF_MAX, &len, &ignored);
    struct main_cf *cf = bytes == NULL ? NULL : main_cf_parse(bytes, len);

    free(bytes);
    free(path);
    free(directory);
    return cf;
}

struct main_cf *record_latest(const struct config *config, const char *name)
{
    struct main_cf *latest = NULL;

    for (unsigned long n = generation_next(config, 0) - 1; n > 0 && latest == NULL;
         n = generation_before(config, n))
        latest = record_read(config, name, n);
    return latest;
}
