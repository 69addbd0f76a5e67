/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/master_cf.h"

#include "lib/memory.h"
#include "postfix/base/findings.h"
#include "postfix/base/text.h"
#include "postfix/cf/block.h"
#include "postfix/cf/entry.h"
#include "postfix/cf/service_ownership.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned long master_generation(const struct main_cf *cf, bool *any)
{
    return mark_generation(cf, any);
}

static void read_services(const struct main_cf *cf, const struct block_frame *frame,
                          struct services *services)
{
    struct entry_lines entry = entry_next(cf, frame->begin);

    for (; entry.first < frame->end; entry = entry_next(cf, entry.last + 1)) {
        /* What continues the last one behind the block is not ours. */
        struct entry_lines own = { entry.first, entry.last < frame->end ? entry.last : frame->end };
        char *name = entry_name(cf, own), *text = entry_text(cf, own);
        if (name != NULL)
            services_add(services, name, text);
        free(text);
        free(name);
    }
}

static void find_written(const struct main_cf *cf, const struct block_frame *frame,
                         const struct main_cf *record, struct master_mark *mark)
{
    struct block_written written = block_written_find(cf, frame, record);

    mark->legible = written.legible;
    if (written.in == NULL)
        return;
    mark->generation = written.head.generation;
    mark->no_newline = written.no_newline;
    read_services(written.in, &written.frame, &mark->services);
}

/* The entries that are about a service. Where they stand says little: "postconf -P" of the last
 * entry before our block moves it into the block, and of our own last one behind it, since it
 * writes an entry behind the comments that follow it (pcf_gobble_cf_line() in Postfix's
 * src/postconf/postconf_edit.c). */
struct tally {
    size_t ours, commented, theirs;
    size_t ours_at, theirs_at; /* the line of the last one */
};

static void count_line(struct tally *t, const struct line_owner *owner, size_t i, bool first)
{
    t->commented += owner->kind == LINE_COMMENTED;
    if (owner->kind == LINE_OURS && first) {
        t->ours++;
        t->ours_at = i;
    }
    if (owner->kind == LINE_THEIRS && first) {
        t->theirs++;
        t->theirs_at = i;
    }
}

/* One for each of COUNT services; the caller frees it. */
static struct tally *tally(const struct main_cf *cf, const struct line_owner *owner, size_t count)
{
    struct tally *tallies = memory_zero(count + 1, sizeof *tallies);
    size_t logical = NO_LOGICAL_LINE;

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        size_t own = main_cf_line(cf, i)->logical;
        if (owner[i].setting != NO_SERVICE)
            count_line(&tallies[owner[i].setting], &owner[i], i, own != logical);
        if (own != NO_LOGICAL_LINE)
            logical = own;
    }
    return tallies;
}

static enum claim claim_of(const struct tally *t, bool gone)
{
    if (t->theirs > 0)
        return t->ours > 0 || gone ? CLAIM_ELSEWHERE : CLAIM_EDITED;
    if (t->ours > 0)
        return CLAIM_OURS;
    return t->commented > 0 ? CLAIM_COMMENTED : CLAIM_DELETED;
}

static void say_claim(const char *name, enum claim claim, const struct tally *t,
                      struct findings *drift)
{
    if (claim == CLAIM_EDITED)
        findings_add(drift, "the service %s was edited (master.cf line %zu)", name,
                     t->theirs_at + 1);
    else if (claim == CLAIM_ELSEWHERE)
        findings_add(drift, "the service %s is entered by master.cf line %zu too", name,
                     t->theirs_at + 1);
    else if (claim == CLAIM_COMMENTED)
        findings_add(drift, "the service %s was commented out in master.cf", name);
    else if (claim == CLAIM_DELETED)
        findings_add(drift, "the service %s was taken out of master.cf", name);
    else if (t->ours > 1)
        findings_add(drift, "the service %s stands in master.cf more than once (line %zu)", name,
                     t->ours_at + 1);
}

/* The type is of no interest to the reader. */
static const char *shown(const char *name, char out[SHORTENED])
{
    snprintf(out, SHORTENED, "%.*s", (int)strcspn(name, "/"), name);
    return out;
}

static void find_claims(const struct main_cf *cf, const struct line_owner *owner,
                        struct master_mark *mark, struct findings *drift)
{
    struct tally *tallies = tally(cf, owner, mark->services.count);
    char name[SHORTENED];

    mark->claims = memory_zero(mark->services.count + 1, sizeof *mark->claims);
    for (size_t k = 0; k < mark->services.count; k++) {
        enum claim claim = claim_of(&tallies[k], mark->gone);
        mark->claims[k] = claim;
        if (!mark->gone || claim != CLAIM_DELETED)
            say_claim(shown(mark->services.item[k].name, name), claim, &tallies[k], drift);
    }
    free(tallies);
}

/* What lost its first line, or what somebody indented, goes on where the owner's last entry ended.
 */
