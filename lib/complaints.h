/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with a file, all of it at once: a list of "file:line: what is wrong, what would be
 * right". An error makes the file unusable, a warning does not.
 */
#ifndef DETOURD_COMPLAINTS_H
#define DETOURD_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

struct complaints;

struct complaints *complaints_new(void);
void complaints_free(struct complaints *list);

/* LINE 0 means the file as a whole. A second complaint with the same file, line and text is
 * dropped. */
void complain(struct complaints *list, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void complain_warning(struct complaints *list, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

size_t complaints_errors(const struct complaints *list);
size_t complaints_count(const struct complaints *list);

/* The Nth complaint as one line without a newline, ordered by file and line; NULL past the end.
 * Owned by the list, valid until the next call that changes it. */
const char *complaints_line(struct complaints *list, size_t n, bool *is_error);

#endif
