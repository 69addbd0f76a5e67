/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/block.h"

#include "lib/memory.h"
#include "postfix/checksum.h"
#include "postfix/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN      "# detourd: begin "
#define END        "# detourd: end "
#define NO_NEWLINE " no-newline"
#define NOTICE     "# Written by detour-apply(8); \"detour-apply direct\" takes it out again.\n"

enum block_line block_line_kind(const struct main_cf_line *line)
{
    if (main_cf_line_begins(line, BEGIN))
        return BLOCK_BEGIN;
    if (main_cf_line_begins(line, END))
        return BLOCK_END;
    return main_cf_line_begins(line, NOTICE) ? BLOCK_NOTICE : BLOCK_NONE;
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

bool block_head_read(const struct main_cf_line *line, struct block_head *head)
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
    bool no_newline = strcmp(text + used, NO_NEWLINE) == 0;
    if (text[used] != '\0' && !no_newline)
        return false;
    *head =
        (struct block_head){ .route = prepared ? route_direct() : route_relay(name, (uint16_t)port),
                             .generation = generation,
                             .no_newline = no_newline };
    return true;
}

char *block_head_text(const struct block_head *head)
{
    const char *end = head->no_newline ? NO_NEWLINE : "";

    if (route_is_direct(&head->route))
        return memory_format(BEGIN "prepared generation %lu%s\n", head->generation, end);
    return memory_format(BEGIN "relay %s %u generation %lu%s\n", head->route.name, head->route.port,
                         head->generation, end);
}

char *block_text(const struct block_head *head, const struct settings *settings)
{
    char *first = block_head_text(head);
    struct text block;

    text_open(&block);
    fputs(first, block.out);
    fputs(NOTICE, block.out);
    for (size_t i = 0; i < settings->count; i++)
        fprintf(block.out, "%s = %s\n", settings->item[i].name, settings->item[i].value);
    text_close(&block);
    char *whole = memory_format("%s" END "%016" PRIx64 "\n", block.bytes,
                                checksum_add(CHECKSUM_START, block.bytes, block.len));
    free(block.bytes);
    free(first);
    return whole;
}

bool block_is_intact(const struct main_cf *cf, size_t begin, size_t end)
{
    char text[64], expected[64];
    uint64_t sum = CHECKSUM_START;

    for (size_t i = begin; i < end; i++)
        sum = checksum_add(sum, main_cf_line(cf, i)->text, main_cf_line(cf, i)->len);
    snprintf(expected, sizeof expected, END "%016" PRIx64, sum);
    copy_line(main_cf_line(cf, end), text, sizeof text);
    return strcmp(text, expected) == 0;
}

void block_settings(const struct main_cf *cf, size_t begin, size_t end, struct settings *settings)
{
    for (size_t i = begin; i < end; i++) {
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
