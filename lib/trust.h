/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a file that root is about to obey could have been written by somebody else. */
#ifndef DETOURD_TRUST_H
#define DETOURD_TRUST_H

#include <stddef.h>

/* 0 when PATH (links followed) and every directory above it belong to root and nobody else can
 * write them (a sticky directory counts as unwritable), else -1 with a reason in WHY. */
int trust_check(const char *path, char *why, size_t whylen);

#endif
