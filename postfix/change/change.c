/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/change.h"

#include "lib/memory.h"
#include "postfix/change/home_now.h"
#include "postfix/host/stage.h"
#include <stdlib.h>
#include <string.h>

const char *change_map_type(const struct change *change)
{
    return view_value(change->view, "default_database_type");
}

struct stage_texts change_owners(const struct change *change)
{
    return (struct stage_texts){ change->original, change->original_len, change->original_master,
                                 change->original_master_len };
}

bool change_leaves_ours(const struct change *change)
{
    return change->generation != 0;
}

bool change_replaces_files(const struct change *change)
{
    for (size_t i = 0; i < change->step_count; i++)
        if (change->step[i].place != CHANGE_MAP)
            return true;
    return false;
}

static void free_steps(struct change *change)
{
    for (size_t i = 0; i < change->step_count; i++) {
        free(change->step[i].before);
        free(change->step[i].after);
        contents_free(&change->step[i].contents);
    }
    free(change->step);
    change->step = NULL;
    change->step_count = 0;
}

void change_free(struct change *change)
{
    home_now_free(&change->now);
    free(change->original);
    free(change->original_master);
    free(change->after);
    free(change->after_master);
    free(change->proof_sender);
    free_steps(change);
    view_free(change->view);
    findings_free(&change->refusals);
    findings_free(&change->notes);
    findings_free(&change->exceptions);
    render_free(&change->rendering);
    *change = (struct change){ 0 };
}

static const char *value_or(const struct settings *settings, const char *name,
                            const struct view *owner)
{
    const char *value = settings_value(settings, name);

    return value != NULL ? value : view_written(owner, name);
}

int change_each(const struct config *config, const struct change *change, change_visit *visit,
                void *context, struct why *why)
{
    const struct settings *old = &change->now.mark->settings, *new = &change->rendering.settings;
    struct view *asked = NULL;
    const struct view *view = change->view;

    struct stage_texts texts = change_owners(change);

    if (view == NULL)
        view = asked = view_staged(config, NULL, &texts, why);
    if (view == NULL)
        return -1;
    for (size_t i = 0; i < old->count + new->count; i++) {
        const char *name = i < old->count ? old->item[i].name : new->item[i - old->count].name;
        if (i < old->count || settings_value(old, name) == NULL)
            visit(context, name, value_or(old, name, view), value_or(new, name, view));
    }
    view_free(asked);
    return 0;
}
