/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a route's settings refer to: the password map, the TLS policy map and, where
 * needed, a bundle of certificate authorities. Each generation is a directory of its own,
 * detourd/private/NUMBER, built under another name and renamed as a whole: so it does not matter
 * which files postmap(1) makes for the host's map type, and no reader ever sees half of one. A
 * number is never used for two contents while one of them may be in use.
 *
 * All of it is root's alone. smtp(8) opens such files before it gives up root and enters its
 * chroot. The maps' sources stay beside them, as postmap's users expect.
 */
#ifndef DETOURD_POSTFIX_GENERATION_H
#define DETOURD_POSTFIX_GENERATION_H

#include "lib/config.h"
#include "postfix/render.h"
#include "postfix/why.h"
#include <stdbool.h>

/* One more than any that is there or in force. */
unsigned long generation_next(const struct config *config, unsigned long in_force);

/* The directory of a generation; the caller frees it. */
char *generation_path(const struct config *config, unsigned long number);

/* Builds the files and asks Postfix for every key; 0, or -1 with a reason and nothing left. */
int generation_build(const struct config *config, unsigned long number, const char *map_type,
                     const struct rendering *rendering, struct why *why);

/* Whether the generation is there, holds just this and answers every key. */
bool generation_holds(const struct config *config, unsigned long number, const char *map_type,
                      const struct rendering *rendering);

/* Removes every generation but KEEP (0: all of them). */
int generation_clean(const struct config *config, unsigned long keep, struct why *why);

#endif
