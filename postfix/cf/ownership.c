/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/ownership.h"

#include "lib/memory.h"
#include "postfix/base/paths.h"
#include "postfix/cf/block.h"
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char *put_aside_name(const struct main_cf_line *line)
{
    size_t from = strlen(PUT_ASIDE), n = from;

    while (n < line->len && !is_space(line->text[n]) && line->text[n] != '=')
        n++;
    return n == from ? NULL : memory_format("%.*s", (int)(n - from), line->text + from);
}

/* Whether TEXT, with or without a newline, is the setting as we write it. */
static bool is_written(const char *text, size_t len, const struct setting *setting)
{
    size_t name = strlen(setting->name), value = strlen(setting->value);

    if (len > 0 && text[len - 1] == '\n')
        len--;
    return len == name + 3 + value && memcmp(text, setting->name, name) == 0 &&
           memcmp(text + name, " = ", 3) == 0 &&
           memcmp(text + name + 3, setting->value, value) == 0;
}

/* The setting that a commented line used to be. */
static size_t commented(const struct main_cf_line *line, const struct settings *settings)
{
    size_t n = 1;

    if (line->len == 0 || line->text[0] != '#')
        return NO_SETTING;
    while (n < line->len && line->text[n] == ' ')
        n++;
    for (size_t k = 0; k < settings->count; k++)
        if (is_written(line->text + n, line->len - n, &settings->item[k]))
            return k;
    return NO_SETTING;
}

/* Only in our block: what is commented out elsewhere is the owner's. */
static void look_for_commented(const struct main_cf_line *line, const struct settings *settings,
                               struct line_owner *owner)
{
    owner->setting = commented(line, settings);
    if (owner->setting != NO_SETTING)
        owner->kind = LINE_COMMENTED;
}

/* By its text alone. ASIDE is the setting that the last line put aside was about. */
static struct line_owner first_look(const struct main_cf *cf, size_t i,
                                    const struct settings *settings, size_t *aside)
{
    const struct main_cf_line *line = main_cf_line(cf, i);
    const char *name = main_cf_name(cf, line->logical);

    if (main_cf_line_begins(line, PUT_ASIDE)) {
        char *own = put_aside_name(line);
        if (own != NULL)
            *aside = settings_find(settings, own);
        free(own);
        return (struct line_owner){ .kind = LINE_ASIDE, .setting = *aside };
    }
    size_t setting = name == NULL ? NO_SETTING : settings_find(settings, name);
    return (struct line_owner){ .kind = setting == NO_SETTING ? LINE_OTHER : LINE_THEIRS,
                                .setting = setting };
}

/* A block reaches from a first line to the next last line. */
static void mark_blocks(const struct main_cf *cf, struct line_owner *owner)
{
    size_t begin = 0;
    bool open = false;

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        enum block_line kind = block_line_kind(main_cf_line(cf, i));
        if (kind == BLOCK_BEGIN) {
            begin = i;
            open = true;
        } else if (kind == BLOCK_END && open) {
            for (size_t k = begin; k <= i; k++)
                owner[k].in_block = true;
            open = false;
        }
    }
}

/* Where there is a block of ours, a notice outside of it is the owner's: a copy. */
static void leave_copied_notices(const struct main_cf *cf, struct line_owner *owner)
{
    bool any = false;

    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        any = any || owner[i].in_block;
    for (size_t i = 0; any && i < main_cf_line_count(cf); i++)
        if (!owner[i].in_block && block_line_kind(main_cf_line(cf, i)) == BLOCK_NOTICE)
            owner[i].kind = LINE_OTHER;
}

void ownership_find_blocks(const struct main_cf *cf, struct line_owner *owner)
{
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (block_line_kind(main_cf_line(cf, i)) != BLOCK_NONE)
            owner[i].kind = LINE_FRAME;
    mark_blocks(cf, owner);
    leave_copied_notices(cf, owner);
}

static bool is_ours(const struct line_owner *owner)
{
    return owner->kind == LINE_FRAME || owner->kind == LINE_OURS;
}

void ownership_leave_stray_notices(const struct main_cf *cf, struct line_owner *owner)
{
    size_t count = main_cf_line_count(cf);

    for (size_t i = 0; i < count; i++) {
        bool below_begin = i > 0 && block_line_kind(main_cf_line(cf, i - 1)) == BLOCK_BEGIN;
        bool above_ours = i + 1 < count && owner[i + 1].kind == LINE_OURS;
        if (owner[i].kind == LINE_FRAME && !owner[i].in_block && !below_begin && !above_ours &&
            block_line_kind(main_cf_line(cf, i)) == BLOCK_NOTICE)
            owner[i].kind = LINE_OTHER;
    }
}

/* What continues a line of the block belongs to it, wherever it stands. */
static void keep_together(const struct main_cf *cf, struct line_owner *owner)
{
    size_t logical = NO_LOGICAL_LINE;
    bool in_block = false;

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        size_t own = main_cf_line(cf, i)->logical;
        if (own == NO_LOGICAL_LINE)
            continue;
        if (own != logical)
            in_block = owner[i].in_block;
        logical = own;
        owner[i].in_block = in_block;
    }
}

/* Whether nothing else continues the logical line of I. */
static bool stands_alone(const struct main_cf *cf, size_t i)
{
    size_t logical = main_cf_line(cf, i)->logical;

    for (size_t k = i + 1; k < main_cf_line_count(cf); k++) {
        size_t next = main_cf_line(cf, k)->logical;
        if (next != NO_LOGICAL_LINE)
            return next != logical;
    }
    return true;
}

static bool names_our_files(const struct setting *setting)
{
    return strstr(setting->value, "/" PRIVATE "/") != NULL;
}

/* A line of theirs at first look, when it is as we wrote it and stands where we put it. */
static void claim(const struct main_cf *cf, const struct settings *settings,
                  struct line_owner *owner, size_t i)
{
    const struct main_cf_line *line = main_cf_line(cf, i);
    struct line_owner *o = &owner[i];

    const struct setting *setting = &settings->item[o->setting];
    bool beside = (i > 0 && is_ours(&owner[i - 1])) ||
                  (i + 1 < main_cf_line_count(cf) && is_ours(&owner[i + 1]));
    if ((o->in_block || beside || names_our_files(setting)) &&
        is_written(line->text, line->len, setting) && stands_alone(cf, i))
        o->kind = LINE_OURS;
}

struct line_owner *ownership_find(const struct main_cf *cf, const struct settings *settings)
{
    size_t count = main_cf_line_count(cf), aside = NO_SETTING;
    struct line_owner *owner = memory_zero(count + 1, sizeof *owner);

    for (size_t i = 0; i < count; i++)
        owner[i] = first_look(cf, i, settings, &aside);
    ownership_find_blocks(cf, owner);
    keep_together(cf, owner);
    for (size_t i = 0; i < count; i++)
        if (owner[i].in_block && owner[i].kind == LINE_OTHER)
            look_for_commented(main_cf_line(cf, i), settings, &owner[i]);
    /* Down and up again: what stands beside a line of ours may be ours as well. */
    for (size_t i = 0; i < count; i++)
        if (owner[i].kind == LINE_THEIRS)
            claim(cf, settings, owner, i);
    for (size_t i = count; i > 0; i--)
        if (owner[i - 1].kind == LINE_THEIRS)
            claim(cf, settings, owner, i - 1);
    ownership_leave_stray_notices(cf, owner);
    return owner;
}
