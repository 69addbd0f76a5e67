/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in a lookup table of the owner's, as far as it can be read without asking anybody over
 * the network: to tell which mail goes its own way.
 *
 * Only files that root alone can write are opened. Tables that a server answers (mysql, ldap, tcp
 * and so on) are never asked: a lookup could hang, and has no list of keys anyway.
 */
#ifndef DETOURD_POSTFIX_TABLE_H
#define DETOURD_POSTFIX_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* A list of tables, as a parameter has it, taken apart: "hash:/a, inline:{x=y, z=w}" are two.
 * The caller frees the list by names_free. */
struct names {
    char **name;
    size_t count;
};

struct names tables_split(const char *list);
void names_free(struct names *names);

enum table_kind {
    TABLE_ENTRIES,  /* keys and values: hash, lmdb, texthash, inline, ... */
    TABLE_PATTERNS, /* regexp, pcre, cidr: the lines of the file are the values */
    TABLE_STATIC,   /* one answer for every question */
    TABLE_CLOSED    /* cannot be looked into */
};

struct table_entry {
    char *key; /* "" in a table of patterns */
    char *value;
};

struct table {
    enum table_kind kind;
    struct table_entry *entry;
    size_t count;
    bool more; /* there are more entries than these */
};

/* NAME is one of tables_split()'s; a name without a type is of DEFAULT_TYPE. Never NULL. */
struct table *table_read(const char *name, const char *default_type);
void table_free(struct table *table);

/* How a table is looked into: table_read(), or in tests something else. */
typedef struct table *read_table(const char *name, const char *default_type);

/* The answer of the table to KEY, which the caller frees; NULL where it has none, or cannot be
 * looked into. */
char *table_query(const char *name, const char *default_type, const char *key);

#endif
