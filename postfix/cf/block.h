/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our block in main.cf and in master.cf, as it is written and recognised:
 *
 *     # detourd: begin relay ses 587 generation 7
 *     # Written by detour-apply(8); "detour-apply direct" takes it out again.
 *     relayhost = [email-smtp.eu-west-1.amazonaws.com]:587
 *     ...
 *     # detourd: end 9a3c0d6e21b7f458
 *
 * Between two routes it may say "begin prepared generation 7" instead: all of a route but its
 * relayhost, which leaves the owner's own route in force (see change.h). The method transport
 * writes "begin transport generation 7", in either file, whatever the route is. The number at the
 * end is a checksum of the block.
 */
#ifndef DETOURD_POSTFIX_BLOCK_H
#define DETOURD_POSTFIX_BLOCK_H

#include "lib/route.h"
#include "postfix/cf/main_cf.h"
#include "postfix/cf/settings.h"

enum block_line { BLOCK_NONE, BLOCK_BEGIN, BLOCK_NOTICE, BLOCK_END };

/* Which of our comments a line is, as far as its first words say. */
enum block_line block_line_kind(const struct main_cf_line *line);

enum block_kind {
    BLOCK_RELAY,
    BLOCK_PREPARED, /* all of a route but its relayhost */
    BLOCK_TRANSPORT /* the installation of the method transport */
};

/* What the first line says. */
struct block_head {
    enum block_kind kind;
    struct route route; /* with BLOCK_RELAY; otherwise direct */
    unsigned long generation;
    bool no_newline; /* the owner's file did not end in a newline */
};

/* False where the line was edited. */
bool block_head_read(const struct main_cf_line *line, struct block_head *head);

/* The first line; the caller frees it. */
char *block_head_text(const struct block_head *head);

/* The whole block around BODY, which ends in a newline; the caller frees it. */
char *block_around(const struct block_head *head, const char *body);

/* The whole block; the caller frees it. */
char *block_text(const struct block_head *head, const struct settings *settings);

/* Whether the lines from BEGIN to END, a block's first and last, are just as they were written. */
bool block_is_intact(const struct main_cf *cf, size_t begin, size_t end);

#define BLOCK_NOWHERE ((size_t)-1)

/* The first and the last lines of our blocks in a file: the first of each, and how many there are.
 */
struct block_frame {
    size_t begin, end; /* BLOCK_NOWHERE where there is none */
    size_t begins, ends;
    bool readable; /* the first line says what it should, and HEAD is what it says */
    struct block_head head;
};

struct block_frame block_frame_find(const struct main_cf *cf);

/* Whether there is one block, with a first and a last line. */
bool block_frame_is_whole(const struct block_frame *frame);

/* What we wrote: as the record has it, or the block itself while nobody has edited it. */
struct block_written {
    bool legible;             /* that is known, or there is no line of a block */
    const struct main_cf *in; /* where it stands: in the record, or in the file; NULL: not known */
    struct block_frame frame; /* there */
    struct block_head head;
    /* The newline in front of the file's block was added with it, to the owner's last line. That
     * line must still be there, as it is in the record where there is one: the newline of another
     * one is not ours. */
    bool no_newline;
};

/* FRAME is of CF; RECORD is the file as it was written for that generation, or NULL where that is
 * not known. The result refers to both. */
struct block_written block_written_find(const struct main_cf *cf, const struct block_frame *frame,
                                        const struct main_cf *record);

/* The settings of an intact block. */
void block_settings(const struct main_cf *cf, size_t begin, size_t end, struct settings *settings);

#endif
