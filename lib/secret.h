/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A password from its file.
 *
 * The file must be a regular file of root's, writable by root alone, readable by root and at most
 * the one group given. It holds one line; the newline at its end does not count. NUL, a newline
 * inside, an empty file and more than SECRET_MAX bytes are refused.
 */
#ifndef DETOURD_SECRET_H
#define DETOURD_SECRET_H

#include <sys/types.h>

#define SECRET_MAX 4096

/* No group may read the file. */
#define SECRET_NO_GROUP ((gid_t)-1)

/* The password, or NULL with a reason in WHY (which holds WHYLEN bytes and never any of the
 * password). The caller ends it with secret_free. */
char *secret_read(const char *path, gid_t group, char *why, size_t whylen);

/* Wipes and frees; NULL is allowed. */
void secret_free(char *secret);

/* Only the checks that need no reading: 0, or -1 with a reason in WHY. A file that this caller
 * may not look at is 0 too: nothing is known against it. */
int secret_check(const char *path, gid_t group, char *why, size_t whylen);

#endif
