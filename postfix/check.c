/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/check.h"

#include "postfix/stage.h"

/* The main.cf to be and the one it is compared with: the owner's, or for a return the present one. */
static int check_stages(const struct config *config, const struct change *change,
                        const struct stage *after, const struct stage *owner, struct why *why)
{
    if (stage_check(after, why) == -1)
        return -1;
    if (owner == NULL)
        return stage_removes(config, config->postfix.config_directory, stage_directory(after),
                             &change->now.mark->settings, why);
    return stage_adds(config, stage_directory(owner), stage_directory(after),
                      &change->rendering.settings, why);
}

int check_change(const struct config *config, const struct change *change, const char *path,
                 struct why *why)
{
    struct stage *after = stage_new(config, path, change->after, change->after_len, why);
    struct stage *owner = NULL;
    int rc = after == NULL ? -1 : 0;

    if (rc == 0 && !route_is_direct(&change->route)) {
        owner = stage_new(config, NULL, change->original, change->original_len, why);
        rc = owner == NULL ? -1 : 0;
    }
    if (rc == 0)
        rc = check_stages(config, change, after, owner, why);
    stage_free(owner);
    stage_free(after);
    return rc;
}
