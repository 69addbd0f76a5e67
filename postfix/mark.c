/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/mark.h"

#include "lib/memory.h"
#include "postfix/text.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX     "#detourd: "
#define BEGIN      "# detourd: begin "
#define END        "# detourd: end "
#define NO_NEWLINE " no-newline"
#define NOTICE     "# Written by detour-apply(8); \"detour-apply direct\" takes it out again.\n"

#define NOWHERE ((size_t)-1)

void settings_add(struct settings *settings, const char *name, const char *value)
{
    settings->item = memory_grow(settings->item, settings->count + 1, sizeof *settings->item);
    settings->item[settings->count++] =
        (struct setting){ .name = memory_copy(name), .value = memory_copy(value) };
}

const char *settings_value(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->item[i].name, name) == 0)
            return settings->item[i].value;
    return NULL;
}

void settings_add_others(struct settings *settings, const struct settings *from, const char *name)
{
    for (size_t i = 0; i < from->count; i++)
        if (strcmp(from->item[i].name, name) != 0)
            settings_add(settings, from->item[i].name, from->item[i].value);
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (strcmp(a->item[i].name, b->item[i].name) != 0 ||
            strcmp(a->item[i].value, b->item[i].value) != 0)
            return false;
    return a->count == b->count;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->item[i].name);
        free(settings->item[i].value);
    }
    free(settings->item);
    *settings = (struct settings){ 0 };
}

/* FNV-1a: it has to notice an edit, not to withstand an attack; whoever writes main.cf is root. */
static uint64_t checksum(uint64_t sum, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return sum;
}

#define CHECKSUM_START UINT64_C(14695981039346656037)

struct block {
    size_t begin, end; /* physical lines; NOWHERE where there is none */
    bool no_newline;   /* the owner's file did not end in a newline */
};

static void drift(struct mark *mark, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void drift(struct mark *mark, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mark->drift = memory_grow(mark->drift, mark->drift_count + 1, sizeof *mark->drift);
    mark->drift[mark->drift_count++] = memory_copy(text);
}

/* The first and last of our two comment lines. More than one of a kind is drift. */
static struct block find_block(const struct main_cf *cf, struct mark *mark)
{
    struct block block = { .begin = NOWHERE, .end = NOWHERE };

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        size_t *which = main_cf_line_begins(line, BEGIN) ? &block.begin
                        : main_cf_line_begins(line, END) ? &block.end
                                                         : NULL;
        if (which != NULL && *which != NOWHERE)
            drift(mark, "main.cf line %zu: a second \"%.*s\" of detourd's", i + 1,
                  which == &block.begin ? (int)strlen(BEGIN) - 1 : (int)strlen(END) - 1,
                  which == &block.begin ? BEGIN : END);
        if (which != NULL)
            *which = i;
    }
    return block;
}

/* The line without its newline, for the scanners that want a string; empty if it is too long. */
static void copy_line(const struct main_cf_line *line, char *out, size_t len)
{
    size_t n = line->len;

    if (n > 0 && line->text[n - 1] == '\n')
        n--;
    if (n >= len)
        n = 0;
    memcpy(out, line->text, n);
    out[n] = '\0';
}

/* "relay NAME PORT generation N" or "prepared generation N", and the flag behind it. */
static bool read_begin(const struct main_cf_line *line, struct mark *mark, bool *no_newline)
{
    char text[256], name[TOKEN_MAX + 1];
    unsigned port;
    unsigned long generation;
    int used = 0;

    copy_line(line, text, sizeof text);
    bool prepared = sscanf(text, BEGIN "prepared generation %9lu%n", &generation, &used) == 1;
    if (!prepared && sscanf(text, BEGIN "relay %64s %5u generation %9lu%n", name, &port,
                            &generation, &used) != 3)
        return false;
    if (generation == 0 || (!prepared && (!token_valid(name) || port == 0 || port > 65535)))
        return false;
    *no_newline = strcmp(text + used, NO_NEWLINE) == 0;
    if (text[used] != '\0' && !*no_newline)
        return false;
    mark->route = prepared ? route_direct() : route_relay(name, (uint16_t)port);
    mark->generation = generation;
    return true;
}

static bool checksum_fits(const struct main_cf *cf, const struct block *block)
{
    char text[64], expected[64];
    uint64_t sum = CHECKSUM_START;

    for (size_t i = block->begin; i < block->end; i++)
        sum = checksum(sum, main_cf_line(cf, i)->text, main_cf_line(cf, i)->len);
    snprintf(expected, sizeof expected, END "%016" PRIx64, sum);
    copy_line(main_cf_line(cf, block->end), text, sizeof text);
    return strcmp(text, expected) == 0;
}

static bool block_sets(const struct main_cf *cf, const struct block *block, const char *name)
{
    for (size_t i = block->begin; i < block->end; i++) {
        const char *ours = main_cf_name(cf, main_cf_line(cf, i)->logical);
        if (ours != NULL && strcmp(ours, name) == 0)
            return true;
    }
    return false;
}

