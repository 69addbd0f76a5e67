/* SPDX-License-Identifier: BSD-2-Clause */
/* The reason of a failure, as one sentence for the postmaster. It never holds a secret. */
#ifndef DETOURD_POSTFIX_WHY_H
#define DETOURD_POSTFIX_WHY_H

#define WHY_MAX 1024

struct why {
    char text[WHY_MAX];
};

/* Returns -1, so that a function can end with `return why_set(why, ...)`. */
int why_set(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, with ": " and the text of the present errno behind it. */
int why_errno(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
