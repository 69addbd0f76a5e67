/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/steps.h"

#include "lib/memory.h"
#include "postfix/change/home_now.h"
#include <stdlib.h>
#include <string.h>

const char *steps_text(const struct change *change, enum change_place place, size_t *len)
{
    const struct home_now *now = &change->now;

    for (size_t i = change->step_count; i > 0; i--) {
        const struct change_step *step = &change->step[i - 1];
        if (step->place != place)
            continue;
        *len = step->after_len;
        return step->after;
    }
    *len = place == CHANGE_MAIN_CF ? now->len : now->master.len;
    return place == CHANGE_MAIN_CF ? now->bytes : now->master.bytes;
}

static struct change_step *add(struct change *change, enum change_place place, const char *name,
                               bool settles)
{
    size_t n = change->step_count++;

    change->step = memory_grow(change->step, n + 1, sizeof *change->step);
    change->step[n] = (struct change_step){ .place = place, .name = name, .settles = settles };
    return &change->step[n];
}

static char *copy(const char *bytes, size_t len)
{
    char *text = memory_zero(len + 1, 1);

    memcpy(text, bytes, len);
    return text;
}

void steps_add_file(struct change *change, enum change_place place, const char *name, char *text,
                    size_t len, bool settles)
{
    size_t before_len;
    const char *before = steps_text(change, place, &before_len);

    if (before_len == len && memcmp(before, text, len) == 0) {
        free(text);
        return;
    }
    char *old = copy(before, before_len);
    struct change_step *step = add(change, place, name, settles);
    step->before = old;
    step->before_len = before_len;
    step->after = text;
    step->after_len = len;
}

void steps_add_map(struct change *change, struct contents *contents, bool proved, bool settles)
{
    struct change_step *step = add(change, CHANGE_MAP, STEP_MAP, settles);

    step->proved = proved;
    step->contents = *contents;
    *contents = (struct contents){ 0 };
}