/* Live lines outside the block that set what the block sets, or that continue its last line. */
static void find_intruders(const struct main_cf *cf, const struct block *block, struct mark *mark)
{
    size_t last = main_cf_line(cf, block->end - 1)->logical;

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        size_t logical = main_cf_line(cf, i)->logical;
        if ((i >= block->begin && i <= block->end) || logical == NO_LOGICAL_LINE)
            continue;
        const char *name = main_cf_name(cf, logical);
        if (i > block->end && logical == last)
            drift(mark, "main.cf line %zu continues the last setting of detourd's", i + 1);
        else if (name != NULL && block_sets(cf, block, name))
            drift(mark, "main.cf line %zu sets %s, which the route in force sets too", i + 1, name);
    }
}

/* The lines of a block whose checksum fits are as put_block wrote them. */
static void read_settings(const struct main_cf *cf, const struct block *block,
                          struct settings *settings)
{
    for (size_t i = block->begin; i < block->end; i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *name = main_cf_name(cf, line->logical);
        size_t skip = name == NULL ? 0 : strlen(name) + strlen(" = ");
        if (name == NULL || line->len <= skip)
            continue;
        char *value = memory_format("%.*s", (int)(line->len - skip - 1), line->text + skip);
        settings_add(settings, name, value);
        free(value);
    }
}

static void find_orphans(const struct main_cf *cf, struct mark *mark)
{
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (main_cf_line_begins(main_cf_line(cf, i), PREFIX))
            drift(mark,
                  "main.cf line %zu bears the mark \"" PREFIX
                  "\", but no route of detourd's is in force",
                  i + 1);
}

static void judge(const struct main_cf *cf, struct block *block, struct mark *mark)
{
    if (block->begin == NOWHERE && block->end == NOWHERE)
        find_orphans(cf, mark);
    else if (block->begin == NOWHERE || block->end == NOWHERE || block->end <= block->begin)
        drift(mark, "main.cf holds only a part of detourd's block (line %zu)",
              (block->begin == NOWHERE ? block->end : block->begin) + 1);
    else if (!read_begin(main_cf_line(cf, block->begin), mark, &block->no_newline) ||
             !checksum_fits(cf, block))
        drift(mark, "main.cf lines %zu to %zu, detourd's block, were edited", block->begin + 1,
              block->end + 1);
    else
        find_intruders(cf, block, mark);
    if (mark->drift_count == 0 && mark->generation != 0)
        read_settings(cf, block, &mark->settings);
}

struct mark *mark_read(const struct main_cf *cf)
{
    struct mark *mark = memory_zero(1, sizeof *mark);

    mark->route = route_direct();
    struct block block = find_block(cf, mark);
    if (mark->drift_count == 0)
        judge(cf, &block, mark);
    return mark;
}

void mark_free(struct mark *mark)
{
    if (mark == NULL)
        return;
    for (size_t i = 0; i < mark->drift_count; i++)
        free(mark->drift[i]);
    free(mark->drift);
    settings_free(&mark->settings);
    free(mark);
}

static void put(FILE *out, const char *bytes, size_t len)
{
    fwrite(bytes, 1, len, out);
}

char *mark_remove(const struct main_cf *cf, size_t *len)
{
    struct mark mark = { 0 };
    struct block block = find_block(cf, &mark);
    size_t count = main_cf_line_count(cf), prefix = strlen(PREFIX);
    struct text text;

    text_open(&text);
    if (block.begin != NOWHERE)
        read_begin(main_cf_line(cf, block.begin), &mark, &block.no_newline);
    for (size_t i = 0; i < count; i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        size_t skip = main_cf_line_begins(line, PREFIX) ? prefix : 0, n = line->len - skip;
        if (block.begin != NOWHERE && i >= block.begin && i <= block.end)
            continue;
        /* Give back the missing newline too, unless something now stands behind it. */
        if (block.no_newline && i + 1 == block.begin && block.end + 1 == count && n > 0 &&
            line->text[line->len - 1] == '\n')
            n--;
        put(text.out, line->text + skip, n);
    }
    text_close(&text);
    *len = text.len;
    return text.bytes;
}

static void put_block(FILE *out, const struct route *route, unsigned long generation,
                      const struct settings *settings, bool no_newline)
{
    struct text block;

    text_open(&block);
    if (route_is_direct(route))
        fprintf(block.out, BEGIN "prepared");
    else
        fprintf(block.out, BEGIN "relay %s %u", route->name, route->port);
    fprintf(block.out, " generation %lu%s\n" NOTICE, generation, no_newline ? NO_NEWLINE : "");
    for (size_t i = 0; i < settings->count; i++)
        fprintf(block.out, "%s = %s\n", settings->item[i].name, settings->item[i].value);
    text_close(&block);
    put(out, block.bytes, block.len);
    fprintf(out, END "%016" PRIx64 "\n", checksum(CHECKSUM_START, block.bytes, block.len));
    free(block.bytes);
}

char *mark_set(const struct main_cf *cf, const struct route *route, unsigned long generation,
               const struct settings *settings, size_t *len)
{
    size_t count = main_cf_line_count(cf);
    bool no_newline = false;
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < count; i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *name = main_cf_name(cf, line->logical);
        if (name != NULL && settings_value(settings, name) != NULL)
            put(text.out, PREFIX, strlen(PREFIX));
        put(text.out, line->text, line->len);
        no_newline = line->text[line->len - 1] != '\n';
    }
    if (no_newline)
        put(text.out, "\n", 1);
    put_block(text.out, route, generation, settings, no_newline);
    text_close(&text);
    *len = text.len;
    return text.bytes;
}
