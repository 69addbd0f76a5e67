/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/mark.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include "postfix/cf/block.h"
#include "postfix/cf/ownership.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mark_add_drift(struct mark *mark, const char *text)
{
    mark->drift = memory_grow(mark->drift, mark->drift_count + 1, sizeof *mark->drift);
    mark->drift[mark->drift_count++] = memory_copy(text);
}

static void drift(struct mark *mark, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void drift(struct mark *mark, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mark_add_drift(mark, text);
}

unsigned long mark_generation(const struct main_cf *cf, bool *any)
{
    struct block_frame frame = block_frame_find(cf);

    *any = frame.begins + frame.ends > 0;
    return frame.readable ? frame.head.generation : 0;
}

static void find_written(const struct main_cf *cf, const struct block_frame *frame,
                         const struct main_cf *record, struct mark *mark)
{
    struct block_written written = block_written_find(cf, frame, record);
    struct settings all = { 0 };

    mark->legible = written.legible;
    if (written.in == NULL)
        return;
    mark->generation = written.head.generation;
    mark->no_newline = written.no_newline;
    mark->kind = written.head.kind;
    block_settings(written.in, written.frame.begin, written.frame.end, &all);
    settings_add_others(&mark->settings, &all, mark->kind == BLOCK_PREPARED ? "relayhost" : "");
    settings_free(&all);
}

/* How often each kind of line is about a setting, and where the first one of theirs is. */
struct tally {
    size_t ours, commented, theirs, theirs_at;
    bool theirs_in_block;
};

/* One for each of COUNT settings; the caller frees it. */
static struct tally *tally(const struct main_cf *cf, const struct line_owner *owner, size_t count)
{
    struct tally *tallies = memory_zero(count + 1, sizeof *tallies);

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        if (owner[i].setting == NO_SETTING)
            continue;
        struct tally *t = &tallies[owner[i].setting];
        t->ours += owner[i].kind == LINE_OURS;
        t->commented += owner[i].kind == LINE_COMMENTED;
        if (owner[i].kind == LINE_THEIRS && t->theirs++ == 0)
            t->theirs_at = i;
        t->theirs_in_block =
            t->theirs_in_block || (owner[i].kind == LINE_THEIRS && owner[i].in_block);
    }
    return tallies;
}

static enum claim claim_of(const struct tally *t)
{
    if (t->theirs > 0)
        return t->theirs_in_block ? CLAIM_EDITED : CLAIM_ELSEWHERE;
    if (t->ours > 0)
        return CLAIM_OURS;
    return t->commented > 0 ? CLAIM_COMMENTED : CLAIM_DELETED;
}

static void say_claim(struct mark *mark, const char *name, enum claim claim, const struct tally *t)
{
    if (claim == CLAIM_EDITED)
        drift(mark, "%s, which the route in force sets, was given another value (main.cf line %zu)",
              name, t->theirs_at + 1);
    else if (claim == CLAIM_ELSEWHERE)
        drift(mark, "%s, which the route in force sets, is set by main.cf line %zu too", name,
              t->theirs_at + 1);
    else if (claim == CLAIM_COMMENTED)
        drift(mark, "%s, which the route in force sets, was commented out", name);
    else if (claim == CLAIM_DELETED)
        drift(mark, "%s, which the route in force sets, was taken out of main.cf", name);
}

static void find_claims(const struct main_cf *cf, const struct line_owner *owner, struct mark *mark)
{
    struct tally *tallies = tally(cf, owner, mark->settings.count);

    mark->claims = memory_zero(mark->settings.count + 1, sizeof *mark->claims);
    for (size_t k = 0; k < mark->settings.count; k++) {
        mark->claims[k] = claim_of(&tallies[k]);
        if (!mark->gone || mark->claims[k] != CLAIM_DELETED)
            say_claim(mark, mark->settings.item[k].name, mark->claims[k], &tallies[k]);
    }
    free(tallies);
}

/* From line *AT on, where the last one was found, for most of them come in the order of the record;
 * then from the beginning. */
