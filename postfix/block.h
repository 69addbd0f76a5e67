/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our block in main.cf, as it is written and recognised:
 *
 *     # detourd: begin relay ses 587 generation 7
 *     # Written by detour-apply(8); "detour-apply direct" takes it out again.
 *     relayhost = [email-smtp.eu-west-1.amazonaws.com]:587
 *     ...
 *     # detourd: end 9a3c0d6e21b7f458
 *
 * Between two routes it may say "begin prepared generation 7" instead: all of a route but its
 * relayhost, which leaves the owner's own route in force (see change.h). The number at the end is a
 * checksum of the block.
 */
#ifndef DETOURD_POSTFIX_BLOCK_H
#define DETOURD_POSTFIX_BLOCK_H

#include "lib/route.h"
#include "postfix/main_cf.h"
#include "postfix/settings.h"

enum block_line { BLOCK_NONE, BLOCK_BEGIN, BLOCK_NOTICE, BLOCK_END };

/* Which of our comments a line is, as far as its first words say. */
enum block_line block_line_kind(const struct main_cf_line *line);

/* What the first line says. */
struct block_head {
    struct route route; /* direct: only prepared */
    unsigned long generation;
    bool no_newline; /* the owner's file did not end in a newline */
};

/* False where the line was edited. */
bool block_head_read(const struct main_cf_line *line, struct block_head *head);

/* The first line; the caller frees it. */
char *block_head_text(const struct block_head *head);

/* The whole block; the caller frees it. */
char *block_text(const struct block_head *head, const struct settings *settings);

/* Whether the lines from BEGIN to END, a block's first and last, are just as they were written. */
bool block_is_intact(const struct main_cf *cf, size_t begin, size_t end);

/* The settings of an intact block. */
void block_settings(const struct main_cf *cf, size_t begin, size_t end, struct settings *settings);

#endif
