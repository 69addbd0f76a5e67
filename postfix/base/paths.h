/* SPDX-License-Identifier: BSD-2-Clause */
/* What of ours stands where in the configuration directory. */
#ifndef DETOURD_POSTFIX_PATHS_H
#define DETOURD_POSTFIX_PATHS_H

#include "lib/config.h"

/* Ours, all of it root's alone. */
#define OUR_DIRECTORY "detourd"
#define LOCK_FILE     OUR_DIRECTORY "/lock"
#define STAGE         OUR_DIRECTORY "/stage"
#define PRIVATE       OUR_DIRECTORY "/private"
/* For configuration management (shelf.h). */
#define FRAGMENTS OUR_DIRECTORY "/fragments"
/* The owner's files as they were before the last route to a relay: for the postmaster to look at; a
 * return never needs it. */
#define BEFORE        OUR_DIRECTORY "/main.cf.before"
#define MASTER_BEFORE OUR_DIRECTORY "/master.cf.before"
/* Stands from before main.cf is replaced until Postfix works by it: whoever finds it finishes. */
#define UNFINISHED OUR_DIRECTORY "/unfinished"
/* When somebody else has taken a route out of force (reverts.h). */
#define REVERTS OUR_DIRECTORY "/reverts"

/* The path of a file in the configuration directory; the caller frees it. */
char *home_path(const struct config *config, const char *name);

#endif
