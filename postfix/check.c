/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/check.h"

#include "postfix/files.h"
#include "postfix/home.h"
#include "postfix/stage.h"
#include <stdlib.h>
#include <string.h>

static int check_stages(const struct config *config, const struct change *change,
                        const struct stage *before, const struct stage *after,
                        struct reading *expected, struct why *why)
{
    const char *old = stage_directory(before), *new = stage_directory(after);

    if (stage_check(after, why) == -1)
        return -1;
    if (!route_is_direct(&change->route))
        return stage_adds(config, old, new, &change->rendering.settings, expected, why);
    struct settings taken_off = { 0 };
    mark_taken_off(change->now.cf, change->now.mark, &taken_off);
    int rc = stage_removes(config, old, new, &taken_off, expected, why);
    settings_free(&taken_off);
    return rc;
}

int check_change(const struct config *config, const struct change *change, const char *workspace,
                 struct reading *expected, struct why *why)
{
    /* A route is compared with the owner's configuration, a return with the route it ends. */
    bool to_direct = route_is_direct(&change->route);
    const char *base = to_direct ? change->now.bytes : change->original;
    size_t base_len = to_direct ? change->now.len : change->original_len;
    *expected = (struct reading){ 0 };
    struct stage *after =
        stage_new(config, workspace, "after", change->after, change->after_len, why);
    struct stage *before =
        after == NULL ? NULL : stage_new(config, workspace, "before", base, base_len, why);
    int rc = before == NULL ? -1 : check_stages(config, change, before, after, expected, why);

    stage_free(before);
    stage_free(after);
    return rc;
}

/* Whether main.cf is still as it was installed. */
static bool is_as_installed(const struct config *config, const struct change *change)
{
    char *path = home_path(config, "main.cf");
    struct why ignored;
    size_t len;
    char *bytes = file_read(path, MAIN_CF_MAX, &len, &ignored);
    bool same = bytes != NULL && len == change->after_len && memcmp(bytes, change->after, len) == 0;

    free(bytes);
    free(path);
    return same;
}

static int compare_live(const struct config *config, const struct change *change,
                        const struct reading *expected, const struct reading *live, struct why *why)
{
    if (reading_same_without(expected, live, NULL, why) == 0 &&
        reading_no_new_warning(expected, live, why) == 0)
        return 0;
    if (is_as_installed(config, change))
        return -1;
    return reading_has(live, &change->rendering.settings, why) == 0 ? 1 : -1;
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