static void find_continued(const struct main_cf *cf, const struct line_owner *owner,
                           struct findings *drift)
{
    size_t first = 0;

    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        size_t logical = main_cf_line(cf, i)->logical;
        if (logical == NO_LOGICAL_LINE)
            continue;
        if (logical != main_cf_line(cf, first)->logical)
            first = i;
        if (owner[i].in_block && !owner[first].in_block) {
            findings_add(drift,
                         "master.cf line %zu, in detourd's block, continues the entry of line %zu",
                         i + 1, first + 1);
            return;
        }
    }
}

static void judge_frame(const struct block_frame *frame, const struct master_mark *mark,
                        struct findings *drift)
{
    if (!mark->legible)
        findings_add(drift, "master.cf holds lines of a block of detourd's that was edited, and "
                            "nothing says what it was; take them out by hand");
    else if (mark->gone)
        findings_add(drift,
                     "detourd's block is gone from master.cf, which was replaced or put back");
    else if (frame->begins > 1 || frame->ends > 1)
        findings_add(drift, "detourd's block stands in master.cf more than once");
    else if (mark->generation != 0 && !block_frame_is_whole(frame))
        findings_add(drift, "the first or the last line of detourd's block in master.cf was edited "
                            "or taken out");
}

static bool any_ours(const struct main_cf *cf, const struct line_owner *owner)
{
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (owner[i].kind == LINE_OURS || owner[i].kind == LINE_FRAME)
            return true;
    return false;
}

struct master_mark *master_mark_read(const struct main_cf *cf, const struct main_cf *record)
{
    struct master_mark *mark = memory_zero(1, sizeof *mark);
    struct block_frame frame = block_frame_find(cf);
    struct findings drift = { 0 };

    find_written(cf, &frame, record, mark);
    struct line_owner *owner = service_ownership_find(cf, &mark->services);
    mark->gone = mark->generation != 0 && !any_ours(cf, owner);
    judge_frame(&frame, mark, &drift);
    if (mark->generation != 0) {
        find_claims(cf, owner, mark, &drift);
        find_continued(cf, owner, &drift);
    }
    mark->drift = drift.text;
    mark->drift_count = drift.count;
    free(owner);
    return mark;
}

void master_mark_free(struct master_mark *mark)
{
    if (mark == NULL)
        return;
    findings_free(&(struct findings){ .text = mark->drift, .count = mark->drift_count });
    free(mark->claims);
    services_free(&mark->services);
    free(mark);
}

char *master_mark_set(const struct main_cf *cf, unsigned long generation,
                      const struct services *services, size_t *len)
{
    struct block_head head = { .kind = BLOCK_TRANSPORT, .generation = generation };
    struct text body, text;

    text_open(&body);
    for (size_t k = 0; k < services->count; k++)
        fputs(services->item[k].text, body.out);
    text_close(&body);
    text_open(&text);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        fwrite(line->text, 1, line->len, text.out);
        head.no_newline = line->text[line->len - 1] != '\n';
    }
    char *block = block_around(&head, body.bytes);
    fprintf(text.out, "%s%s", head.no_newline ? "\n" : "", block);
    text_close(&text);
    free(block);
    free(body.bytes);
    *len = text.len;
    return text.bytes;
}

static bool stays(const struct line_owner *owner)
{
    return owner->kind == LINE_OTHER || owner->kind == LINE_THEIRS;
}

char *master_mark_remove(const struct main_cf *cf, const struct master_mark *mark, size_t *len)
{
    struct line_owner *owner = service_ownership_find(cf, &mark->services);
    struct text text;
    bool behind = false, seen = false;

    text_open(&text);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        seen = seen || block_line_kind(line) == BLOCK_BEGIN;
        if (!stays(&owner[i]))
            continue;
        fwrite(line->text, 1, line->len, text.out);
        behind = behind || seen;
    }
    text_close(&text);
    free(owner);
    *len = text.len;
    /* The newline that was added for the block goes with it. */
    if (mark->no_newline && seen && !behind && text.len > 0 && text.bytes[text.len - 1] == '\n')
        text.bytes[--*len] = '\0';
    return text.bytes;
}

size_t master_line_of(const struct main_cf *cf, const char *name)
{
    struct services wanted = { 0 };
    size_t line = 0, count = main_cf_line_count(cf);
    char *whole = memory_format("%s/unix", name);

    services_add(&wanted, whole, "");
    free(whole);
    for (struct entry_lines entry = entry_next(cf, 0); entry.first < count;
         entry = entry_next(cf, entry.last + 1)) {
        char *own = entry_name(cf, entry);
        if (own != NULL && service_in_place(&wanted, own) != NO_SERVICE)
            line = entry.first + 1;
        free(own);
    }
    services_free(&wanted);
    return line;
}

char *master_word(const struct main_cf *cf, const char *name, size_t n)
{
    size_t count = main_cf_line_count(cf);
    char *word = NULL;

    for (struct entry_lines entry = entry_next(cf, 0); entry.first < count;
         entry = entry_next(cf, entry.last + 1)) {
        char *own = entry_name(cf, entry);
        if (own != NULL && strcmp(own, name) == 0) {
            free(word);
            word = entry_word(cf, entry, n);
        }
        free(own);
    }
    return word;
}
