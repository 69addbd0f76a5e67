/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/block.h"

#include "lib/memory.h"
#include "postfix/base/checksum.h"
#include "postfix/base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN      "# detourd: begin "
#define END        "# detourd: end "
#define NO_NEWLINE " no-newline"

/* How each kind of block is taken out. */
#define NOTICE(verb) "# Written by detour-apply(8); \"detour-apply " verb "\" takes it out again.\n"
static const char by_direct[] = NOTICE("direct"), by_remove[] = NOTICE("remove");

enum block_line block_line_kind(const struct main_cf_line *line)
{
    if (main_cf_line_begins(line, BEGIN))
        return BLOCK_BEGIN;
    if (main_cf_line_begins(line, END))
        return BLOCK_END;
    bool notice = main_cf_line_begins(line, by_direct) || main_cf_line_begins(line, by_remove);
    return notice ? BLOCK_NOTICE : BLOCK_NONE;
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

/* After "begin ": what the head's kind is and speaks of. How much of TEXT that took; 0 where it
 * does not say. */
static int read_kind(const char *text, struct block_head *head)
{
    char name[TOKEN_MAX + 1];
    unsigned port;
    int used = 0;

    *head = (struct block_head){ .kind = BLOCK_RELAY, .route = route_direct() };
    if (sscanf(text, BEGIN "prepared generation %9lu%n", &head->generation, &used) == 1)
        head->kind = BLOCK_PREPARED;
    else if (sscanf(text, BEGIN "transport generation %9lu%n", &head->generation, &used) == 1)
        head->kind = BLOCK_TRANSPORT;
    else if (sscanf(text, BEGIN "relay %64s %5u generation %9lu%n", name, &port, &head->generation,
                    &used) == 3)
        head->route = route_relay(name, (uint16_t)port);
    else
        return 0;
    bool valid = head->kind != BLOCK_RELAY || (token_valid(name) && port > 0 && port <= 65535);
    return valid ? used : 0;
}

bool block_head_read(const struct main_cf_line *line, struct block_head *head)
{
    struct block_head read;
    char text[256];

    copy_line(line, text, sizeof text);
    int used = read_kind(text, &read);
    if (used == 0 || read.generation == 0)
        return false;
    read.no_newline = strcmp(text + used, NO_NEWLINE) == 0;
    if (text[used] != '\0' && !read.no_newline)
        return false;
    *head = read;
    return true;
}

char *block_head_text(const struct block_head *head)
{
    const char *end = head->no_newline ? NO_NEWLINE : "";

    if (head->kind == BLOCK_RELAY)
        return memory_format(BEGIN "relay %s %u generation %lu%s\n", head->route.name,
                             head->route.port, head->generation, end);
    return memory_format(BEGIN "%s generation %lu%s\n",
                         head->kind == BLOCK_PREPARED ? "prepared" : "transport", head->generation,
                         end);
}

char *block_around(const struct block_head *head, const char *body)
{
    char *first = block_head_text(head);
    char *block =
        memory_format("%s%s%s", first, head->kind == BLOCK_TRANSPORT ? by_remove : by_direct, body);
    uint64_t sum = checksum_add(CHECKSUM_START, block, strlen(block));
    char *whole = memory_format("%s" END "%016" PRIx64 "\n", block, sum);

    free(block);
    free(first);
    return whole;
}

char *block_text(const struct block_head *head, const struct settings *settings)
{
    struct text body;

    text_open(&body);
    for (size_t i = 0; i < settings->count; i++)
        fprintf(body.out, "%s = %s\n", settings->item[i].name, settings->item[i].value);
    text_close(&body);
    char *whole = block_around(head, body.bytes);
    free(body.bytes);
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

struct block_frame block_frame_find(const struct main_cf *cf)
{
    struct block_frame frame = { .begin = BLOCK_NOWHERE, .end = BLOCK_NOWHERE };

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        enum block_line kind = block_line_kind(main_cf_line(cf, i));
        if (kind == BLOCK_BEGIN && frame.begins++ == 0)
            frame.begin = i;
        if (kind == BLOCK_END && frame.ends++ == 0)
            frame.end = i;
    }
    frame.readable =
        frame.begin != BLOCK_NOWHERE && block_head_read(main_cf_line(cf, frame.begin), &frame.head);
    return frame;
}

bool block_frame_is_whole(const struct block_frame *frame)
{
    return frame->readable && frame->begins == 1 && frame->ends == 1 && frame->begin < frame->end;
}

static bool is_intact(const struct main_cf *cf, const struct block_frame *frame)
{
    return block_frame_is_whole(frame) && block_is_intact(cf, frame->begin, frame->end);
}

/* RECORD may be NULL; then WRITTEN is FRAME. */
static bool added_newline(const struct main_cf *cf, const struct block_frame *frame,
                          const struct main_cf *record, const struct block_frame *written,
                          const struct block_head *head)
{
    if (!head->no_newline || record == NULL || frame->begins == 0)
        return head->no_newline;
    if (frame->begin == 0 || written->begin == 0)
        return false;
    const struct main_cf_line *now = main_cf_line(cf, frame->begin - 1);
    const struct main_cf_line *then = main_cf_line(record, written->begin - 1);
    return now->len == then->len && memcmp(now->text, then->text, now->len) == 0;
}

struct block_written block_written_find(const struct main_cf *cf, const struct block_frame *frame,
                                        const struct main_cf *record)
{
    struct block_frame recorded =
        record == NULL ? (struct block_frame){ 0 } : block_frame_find(record);
    bool is_recorded = record != NULL && is_intact(record, &recorded);

    if (!is_recorded && !is_intact(cf, frame))
        return (struct block_written){ .legible = frame->begins + frame->ends == 0 };
    struct block_written w = { .legible = true,
                               .in = is_recorded ? record : cf,
                               .frame = is_recorded ? recorded : *frame };
    w.head = frame->readable ? frame->head : w.frame.head;
    w.no_newline = added_newline(cf, frame, is_recorded ? record : NULL, &w.frame, &w.head);
    return w;
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
