/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry of master.cf: a logical line, as main_cf.h finds it, and its words.
 *
 * The rules are master(5)'s, "SYNTAX", and those of get_master_ent() in Postfix's
 * src/master/master_ent.c: words are separated by blanks, the first is the service's name and the
 * second its type, on whatever physical line they stand.
 */
#ifndef DETOURD_POSTFIX_ENTRY_H
#define DETOURD_POSTFIX_ENTRY_H

#include "postfix/cf/main_cf.h"

/* One logical line: FIRST is its first physical line, LAST its last one. */
struct entry_lines {
    size_t first, last;
};

/* Of the first line at or after FROM that begins an entry, and what continues it; FIRST is the
 * number of lines where there is none. What continues nothing (main_cf.h) is an entry without a
 * name. */
struct entry_lines entry_next(const struct main_cf *cf, size_t from);

/* Each of these belongs to the caller. */

/* "name/type", or NULL where there are no two words. */
char *entry_name(const struct main_cf *cf, struct entry_lines entry);
/* Word N, the name being 0 and the chroot field 4; NULL where there is none. */
char *entry_word(const struct main_cf *cf, struct entry_lines entry, size_t n);
/* Its physical lines, without the comments between them. */
char *entry_text(const struct main_cf *cf, struct entry_lines entry);

#endif
