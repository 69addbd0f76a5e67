/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.cf and master.cf as Postfix reads them, by a reader that shares nothing with the one under
 * test: written after Postfix's readllines(), split_nameval() and dict_load_fp() (src/util) and
 * get_master_ent() (src/master), and its editors after pcf_edit_main() and pcf_edit_master()
 * (src/postconf/postconf_edit.c).
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

/* The entries of master.cf: "name/type", and its other words with one blank between them. */
struct entries oracle_services(const struct bytes *file);

enum oracle_master_edit {
    MASTER_REPLACE, /* -Me: the first entry of the name becomes TEXT, others go; or it is added */
    MASTER_REWRITE, /* -Pe, -Fe: each becomes TEXT, behind the comments that follow it */
    MASTER_EXCLUDE, /* -MX */
    MASTER_COMMENT_OUT /* -M# */
};

/* What "postconf" leaves of master.cf when the service NAME ("name/type") is edited. The caller
 * frees the text. */
struct bytes oracle_edit_master(const struct bytes *file, enum oracle_master_edit edit,
                                const char *name, const char *text);

#endif
