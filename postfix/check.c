/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/check.h"

#include "postfix/stage.h"

static int check_stages(const struct config *config, const struct change *change,
                        const struct stage *before, const struct stage *after, struct why *why)
{
    const char *old = stage_directory(before), *new = stage_directory(after);

    if (stage_check(after, why) == -1)
        return -1;
    if (!route_is_direct(&change->route))
        return stage_adds(config, old, new, &change->rendering.settings, why);
    struct settings taken_off = { 0 };
    mark_taken_off(change->now.cf, change->now.mark, &taken_off);
    int rc = stage_removes(config, old, new, &taken_off, why);
    settings_free(&taken_off);
    return rc;
}

int check_change(const struct config *config, const struct change *change, const char *workspace,
                 struct why *why)
{
    /* A route is compared with the owner's configuration, a return with the route it ends. */
    bool to_direct = route_is_direct(&change->route);
    const char *base = to_direct ? change->now.bytes : change->original;
    size_t base_len = to_direct ? change->now.len : change->original_len;
    struct stage *after =
        stage_new(config, workspace, "after", change->after, change->after_len, why);
    struct stage *before =
        after == NULL ? NULL : stage_new(config, workspace, "before", base, base_len, why);
    int rc = before == NULL ? -1 : check_stages(config, change, before, after, why);

    stage_free(before);
    stage_free(after);
    return rc;
}
