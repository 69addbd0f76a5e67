/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our mark on the owner's master.cf, how it comes off again, and what others have made of it.
 *
 * Our services stand in one block at the end of the file (block.h); nothing else is touched. Whose
 * each line is says service_ownership.h. A service of ours that somebody edits is theirs from then
 * on: that is drift, it is named, and it stays where it is when the mark comes off. What they enter
 * beside our services, in our block too, is none of our business and stays as well.
 */
#ifndef DETOURD_POSTFIX_MASTER_CF_H
#define DETOURD_POSTFIX_MASTER_CF_H

#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include "postfix/cf/services.h"
#include <stdbool.h>
#include <stddef.h>

struct master_mark {
    unsigned long generation; /* of the files that the services refer to; 0 where there is none */
    struct services services; /* as we wrote them */
    enum claim *claims;       /* one for each */
    char **drift;             /* what somebody else changed of ours, a sentence each */
    size_t drift_count;
    bool legible;    /* whose each line is can be told; otherwise no mark comes off */
    bool gone;       /* nothing of the block is left */
    bool no_newline; /* the owner's file did not end in a newline */
};

/* CF is master.cf split into lines. The generation that a block in it speaks of; 0 where none does,
 * or it was edited. *ANY tells whether there is any line of a block. */
unsigned long master_generation(const struct main_cf *cf, bool *any);

/* RECORD is master.cf as it was written for that generation, or NULL where that is not known. Never
 * NULL; master_mark_free ends it. */
struct master_mark *master_mark_read(const struct main_cf *cf, const struct main_cf *record);
void master_mark_free(struct master_mark *mark);

/* The texts belong to the caller; *LEN is their length. */

/* CF, which must bear no mark, with the services entered. GENERATION is at least 1. */
char *master_mark_set(const struct main_cf *cf, unsigned long generation,
                      const struct services *services, size_t *len);

/* CF without any mark of ours. MARK is what master_mark_read made of CF, and must be legible. */
char *master_mark_remove(const struct main_cf *cf, const struct master_mark *mark, size_t *len);

/* The number, from 1 on, of the line of the last entry that takes the place of the service NAME
 * ("detour-ses", of type unix): postfix/cf/service_ownership.h. 0 where there is none. */
size_t master_line_of(const struct main_cf *cf, const char *name);

/* Word N of the entry called NAME ("smtp/unix") that counts, the last one; NULL where there is
 * none. The caller frees it. */
#define MASTER_CHROOT  4
#define MASTER_MAXPROC 6
#define MASTER_COMMAND 7
char *master_word(const struct main_cf *cf, const char *name, size_t n);

#endif
