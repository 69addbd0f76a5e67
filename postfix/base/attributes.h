/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file has beside its bytes, for a new file that takes its place: owner, group, mode, access
 * control lists and other extended attributes (xattr(7), so a security label too), and the inode
 * flags of chattr(1) that a file can be given.
 */
#ifndef DETOURD_POSTFIX_ATTRIBUTES_H
#define DETOURD_POSTFIX_ATTRIBUTES_H

#include "postfix/base/why.h"

/* The file TO has what FROM has, and nothing else: what a default access control list of the
 * directory gave it is taken off. The time of the last change is not copied. 0, or -1 with a
 * reason. */
int attributes_copy(int from, int to, struct why *why);

/* A file that is immutable or append-only (chattr +i, +a) is not to be replaced, nor is anything in
 * such a directory: -1 with a reason. 0 for any other, and where there are no such flags. */
int attributes_replaceable(const char *path, struct why *why);

#endif
