/* SPDX-License-Identifier: BSD-2-Clause */
/* How a mark comes off again: each line has its fate. */
#include "postfix/cf/mark.h"

#include "lib/memory.h"
#include "postfix/base/text.h"
#include "postfix/cf/block.h"
#include "postfix/cf/ownership.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct removal {
    const struct main_cf *cf;
    const struct mark *mark;
    struct line_owner *owner;
    bool handed_over;
    bool *moved; /* for each setting: its line of theirs stands where one was put aside */
    bool *has_aside;
    struct run out;
};

static const char *skip_space(const char *text, const char *end)
{
    while (text < end && isspace((unsigned char)*text))
        text++;
    return text;
}

/* The host of a nexthop: "[relay.example]:587" or "relay.example:587". */
static const char *host_of(const char *text, const char *end, size_t *len)
{
    text = skip_space(text, end);
    if (text < end && *text == '[')
        text++;
    for (*len = 0; text + *len < end && strchr("]: \t\r\n", text[*len]) == NULL;)
        ++*len;
    return text;
}

bool mark_is_handed_over(const struct main_cf *cf, const struct mark *mark)
{
    size_t setting = settings_find(&mark->settings, "relayhost"), ours_len, len;
    bool same = false;

    if (setting == NO_SETTING || mark->gone || mark->claims[setting] == CLAIM_OURS)
        return false;
    const char *value = mark->settings.item[setting].value;
    const char *ours = host_of(value, value + strlen(value), &ours_len);
    struct line_owner *owner = ownership_find(cf, &mark->settings);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        const char *equals = memchr(line->text, '=', line->len);
        if (owner[i].kind != LINE_THEIRS || owner[i].setting != setting || equals == NULL)
            continue;
        const char *theirs = host_of(equals + 1, line->text + line->len, &len);
        same = len == ours_len && strncasecmp(theirs, ours, len) == 0;
    }
    free(owner);
    return same;
}

static bool has_ours(const struct main_cf *cf, const struct line_owner *owner, size_t setting)
{
    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        if (owner[i].kind == LINE_OURS && owner[i].setting == setting)
            return true;
    return false;
}

void mark_taken_off(const struct main_cf *cf, const struct mark *mark, struct settings *out)
{
    bool handed_over = mark_is_handed_over(cf, mark);
    struct line_owner *owner = ownership_find(cf, &mark->settings);

    for (size_t k = 0; k < mark->settings.count; k++) {
        const struct setting *s = &mark->settings.item[k];
        bool comes_back = mark->gone && mark->claims[k] == CLAIM_DELETED;
        if (comes_back || (!handed_over && has_ours(cf, owner, k)))
            settings_add(out, s->name, s->value);
    }
    free(owner);
}

static void put_line(struct removal *r, size_t i, size_t skip)
{
    const struct main_cf_line *line = main_cf_line(r->cf, i);

    run_put(&r->out, line->text + skip, line->len - skip);
}

/* Whether their line for a setting goes to where the owner's was put aside. */
static bool moves(const struct removal *r, size_t setting)
{
    return r->mark->claims[setting] == CLAIM_EDITED && r->has_aside[setting];
}

static void put_theirs(struct removal *r, size_t setting)
{
    if (r->moved[setting])
        return;
    r->moved[setting] = true;
    for (size_t i = 0; i < main_cf_line_count(r->cf); i++)
        if (r->owner[i].kind == LINE_THEIRS && r->owner[i].in_block &&
            r->owner[i].setting == setting)
            put_line(r, i, 0);
}

/* Whether a line that counts sets what a line put aside set, though no setting of ours did. */
static bool is_set(const struct main_cf *cf, const struct main_cf_line *aside)
{
    char *name = put_aside_name(aside);
    bool found = false;

    for (size_t i = 0; name != NULL && !found && i < main_cf_line_count(cf); i++) {
        const char *other = main_cf_name(cf, main_cf_line(cf, i)->logical);
        found = other != NULL && strcmp(other, name) == 0;
    }
    free(name);
    return found;
}

