/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose each line of main.cf is.
 *
 * A setting of ours is ours only as long as it stands, to the byte, where we put it: in our block,
 * or next to what is left of it. One that differs by a byte, or that stands elsewhere, belongs to
 * whoever wrote it. What names our own files is ours wherever it stands.
 */
#ifndef DETOURD_POSTFIX_OWNERSHIP_H
#define DETOURD_POSTFIX_OWNERSHIP_H

#include "postfix/cf/main_cf.h"
#include "postfix/cf/settings.h"

/* In front of every physical line that a route replaces. */
#define PUT_ASIDE "#detourd: "

enum line_kind {
    LINE_OTHER,
    LINE_FRAME,     /* the comments of our block */
    LINE_OURS,      /* sets what we set, as we wrote it */
    LINE_COMMENTED, /* the same behind a "#": what "postconf -#" makes of it */
    LINE_THEIRS,    /* sets what we set, otherwise than we wrote it */
    LINE_ASIDE,     /* the owner's, put aside */
    LINE_REST       /* of ours, but the first line of it is gone: it continues somebody else's */
};

struct line_owner {
    size_t setting; /* the number of what it is about, or NO_SETTING */
    enum line_kind kind;
    bool in_block; /* between the first and the last line of a block of ours */
};

/* One for each physical line; the caller frees it. SETTINGS are those that we wrote. */
struct line_owner *ownership_find(const struct main_cf *cf, const struct settings *settings);

/* Fills in what is alike in main.cf and master.cf: LINE_FRAME and IN_BLOCK. */
void ownership_find_blocks(const struct main_cf *cf, struct line_owner *owner);

/* Once it is known what is ours: a notice that stands neither below the first line of a block nor
 * above what we set is the owner's. */
void ownership_leave_stray_notices(const struct main_cf *cf, struct line_owner *owner);

/* The name that a line put aside sets, or NULL where it continues the one before; the caller frees
 * it. */
char *put_aside_name(const struct main_cf_line *line);

#endif
