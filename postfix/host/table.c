/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/host/table.h"

#include "lib/memory.h"
#include "lib/trust.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include <stdlib.h>
#include <string.h>

#define PATTERNS_MAX ((size_t)1024 * 1024)
/* Looking is no reason to wait long. */
#define READ_MS 5000

static const char separators[] = ", \t\r\n";

/* Postfix's types that are local files or no files at all (DATABASE_README). */
static const struct {
    const char *type;
    enum table_kind kind;
    const char *suffix; /* of the file that is looked into; NULL where there is none */
} types[] = {
    { "hash", TABLE_ENTRIES, ".db" },   { "btree", TABLE_ENTRIES, ".db" },
    { "lmdb", TABLE_ENTRIES, ".lmdb" }, { "cdb", TABLE_ENTRIES, ".cdb" },
    { "dbm", TABLE_ENTRIES, ".pag" },   { "sdbm", TABLE_ENTRIES, ".pag" },
    { "texthash", TABLE_ENTRIES, "" },  { "inline", TABLE_ENTRIES, NULL },
    { "regexp", TABLE_PATTERNS, "" },   { "pcre", TABLE_PATTERNS, "" },
    { "cidr", TABLE_PATTERNS, "" },     { "static", TABLE_STATIC, NULL },
};

struct parts {
    enum table_kind kind;
    const char *suffix;
    char *name; /* "type:rest" */
    const char *rest;
};

struct names tables_split(const char *list)
{
    struct names names = { 0 };

    for (const char *p = list + strspn(list, separators); *p != '\0'; p += strspn(p, separators)) {
        const char *start = p;
        for (int depth = 0; *p != '\0' && (depth > 0 || strchr(separators, *p) == NULL); p++)
            depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        names.name = memory_grow(names.name, names.count + 1, sizeof *names.name);
        names.name[names.count++] = memory_format("%.*s", (int)(p - start), start);
    }
    return names;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct names){ 0 };
}

static struct parts take_apart(const char *name, const char *default_type)
{
    struct parts parts = { .kind = TABLE_CLOSED };

    /* proxymap(8) would open the same file. */
    if (strncmp(name, "proxy:", 6) == 0)
        name += 6;
    parts.name =
        strchr(name, ':') != NULL ? memory_copy(name) : memory_format("%s:%s", default_type, name);
    size_t n = strcspn(parts.name, ":");
    parts.rest = parts.name + n + 1;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].type) == n && strncmp(types[i].type, parts.name, n) == 0) {
            parts.kind = types[i].kind;
            parts.suffix = types[i].suffix;
        }
    return parts;
}

/* A file that others could write could be made to mislead or crash whoever reads it. */
static bool may_open(const struct parts *parts)
{
    char ignored[256];

    if (parts->kind == TABLE_CLOSED || parts->suffix == NULL)
        return parts->kind != TABLE_CLOSED;
    char *path = memory_format("%s%s", parts->rest, parts->suffix);
    bool trusted = path[0] == '/' && trust_check(path, ignored, sizeof ignored) == 0;
    free(path);
    return trusted;
}

static void add_entry(struct table *table, const char *key, size_t key_len, const char *value)
{
    table->entry = memory_grow(table->entry, table->count + 1, sizeof *table->entry);
    table->entry[table->count++] = (struct table_entry){
        .key = memory_format("%.*s", (int)key_len, key),
        .value = memory_copy(value + strspn(value, " \t")),
    };
}

/* postmap -s: "key TAB value" a line. */
static void read_entries(struct table *table, const char *name)
{
    const char *const argv[] = { "postmap", "-s", name, NULL };
    struct command_result result = { 0 };
    struct why ignored;
    char *rest;

    if (command_run(argv, READ_MS, &result, &ignored) == -1 || result.status != 0)
        table->kind = TABLE_CLOSED;
    table->more = result.truncated;
    rest = table->kind == TABLE_CLOSED ? NULL : result.out;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        size_t key = strcspn(line, "\t");
        if (line[key] == '\t')
            add_entry(table, line, key, line + key);
    }
    command_result_free(&result);
}

/* A line that begins with white space continues the one before (regexp_table(5)). */
static void read_patterns(struct table *table, const char *path)
{
    struct why ignored;
    size_t len;
    char *text = file_read(path, PATTERNS_MAX, &len, &ignored), *rest = text;

    if (text == NULL)
        table->kind = TABLE_CLOSED;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (strchr("# \t\r", line[0]) == NULL)
            add_entry(table, line, 0, line);
    free(text);
}

struct table *table_read(const char *name, const char *default_type)
{
    struct table *table = memory_zero(1, sizeof *table);
    struct parts parts = take_apart(name, default_type);

    table->kind = may_open(&parts) ? parts.kind : TABLE_CLOSED;
    if (table->kind == TABLE_ENTRIES)
        read_entries(table, parts.name);
    else if (table->kind == TABLE_PATTERNS)
        read_patterns(table, parts.rest);
    free(parts.name);
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->count; i++) {
        free(table->entry[i].key);
        free(table->entry[i].value);
    }
    free(table->entry);
    free(table);
}

char *table_query(const char *name, const char *default_type, const char *key)
{
    struct parts parts = take_apart(name, default_type);
    const char *const argv[] = { "postmap", "-q", key, parts.name, NULL };
    struct command_result result = { 0 };
    struct why ignored;
    char *value = NULL;

    if (may_open(&parts) && command_run(argv, READ_MS, &result, &ignored) == 0 &&
        result.status == 0)
        value = memory_format("%.*s", (int)strcspn(result.out, "\n"), result.out);
    command_result_free(&result);
    free(parts.name);
    return value;
}
