/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place that replaces main.cf and master.cf. The rename of main.cf is the commit point of a
 * change of it; master.cf is changed only while main.cf refers to nothing of the change.
 *
 * The new file is written under the lock that postconf(1) and Postfix's other editors take
 * (Postfix's src/util/edit_file.c: main.cf.tmp or master.cf.tmp, created, locked, and still the
 * file of that name), so that a "postconf -e" at the same time waits for us or makes us start over.
 * What the old file had beside its bytes the new one has too (attributes.h). A file that is a
 * symbolic link stays one: the file that it names is replaced. Another name of the same file (a
 * hard link) keeps the old content, as with postconf. What chattr(1) has made immutable is left
 * alone.
 */
#ifndef DETOURD_POSTFIX_INSTALL_H
#define DETOURD_POSTFIX_INSTALL_H

#include "postfix/base/why.h"
#include <stddef.h>

enum install_result {
    INSTALL_DONE,
    INSTALL_CHANGED, /* the file is no longer what was read: nothing was done, begin again */
    INSTALL_FAILED,  /* nothing was done, with a reason */
    INSTALL_UNSYNCED /* the new file is in place, but may not survive a power failure */
};

#define MAIN_CF   "main.cf"
#define MASTER_CF "master.cf"

/* Replaces NAME, one of the two, in DIRECTORY, which must hold exactly the OLD bytes, by NEW. */
enum install_result install_file(const char *directory, const char *name, const char *old,
                                 size_t old_len, const char *new, size_t new_len, struct why *why);

/* Removes the files that a run which was cut off may have left, in turn with other editors. What
 * fails here fails again, and is said, when the file is to be replaced. */
void install_clean(const char *directory);

#endif
