/* SPDX-License-Identifier: BSD-2-Clause */
/* A main.cf as nobody should write one, the same for each seed. */
#ifndef DETOURD_MAIN_CF_GENERATOR_H
#define DETOURD_MAIN_CF_GENERATOR_H

#include "tests/unit/main_cf_oracle.h"
#include <stdint.h>

/* What generated files may be made of. */
enum generator_kind {
    GENERATE_ANY,   /* any bytes but NUL */
    GENERATE_LEGAL, /* what Postfix's programs take: every logical line has a name and "=" */
};

/* The caller frees the text. */
struct bytes generate_main_cf(uint32_t seed, enum generator_kind kind);

/* A few kinds of nastiness, for a census: a test that never met one proves nothing about it. */
enum trait {
    TRAIT_EMPTY,
    TRAIT_ONLY_COMMENTS,
    TRAIT_NO_FINAL_NEWLINE,
    TRAIT_CARRIAGE_RETURNS,
    TRAIT_CONTINUED,
    TRAIT_COMMENT_INSIDE,
    TRAIT_CONTINUED_AT_END,
    TRAIT_LEADING_SPACE,
    TRAIT_TWICE,
    TRAIT_EMPTY_VALUE,
    TRAIT_NO_EQUALS,
    TRAIT_BRACES,
    TRAIT_DOLLAR,
    TRAIT_NOT_UTF8,
    TRAIT_LONG_LINE,
    TRAIT_FORM_FEED,
    TRAIT_NEAR_MARK,
    TRAITS
};

const char *trait_name(enum trait trait);
bool has_trait(const struct bytes *file, const struct entries *entries, enum trait trait);

#endif