static void put_commented(struct removal *r, size_t i)
{
    run_put(&r->out, "#", 1);
    put_line(r, i, strlen(PUT_ASIDE));
}

static void put_aside_line(struct removal *r, size_t i)
{
    size_t setting = r->owner[i].setting, skip = strlen(PUT_ASIDE);

    if (setting == NO_SETTING) {
        if (is_set(r->cf, main_cf_line(r->cf, i)))
            put_commented(r, i);
        else
            put_line(r, i, skip);
        return;
    }
    enum claim claim = r->mark->claims[setting];
    if (claim == CLAIM_EDITED)
        put_theirs(r, setting);
    else if (claim == CLAIM_COMMENTED || (claim == CLAIM_OURS && r->handed_over))
        put_commented(r, i);
    else if (claim == CLAIM_OURS || (claim == CLAIM_DELETED && r->mark->gone))
        put_line(r, i, skip);
}

static void put_what_stays(struct removal *r, size_t i)
{
    const struct line_owner *o = &r->owner[i];

    if (o->kind == LINE_ASIDE)
        put_aside_line(r, i);
    else if (o->kind == LINE_OTHER || (o->kind == LINE_OURS && r->handed_over))
        put_line(r, i, 0);
    else if (o->kind == LINE_THEIRS && !(o->in_block && moves(r, o->setting)))
        put_line(r, i, 0);
}

/* The newline that was added for the block goes with it, unless something now stands behind it. */
static size_t without_added_newline(const struct removal *r, const char *text, size_t len,
                                    size_t before_block)
{
    bool nothing_behind = len == before_block;

    return r->mark->no_newline && nothing_behind && len > 0 && text[len - 1] == '\n' ? len - 1
                                                                                     : len;
}

static void find_aside(struct removal *r)
{
    for (size_t i = 0; i < main_cf_line_count(r->cf); i++)
        if (r->owner[i].kind == LINE_ASIDE && r->owner[i].setting != NO_SETTING)
            r->has_aside[r->owner[i].setting] = true;
}

char *mark_remove(const struct main_cf *cf, const struct mark *mark, size_t *len)
{
    struct removal r = { .cf = cf, .mark = mark };
    struct text text;
    size_t before_block = (size_t)-1;

    text_open(&text);
    r.out.out = text.out;
    r.owner = ownership_find(cf, &mark->settings);
    r.moved = memory_zero(mark->settings.count + 1, sizeof *r.moved);
    r.has_aside = memory_zero(mark->settings.count + 1, sizeof *r.has_aside);
    r.handed_over = mark_is_handed_over(cf, mark);
    find_aside(&r);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        if (block_line_kind(main_cf_line(cf, i)) == BLOCK_BEGIN) {
            run_end(&r.out);
            if (fflush(text.out) == 0)
                before_block = text.len;
        }
        put_what_stays(&r, i);
    }
    run_end(&r.out);
    text_close(&text);
    *len = without_added_newline(&r, text.bytes, text.len, before_block);
    free(r.owner);
    free(r.moved);
    free(r.has_aside);
    return text.bytes;
}

char *mark_remove_route(const struct main_cf *cf, const struct mark *mark, size_t *len)
{
    struct block_head head = { .kind = BLOCK_PREPARED,
                               .route = route_direct(),
                               .generation = mark->generation,
                               .no_newline = mark->no_newline };
    size_t setting = settings_find(&mark->settings, "relayhost");
    struct line_owner *owner = ownership_find(cf, &mark->settings);
    char *first = block_head_text(&head);
    struct text text;

    text_open(&text);
    for (size_t i = 0; i < main_cf_line_count(cf); i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        bool about = setting != NO_SETTING && owner[i].setting == setting;
        size_t skip = about && owner[i].kind == LINE_ASIDE ? strlen(PUT_ASIDE) : 0;
        if (block_line_kind(line) == BLOCK_BEGIN)
            fputs(first, text.out);
        else if (!about || owner[i].kind != LINE_OURS)
            fwrite(line->text + skip, 1, line->len - skip, text.out);
    }
    text_close(&text);
    free(first);
    free(owner);
    *len = text.len;
    return text.bytes;
}
