/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/check.h"

#include "postfix/base/files.h"
#include "postfix/base/paths.h"
#include "postfix/cf/install.h"
#include "postfix/change/home_now.h"
#include "postfix/host/stage.h"
#include <stdlib.h>
#include <string.h>

static int check_stages(const struct config *config, const struct change *change,
                        const struct stage *before, const struct stage *after,
                        struct reading *expected, struct why *why)
{
    const char *old = stage_directory(before), *new = stage_directory(after);
    struct stage_ours ours = { &change->rendering.settings, &change->rendering.services };

    if (stage_check(after, why) == -1)
        return -1;
    if (change_leaves_ours(change))
        return stage_adds(config, old, new, &ours, expected, why);
    struct settings taken_off = { 0 };
    mark_taken_off(change->now.cf, change->now.mark, &taken_off);
    ours = (struct stage_ours){ &taken_off, &change->now.master.mark->services };
    int rc = stage_removes(config, old, new, &ours, expected, why);
    settings_free(&taken_off);
    return rc;
}

/* Where no file is replaced, what Postfix reads is to stay. */
static int check_present(const struct config *config, const struct change *change,
                         struct reading *expected, struct why *why)
{
    const char *home = config->postfix.config_directory;

    if (reading_take(home, home, expected, why) == -1 ||
        reading_has(expected, &change->rendering.settings, why) == -1)
        return -1;
    return reading_has_services(expected, &change->rendering.services, why);
}

int check_change(const struct config *config, const struct change *change, const char *workspace,
                 struct reading *expected, struct why *why)
{
    const struct home_now *now = &change->now;

    if (!change_replaces_files(change))
        return check_present(config, change, expected, why);
    /* What is added is compared with the owner's configuration, what is taken off with what it is
     * taken off from. */
    struct stage_texts present = { now->bytes, now->len, now->master.bytes, now->master.len },
                       owners = { change->original, change->original_len, change->original_master,
                                  change->original_master_len },
                       to_be = { change->after, change->after_len, change->after_master,
                                 change->after_master_len };
    *expected = (struct reading){ 0 };
    struct stage *after = stage_new(config, workspace, "after", &to_be, why);
    struct stage *before = after == NULL
                               ? NULL
                               : stage_new(config, workspace, "before",
                                           change_leaves_ours(change) ? &owners : &present, why);
    int rc = before == NULL ? -1 : check_stages(config, change, before, after, expected, why);

    stage_free(before);
    stage_free(after);
    return rc;
}

static bool holds(const struct config *config, const char *name, const char *text, size_t text_len)
{
    char *path = home_path(config, name);
    struct why ignored;
    size_t len;
    char *bytes = file_read(path, MAIN_CF_MAX, &len, &ignored);
    bool same = bytes != NULL && len == text_len && memcmp(bytes, text, len) == 0;

    free(bytes);
    free(path);
    return same;
}

/* Whether both files are still as they were installed. */
static bool is_as_installed(const struct config *config, const struct change *change)
{
    return holds(config, MAIN_CF, change->after, change->after_len) &&
           holds(config, MASTER_CF, change->after_master, change->after_master_len);
}

static int compare_live(const struct config *config, const struct change *change,
                        const struct reading *expected, const struct reading *live, struct why *why)
{
    if (reading_same_without(expected, live, NULL, why) == 0 &&
        reading_same_services(expected, live, NULL, why) == 0 &&
        reading_no_new_warning(expected, live, why) == 0)
        return 0;
    if (is_as_installed(config, change))
        return -1;
    return reading_has(live, &change->rendering.settings, why) == 0 &&
                   reading_has_services(live, &change->rendering.services, why) == 0
               ? 1
               : -1;
}

int check_live(const struct config *config, const struct change *change,
               const struct reading *expected, struct why *why)
{
    const char *home = config->postfix.config_directory;
    struct reading live;
    int rc = reading_take(home, home, &live, why);

    if (rc == 0)
        rc = compare_live(config, change, expected, &live, why);
    reading_free(&live);
    return rc;
}
