/* SPDX-License-Identifier: BSD-2-Clause */
/* What the generators of main.cf and master.cf share: numbers that are the same for each seed, the
 * lines that are no content, and damage. */
#ifndef DETOURD_GENERATOR_H
#define DETOURD_GENERATOR_H

#include "tests/unit/main_cf_oracle.h"
#include <stdint.h>
#include <stdio.h>

void generate_start(uint32_t seed);

/* A number below LIMIT. */
uint32_t generate_below(uint32_t limit);
bool generate_one_in(uint32_t n);

#define PICK(list) ((list)[generate_below(sizeof(list) / sizeof((list)[0]))])

/* None, one or two lines that are comments or blank. */
void generate_between(FILE *out);

/* A few bytes at random places changed, put in or taken out. */
void generate_disturbance(struct bytes *file);
void generate_carriage_returns(struct bytes *file);
void generate_cut(struct bytes *file, size_t len);
/* The last line ends without a newline, or goes on into nothing. */
void generate_no_end(struct bytes *file);

#endif