static bool has_line(const struct main_cf *cf, const struct main_cf_line *line, size_t *at)
{
    size_t count = main_cf_line_count(cf);

    for (size_t n = 0; n < count; n++) {
        size_t i = (*at + n) % count;
        const struct main_cf_line *other = main_cf_line(cf, i);
        if (other->len == line->len && memcmp(other->text, line->text, line->len) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* What was put aside must be there when it is wanted back. Said once of a setting. */
static void find_missing(const struct main_cf *cf, const struct main_cf *record, struct mark *mark)
{
    size_t setting = NO_SETTING, said = NO_SETTING, at = 0;

    for (size_t i = 0; record != NULL && i < main_cf_line_count(record); i++) {
        const struct main_cf_line *line = main_cf_line(record, i);
        if (!main_cf_line_begins(line, PUT_ASIDE))
            continue;
        char *name = put_aside_name(line);
        if (name != NULL)
            setting = settings_find(&mark->settings, name);
        free(name);
        if (setting == NO_SETTING || setting == said || mark->claims[setting] != CLAIM_OURS ||
            has_line(cf, line, &at))
            continue;
        said = setting;
        name = mark->settings.item[setting].name;
        drift(mark,
              "the line that sets %s without the route (\"" PUT_ASIDE "%s ...\") was edited or "
              "taken out; detourd/main.cf.before has it",
              name, name);
    }
}

static void find_orphans(const struct main_cf *cf, struct mark *mark)
{
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (main_cf_line_begins(main_cf_line(cf, i), PUT_ASIDE))
            drift(mark,
                  "main.cf line %zu bears the mark \"" PUT_ASIDE
                  "\", but no route of detourd's is in force",
                  i + 1);
}

static void judge_frame(const struct block_frame *frame, struct mark *mark)
{
    if (!mark->legible)
        drift(mark, "main.cf holds lines of a block of detourd's that was edited, and nothing says "
                    "what it was; take them out by hand");
    else if (frame->begins > 1 || frame->ends > 1)
        drift(mark, "detourd's block stands in main.cf more than once");
    else if (frame->begins + frame->ends > 0 && !block_frame_is_whole(frame))
        drift(mark, "the first or the last line of detourd's block was edited or taken out");
}

/* The last line that counts of those that lead somewhere must be ours. */
static bool sets_route(const struct main_cf *cf, const struct line_owner *owner,
                       const struct mark *mark)
{
    size_t setting = settings_find(&mark->settings,
                                   mark->kind == BLOCK_TRANSPORT ? TRANSPORT_SETTING : "relayhost");
    bool ours = false;

    for (size_t i = 0; setting != NO_SETTING && i < main_cf_line_count(cf); i++)
        if (owner[i].setting == setting)
            ours = owner[i].kind == LINE_OURS || (ours && owner[i].kind != LINE_THEIRS);
    return ours;
}

static bool any_ours(const struct main_cf *cf, const struct line_owner *owner)
{
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (owner[i].kind == LINE_OURS || owner[i].kind == LINE_FRAME)
            return true;
    return false;
}

static void judge(const struct main_cf *cf, const struct main_cf *record, struct mark *mark)
{
    struct block_frame frame = block_frame_find(cf), written = { 0 };

    find_written(cf, &frame, record, mark);
    judge_frame(&frame, mark);
    if (mark->generation == 0) {
        if (mark->legible)
            find_orphans(cf, mark);
        return;
    }
    struct line_owner *owner = ownership_find(cf, &mark->settings);
    mark->gone = !any_ours(cf, owner);
    if (mark->gone)
        drift(mark, "detourd's block is gone from main.cf, which was replaced or put back");
    find_claims(cf, owner, mark);
    find_missing(cf, record, mark);
    if (record != NULL)
        written = block_frame_find(record);
    mark->leads = mark->kind != BLOCK_PREPARED && sets_route(cf, owner, mark);
    if (mark->leads && mark->kind == BLOCK_RELAY)
        mark->route = frame.readable ? frame.head.route : written.head.route;
    mark->reverted = mark->gone || (mark->kind != BLOCK_PREPARED && !mark->leads);
    free(owner);
}

struct mark *mark_read(const struct main_cf *cf, const struct main_cf *record)
{
    struct mark *mark = memory_zero(1, sizeof *mark);

    mark->route = route_direct();
    judge(cf, record, mark);
    return mark;
}

void mark_free(struct mark *mark)
{
    if (mark == NULL)
        return;
    for (size_t i = 0; i < mark->drift_count; i++)
        free(mark->drift[i]);
    free(mark->drift);
    free(mark->claims);
    settings_free(&mark->settings);
    free(mark);
}

static char *set(const struct main_cf *cf, struct block_head head, const struct settings *settings,
                 size_t *len)
{
    size_t logical = NO_LOGICAL_LINE;
    bool aside = false;
    struct text text;

    text_open(&text);
    struct run run = { .out = text.out };
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        if (line->logical != NO_LOGICAL_LINE && line->logical != logical) {
            const char *name = main_cf_name(cf, line->logical);
            aside = name != NULL && settings_find(settings, name) != NO_SETTING;
            logical = line->logical;
        }
        if (aside && line->logical != NO_LOGICAL_LINE)
            run_put(&run, PUT_ASIDE, strlen(PUT_ASIDE));
        run_put(&run, line->text, line->len);
        head.no_newline = line->text[line->len - 1] != '\n';
    }
    run_end(&run);
    char *block = block_text(&head, settings);
    fprintf(text.out, "%s%s", head.no_newline ? "\n" : "", block);
    text_close(&text);
    free(block);
    *len = text.len;
    return text.bytes;
}

char *mark_set(const struct main_cf *cf, const struct route *route, unsigned long generation,
               const struct settings *settings, size_t *len)
{
    struct block_head head = { .kind = route_is_direct(route) ? BLOCK_PREPARED : BLOCK_RELAY,
                               .route = *route,
                               .generation = generation };

    return set(cf, head, settings, len);
}

char *mark_install(const struct main_cf *cf, unsigned long generation,
                   const struct settings *settings, size_t *len)
{
    struct block_head head = { .kind = BLOCK_TRANSPORT,
                               .route = route_direct(),
                               .generation = generation };

    return set(cf, head, settings, len);
}
