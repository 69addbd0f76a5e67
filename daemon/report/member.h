/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of a document, where a missing one reads as nothing. */
#ifndef DETOURD_REPORT_MEMBER_H
#define DETOURD_REPORT_MEMBER_H

#include <jansson.h>
#include <stdbool.h>

/* "" where there is no such string. The document owns it. */
const char *word(const json_t *object, const char *key);
/* 0 where there is no such number. */
long long number(const json_t *object, const char *key);
/* Whether the member KEY is the string WANTED. */
bool word_is(const json_t *object, const char *key, const char *wanted);

#endif
