/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories that are called by a number, which is never used for two contents at once. */
#ifndef DETOURD_POSTFIX_NUMBERS_H
#define DETOURD_POSTFIX_NUMBERS_H

#include "postfix/base/why.h"
#include <limits.h>

#define NUMBER_MAX ULONG_MAX

/* The number that NAME stands for; 0 for anything else. */
unsigned long number_of(const char *name);

/* The highest number below LIMIT in the directory PATH; 0 where there is none. */
unsigned long number_highest_below(const char *path, unsigned long limit);

/* Removes everything in PATH but the number KEEP and what is called LINK. 0, or -1 with a reason.
 */
int numbers_clean(const char *path, unsigned long keep, const char *link, struct why *why);

#endif
