/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/main_cf_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES " \t\n\v\f\r"

static bool is_space(int c)
{
    return c != '\0' && c != EOF && strchr(SPACES, c) != NULL;
}

/* A stream of characters, as Postfix reads them. */
struct input {
    const struct bytes *file;
    size_t at;
};

static int get(struct input *in)
{
    return in->at < in->file->len ? (unsigned char)in->file->text[in->at++] : EOF;
}

static int look_ahead(const struct input *in)
{
    return in->at < in->file->len ? (unsigned char)in->file->text[in->at] : EOF;
}

/* readllines(): the next logical line, its physical lines joined without their newlines; false at
 * the end of the file. */
static bool read_logical(struct input *in, char *line)
{
    size_t len = 0;
    int c;

    do {
        size_t start = len;
        while ((c = get(in)) != EOF && c != '\n')
            line[len++] = (char)c;
        line[len] = '\0';
        size_t visible = start + strspn(line + start, SPACES);
        if (visible == len || line[visible] == '#')
            len = start;
    } while (c != EOF && (len == 0 || look_ahead(in) == '#' || is_space(look_ahead(in))));
    line[len] = '\0';
    return len > 0;
}

static char *part(const char *from, size_t len)
{
    return strndup(from, len);
}

/* split_nameval(). */
static struct entry split(const char *line)
{
    size_t name = strcspn(line, SPACES "=");
    const char *rest = line + name + strspn(line + name, SPACES);
    struct entry entry = { .name = part(line, name) };

    if (*rest != '=')
        return entry;
    rest++;
    rest += strspn(rest, SPACES);
    size_t len = strlen(rest);
    while (len > 0 && is_space((unsigned char)rest[len - 1]))
        len--;
    entry.value = part(rest, len);
    return entry;
}

static struct entry *add_entry(struct entries *entries, size_t *room)
{
    if (entries->count == *room) {
        *room = 2 * *room + 16;
        entries->item = realloc(entries->item, *room * sizeof *entries->item);
    }
    return &entries->item[entries->count++];
}

struct entries oracle_read(const struct bytes *file)
{
    struct input in = { .file = file };
    struct entries entries = { NULL, 0 };
    size_t room = 0;
    char *line = malloc(file->len + 1);

    while (read_logical(&in, line)) {
        /* "logical line must not start with whitespace": a warning, and on. */
        if (is_space((unsigned char)line[0]))
            continue;
        *add_entry(&entries, &room) = split(line);
    }
    free(line);
    return entries;
}

void entries_free(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->item[i].name);
        free(entries->item[i].value);
    }
    free(entries->item);
    *entries = (struct entries){ NULL, 0 };
}

const char *entries_value(const struct entries *entries, const char *name)
{
    for (size_t i = entries->count; i-- > 0;)
        if (strcmp(entries->item[i].name, name) == 0)
            return entries->item[i].value;
    return NULL;
}

size_t entries_named(const struct entries *entries, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < entries->count; i++)
        n += strcmp(entries->item[i].name, name) == 0;
    return n;
}

/* One physical line with its newline, which is added where it is missing. */
static size_t read_physical(struct input *in, char *line)
{
    size_t len = 0;
    int c = EOF;

    while (len == 0 || line[len - 1] != '\n') {
        c = get(in);
        if (c == EOF)
            break;
        line[len++] = (char)c;
    }
    if (len > 0 && c == EOF)
        line[len++] = '\n';
    line[len] = '\0';
    return len;
}

struct bytes oracle_edit(const struct bytes *file, const char *name, const char *value)
{
    struct input in = { .file = file };
    struct bytes out = { NULL, 0 };
    FILE *to = open_memstream(&out.text, &out.len);
    char *line = malloc(file->len + 2);
    bool found = false, ours = false;

    while (read_physical(&in, line) > 0) {
        char first = line[strspn(line, SPACES)];
        bool is_content = first != '#' && first != '\0';
        if (is_content && !is_space((unsigned char)line[0])) {
            size_t n = strcspn(line, SPACES "=");
            ours = n == strlen(name) && memcmp(line, name, n) == 0;
            if (ours)
                fprintf(to, "%s = %s\n", name, value);
            found = found || ours;
        }
        if (!is_content || !ours)
            fputs(line, to);
    }
    if (!found)
        fprintf(to, "%s = %s\n", name, value);
    fclose(to);
    free(line);
    return out;
}

#define BLANKS " \t\r\n"

/* mystrtok(). */
static char *word(char **rest)
{
    char *start = *rest + strspn(*rest, BLANKS);
    size_t len = strcspn(start, BLANKS);

    *rest = start + len + (start[len] != '\0');
    start[len] = '\0';
    return len > 0 ? start : NULL;
}

static char *service_name(char **rest)
{
    char *name = word(rest), *type = word(rest), *both = NULL;

    if (name != NULL && asprintf(&both, type == NULL ? "%s" : "%s/%s", name, type) == -1)
        abort();
    return both;
}

struct entries oracle_services(const struct bytes *file)
{
    struct input in = { .file = file };
    struct entries entries = { NULL, 0 };
    size_t room = 0;
    char *line = malloc(file->len + 1);

    while (read_logical(&in, line)) {
        char *rest = line, *name = is_space((unsigned char)line[0]) ? NULL : service_name(&rest);
        if (name == NULL)
            continue;
        char *value = calloc(1, strlen(rest) + 2), *to = value;
        for (char *w = word(&rest); w != NULL; w = word(&rest))
            to = stpcpy(stpcpy(to, to == value ? "" : " "), w);
        *add_entry(&entries, &room) = (struct entry){ .name = name, .value = value };
    }
    free(line);
    return entries;
}

static bool is_content_line(const char *line)
{
    char first = line[strspn(line, SPACES)];

    return first != '#' && first != '\0';
}

/* pcf_gobble_cf_line(), whose content is thrown away. */
static void gobble(struct input *in, char *line, FILE *to)
{
    while ((look_ahead(in) == '#' || is_space(look_ahead(in))) && read_physical(in, line) > 0)
        if (!is_content_line(line))
            fputs(line, to);
}

static bool is_named(const char *line, const char *name)
{
    char *copy = strdup(line), *rest = copy, *own = service_name(&rest);
    bool same = own != NULL && strcmp(own, name) == 0;

    free(own);
    free(copy);
    return same;
}

struct bytes oracle_edit_master(const struct bytes *file, enum oracle_master_edit edit,
                                const char *name, const char *text)
{
    struct input in = { .file = file };
    struct bytes out = { NULL, 0 };
    FILE *to = open_memstream(&out.text, &out.len);
    char *line = malloc(file->len + 2);
    size_t found = 0;
    bool matched = false;

    while (read_physical(&in, line) > 0) {
        bool is_start = is_content_line(line) && !is_space((unsigned char)line[0]);
        matched = is_start ? is_named(line, name) : matched;
        found += is_start && matched;
        if (is_start && matched && edit == MASTER_REWRITE)
            gobble(&in, line, to);
        if (is_start && matched &&
            (edit == MASTER_REWRITE || (edit == MASTER_REPLACE && found == 1)))
            fputs(text, to);
        else if (!is_content_line(line) || !matched)
            fputs(line, to);
        else if (edit == MASTER_COMMENT_OUT)
            fprintf(to, "#%s", line);
    }
    if (found == 0 && edit == MASTER_REPLACE)
        fputs(text, to);
    fclose(to);
    free(line);
    return out;
}
