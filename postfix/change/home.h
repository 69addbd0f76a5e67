/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration directory as ours and everybody's: whether it may be used, the lock on it, and
 * how all that is ours goes. */
#ifndef DETOURD_POSTFIX_HOME_H
#define DETOURD_POSTFIX_HOME_H

#include "lib/config.h"
#include "postfix/base/why.h"

/* Whether the directory is one of a Postfix that is installed, and could have been written by root
 * alone: 0, or -1 with a reason. */
int home_check(const struct config *config, struct why *why);

/* Takes the lock that every change is made under, into *FD; closing that lets go of it. The
 * directories are made first. 0, 1 when another change held it for 30 s, or -1 with a reason; *FD
 * is -1 then. */
int home_lock(const struct config *config, int *fd, struct why *why);

/* Takes away all that is ours, unless something is left that main.cf, master.cf or configuration
 * management may still need; the lock file goes last. 0, or -1 with a reason. */
int home_remove(const struct config *config, struct why *why);

#endif
