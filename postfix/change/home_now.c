/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/home_now.h"

#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/base/paths.h"
#include "postfix/cf/record.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool home_is_unfinished(const struct config *config)
{
    char *path = home_path(config, UNFINISHED);
    bool found = access(path, F_OK) == 0;

    free(path);
    return found;
}

/* What was written for the route that main.cf speaks of. A main.cf without a word of a route is
 * what a run that was cut off may have found or left; otherwise somebody took our words out. */
static struct main_cf *find_record(const struct config *config, const struct main_cf *cf)
{
    bool any;
    unsigned long generation = mark_generation(cf, &any);

    if (generation != 0)
        return record_read(config, RECORD, generation);
    return any || !home_is_unfinished(config) ? record_latest(config, RECORD) : NULL;
}

/* A master.cf without a word of ours lacks them where main.cf counts on them. */
static struct main_cf *find_master_record(const struct config *config, const struct home_now *now)
{
    bool any;
    unsigned long generation = master_generation(now->master.cf, &any);

    if (generation != 0)
        return record_read(config, RECORD_MASTER, generation);
    if (any)
        return record_latest(config, RECORD_MASTER);
    return now->mark->kind == BLOCK_TRANSPORT && !home_is_unfinished(config)
               ? record_read(config, RECORD_MASTER, now->mark->generation)
               : NULL;
}

static char *read_file(const struct config *config, const char *name, size_t *len,
                       struct main_cf **cf, struct why *why)
{
    char *path = home_path(config, name);
    char *bytes = file_read(path, MAIN_CF_MAX, len, why);

    if (bytes != NULL)
        *cf = main_cf_parse(bytes, *len);
    if (bytes != NULL && *cf == NULL)
        why_set(why, "%s holds a NUL byte", path);
    free(path);
    return bytes;
}

static void read_master_mark(const struct config *config, struct home_now *now)
{
    struct main_cf *record = find_master_record(config, now);
    struct master_mark *mark = master_mark_read(now->master.cf, record);

    for (size_t i = 0; i < mark->drift_count; i++)
        mark_add_drift(now->mark, mark->drift[i]);
    now->mark->legible = now->mark->legible && mark->legible;
    now->master.mark = mark;
    main_cf_free(record);
}

int home_now_read(const struct config *config, struct home_now *now, struct why *why)
{
    *now = (struct home_now){ 0 };
    if (senders_number(config, &now->map, why) == -1 ||
        senders_now(config, &now->senders, why) == -1)
        return -1;
    now->bytes = read_file(config, "main.cf", &now->len, &now->cf, why);
    if (now->cf != NULL)
        now->master.bytes = read_file(config, "master.cf", &now->master.len, &now->master.cf, why);
    if (now->master.cf == NULL)
        return -1;
    struct main_cf *record = find_record(config, now->cf);
    now->mark = mark_read(now->cf, record);
    main_cf_free(record);
    read_master_mark(config, now);
    if (now->mark->kind == BLOCK_TRANSPORT && now->mark->leads)
        now->mark->route = now->senders.route;
    return 0;
}

void home_now_take(const char *main_cf, const char *master_cf, struct home_now *now)
{
    *now = (struct home_now){ .bytes = memory_copy(main_cf), .len = strlen(main_cf) };
    now->cf = main_cf_parse(now->bytes, now->len);
    now->mark = mark_read(now->cf, NULL);
    now->master.bytes = memory_copy(master_cf);
    now->master.len = strlen(master_cf);
    now->master.cf = main_cf_parse(now->master.bytes, now->master.len);
    now->master.mark = master_mark_read(now->master.cf, NULL);
}

void home_now_free(struct home_now *now)
{
    free(now->bytes);
    main_cf_free(now->cf);
    mark_free(now->mark);
    free(now->master.bytes);
    main_cf_free(now->master.cf);
    master_mark_free(now->master.mark);
    *now = (struct home_now){ 0 };
}
