/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words and sentences that documents hold, which are always English, in the caller's language. The
 * floors below make them and know of no language; here is what they say, as patterns.
 */
#ifndef DETOURD_REPORT_PHRASES_H
#define DETOURD_REPORT_PHRASES_H

/* A word of a closed list (an outcome, a verdict, a state); WORD itself where it is none. Never to
 * be freed. */
const char *phrase(const char *word);

/* A sentence, TEXT itself where it is none of those known. The caller frees it. */
char *translated(const char *text);

#endif
