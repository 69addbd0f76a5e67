/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory of ours, built from its contents under another name and renamed as a whole: so it
 * does not matter which files postmap(1) makes for a map type, and no reader ever sees half of one.
 */
#ifndef DETOURD_POSTFIX_DIRECTORY_H
#define DETOURD_POSTFIX_DIRECTORY_H

#include "lib/config.h"
#include "postfix/base/contents.h"
#include "postfix/base/why.h"
#include <stdbool.h>

/* Builds PATH, which must not be there, below PARENT, and asks Postfix for every answer: 0, or -1
 * with a reason and nothing left. Durable. */
int directory_build(const struct config *config, const char *parent, const char *path,
                    const char *map_type, const struct contents *contents, struct why *why);

/* Whether it is there, holds these files with just these texts, and every map answers. */
bool directory_holds(const struct config *config, const char *path, const char *map_type,
                     const struct contents *contents);

#endif
