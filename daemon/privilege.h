/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up root, for good. */
#ifndef DETOURD_PRIVILEGE_H
#define DETOURD_PRIVILEGE_H

#include <stddef.h>
#include <sys/types.h>

/* Whom to give up to. */
struct privilege {
    uid_t uid;
    gid_t gid;
};

/* Looks NAME up and checks that it can be given up to: it exists, it is not root, and this process
 * is root or already that user. 0, or -1 with a reason. */
int privilege_find(const char *name, struct privilege *out, char *why, size_t whylen);

/* As root: makes the directory PATH for the user where it is missing. 0, or -1 with a reason. */
int privilege_directory(const struct privilege *to, const char *path, mode_t mode, char *why,
                        size_t whylen);

/* Becomes the user, with GROUP (of that name, if it exists) as the one further group, so that the
 * control socket can be given to it; forbids new privileges, core dumps and being traced. Checks
 * that there is no way back. 0, or -1 with a reason. */
int privilege_drop(const struct privilege *to, const char *group, char *why, size_t whylen);

#endif
