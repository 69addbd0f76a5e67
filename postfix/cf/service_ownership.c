/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/service_ownership.h"

#include "lib/memory.h"
#include "postfix/cf/entry.h"
#include <stdlib.h>
#include <string.h>

size_t service_in_place(const struct services *services, const char *name)
{
    size_t len = strcspn(name, "/");
    size_t same = services_find(services, name);

    /* An inet service's socket is no file. */
    if (same != NO_SERVICE || strcmp(name + len, "/inet") == 0)
        return same;
    for (size_t k = 0; k < services->count; k++) {
        const char *ours = services->item[k].name;
        if (strncmp(ours, name, len) == 0 && ours[len] == '/')
            return k;
    }
    return NO_SERVICE;
}

static bool is_line_of(const struct main_cf_line *line, const char *text, size_t len)
{
    return line->len == len && memcmp(line->text, text, len) == 0;
}

/* Whether the line is one of a service's, but not its first. */
static bool is_later_line_of(const struct main_cf_line *line, const struct service *service)
{
    const char *at = strchr(service->text, '\n');

    while (at != NULL && *++at != '\0') {
        const char *end = strchr(at, '\n');
        if (end != NULL && is_line_of(line, at, (size_t)(end + 1 - at)))
            return true;
        at = end;
    }
    return false;
}

/* What is in our block and continues an entry that is not, or nothing at all. */
static void look_for_rest(const struct main_cf *cf, struct entry_lines entry,
                          const struct services *services, struct line_owner *owner)
{
    bool has_name = main_cf_name(cf, main_cf_line(cf, entry.first)->logical) != NULL;

    for (size_t i = entry.first + has_name; i <= entry.last; i++) {
        const struct main_cf_line *line = main_cf_line(cf, i);
        bool from_outside = owner[i].in_block && !(has_name && owner[entry.first].in_block);
        for (size_t k = 0; from_outside && k < services->count; k++)
            if (line->logical != NO_LOGICAL_LINE && is_later_line_of(line, &services->item[k]))
                owner[i].kind = LINE_REST;
    }
}

static void set_owner(const struct main_cf *cf, struct entry_lines entry, struct line_owner *owner,
                      enum line_kind kind, size_t service)
{
    bool in_block = owner[entry.first].in_block;

    for (size_t i = entry.first; i <= entry.last; i++)
        if (main_cf_line(cf, i)->logical != NO_LOGICAL_LINE) {
            owner[i].kind = kind;
            owner[i].setting = service;
            owner[i].in_block = in_block;
        }
}

static void look_at_entry(const struct main_cf *cf, struct entry_lines entry,
                          const struct services *services, struct line_owner *owner)
{
    char *name = entry_name(cf, entry), *text = entry_text(cf, entry);
    size_t k = name == NULL ? NO_SERVICE : service_in_place(services, name);

    if (k != NO_SERVICE)
        set_owner(cf, entry, owner,
                  strcmp(text, services->item[k].text) == 0 ? LINE_OURS : LINE_THEIRS, k);
    else
        look_for_rest(cf, entry, services, owner);
    free(text);
    free(name);
}

/* How many lines from AT on are the service's behind a "#", or a "#" and a blank; 0 unless it is
 * all of them. */
static size_t commented(const struct main_cf *cf, size_t at, const struct service *service)
{
    size_t i = at;

    for (const char *text = service->text; *text != '\0'; i++) {
        const char *end = strchr(text, '\n') + 1;
        size_t len = (size_t)(end - text);
        if (i == main_cf_line_count(cf))
            return 0;
        const struct main_cf_line *line = main_cf_line(cf, i);
        size_t skip = main_cf_line_begins(line, "# ") && line->len == len + 2 ? 2 : 1;
        struct main_cf_line rest = { .text = line->text + skip, .len = line->len - skip };
        if (line->text[0] != '#' || !is_line_of(&rest, text, len))
            return 0;
        text = end;
    }
    return i - at;
}

/* Only in our block: what is commented out elsewhere is the owner's. */
static void look_for_commented(const struct main_cf *cf, size_t i, const struct services *services,
                               struct line_owner *owner)
{
    for (size_t k = 0; k < services->count; k++)
        for (size_t n = commented(cf, i, &services->item[k]); n > 0; n--)
            owner[i + n - 1] = (struct line_owner){ .kind = LINE_COMMENTED,
                                                    .setting = k,
                                                    .in_block = owner[i + n - 1].in_block };
}

struct line_owner *service_ownership_find(const struct main_cf *cf, const struct services *services)
{
    size_t count = main_cf_line_count(cf);
    struct line_owner *owner = memory_zero(count + 1, sizeof *owner);

    for (size_t i = 0; i < count; i++)
        owner[i].setting = NO_SERVICE;
    ownership_find_blocks(cf, owner);
    for (struct entry_lines entry = entry_next(cf, 0); entry.first < count;
         entry = entry_next(cf, entry.last + 1))
        look_at_entry(cf, entry, services, owner);
    for (size_t i = 0; i < count; i++)
        if (owner[i].in_block && owner[i].kind == LINE_OTHER)
            look_for_commented(cf, i, services, owner);
    ownership_leave_stray_notices(cf, owner);
    return owner;
}
