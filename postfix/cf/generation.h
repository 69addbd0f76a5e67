/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a route's settings refer to: password maps, TLS policies, certificate authorities.
 * Each generation is a directory of its own (directory.h), detourd/private/NUMBER. A number is
 * never used for two contents while one of them may be in use.
 *
 * All of it is root's alone. smtp(8) opens such files before it gives up root and enters its
 * chroot. The maps' sources stay beside them, as postmap's users expect.
 */
#ifndef DETOURD_POSTFIX_GENERATION_H
#define DETOURD_POSTFIX_GENERATION_H

#include "lib/config.h"
#include "postfix/base/contents.h"
#include "postfix/base/why.h"
#include <stdbool.h>
#include <stdint.h>

/* In a generation's directory: see record.h. */
#define RECORD        "main.cf"
#define RECORD_MASTER "master.cf"

/* One more than any that is there or in force. */
unsigned long generation_next(const struct config *config, unsigned long in_force);

/* The next lower number that is there; 0 where there is none. */
unsigned long generation_before(const struct config *config, unsigned long number);

bool generation_exists(const struct config *config, unsigned long number);

/* The directory of a generation; the caller frees it. */
char *generation_path(const struct config *config, unsigned long number);

/* Builds the files (directory.h), with what main.cf is to be among them (record.h); 0, or -1 with a
 * reason and nothing left. */
int generation_build(const struct config *config, unsigned long number, const char *map_type,
                     const struct contents *contents, struct why *why);

/* Whether the generation is there, holds just this and answers every key. */
bool generation_holds(const struct config *config, unsigned long number, const char *map_type,
                      const struct contents *contents);

/* When the generation was written, as clock_mono_ms() counts; 0 where it is not there.
 */
int64_t generation_built(const struct config *config, unsigned long number);

/* Removes every generation but KEEP (0: all of them) and those that have a fragment. Where MAIN_CF
 * or MASTER_CF, the texts that are in force, name the files of another, they are the owner's now:
 * only its records go. */
int generation_clean(const struct config *config, unsigned long keep, const char *main_cf,
                     const char *master_cf, struct why *why);

#endif
