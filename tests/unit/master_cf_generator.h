/* SPDX-License-Identifier: BSD-2-Clause */
/* A master.cf as nobody should write one, the same for each seed. */
#ifndef DETOURD_MASTER_CF_GENERATOR_H
#define DETOURD_MASTER_CF_GENERATOR_H

#include "tests/unit/main_cf_generator.h"

/* The caller frees the text. GENERATE_LEGAL is what postconf(1) takes: every entry has its name and
 * its type on one line, and eight words or more. */
struct bytes generate_master_cf(uint32_t seed, enum generator_kind kind);

/* A few kinds of nastiness, for a census: a test that never met one proves nothing about it. */
enum master_trait {
    MASTER_EMPTY,
    MASTER_NO_FINAL_NEWLINE,
    MASTER_CARRIAGE_RETURNS,
    MASTER_CONTINUED,
    MASTER_COMMENT_INSIDE,
    MASTER_CONTINUED_AT_END,
    MASTER_LEADING_SPACE,
    MASTER_TWICE,
    MASTER_TYPE_BELOW,
    MASTER_NO_TYPE,
    MASTER_BRACES,
    MASTER_NOT_UTF8,
    MASTER_LONG_LINE,
    MASTER_NEAR_NAME,
    MASTER_TRAITS
};

const char *master_trait_name(enum master_trait trait);
bool has_master_trait(const struct bytes *file, const struct entries *services,
                      enum master_trait trait);

#endif
