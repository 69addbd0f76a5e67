/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.cf as Postfix reads it, by a reader that shares nothing with the one under test: written
 * after Postfix's readllines(), split_nameval() and dict_load_fp() (src/util), and its editor after
 * pcf_edit_main() (src/postconf/postconf_edit.c).
 */
#ifndef DETOURD_MAIN_CF_ORACLE_H
#define DETOURD_MAIN_CF_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* Any bytes but NUL, and a NUL behind them. */
struct bytes {
    char *text;
    size_t len;
};

/* One logical line: what Postfix takes for name and value. A line without "=" (Postfix's programs
 * then end at once) has no value. */
struct entry {
    char *name, *value;
};

struct entries {
    struct entry *item;
    size_t count;
};

/* In the order of the file, those that are overridden later included. */
struct entries oracle_read(const struct bytes *file);
void entries_free(struct entries *entries);

/* The value that counts: the last one; NULL where there is none. */
const char *entries_value(const struct entries *entries, const char *name);
/* How many entries bear the name. */
size_t entries_named(const struct entries *entries, const char *name);

/* What "postconf -e NAME=VALUE" leaves. The caller frees the text. */
struct bytes oracle_edit(const struct bytes *file, const char *name, const char *value);

#endif
