/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences about what was found, in a list. */
#ifndef DETOURD_POSTFIX_FINDINGS_H
#define DETOURD_POSTFIX_FINDINGS_H

#include "postfix/base/why.h"
#include <stddef.h>

/* All zero: none. */
struct findings {
    char **text;
    size_t count;
};

void findings_add(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void findings_free(struct findings *findings);

/* A value in a sentence: a long list is cut. OUT is returned. */
#define SHORTENED 160
const char *shortened(const char *value, char out[SHORTENED]);

/* All of them in one sentence; when they do not fit, the first ones and how many more there are. */
void findings_join(const struct findings *findings, struct why *why);

#endif
