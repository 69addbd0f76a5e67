/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/paths.h"

#include "lib/memory.h"

char *home_path(const struct config *config, const char *name)
{
    return memory_format("%s/%s", config->postfix.config_directory, name);
}
