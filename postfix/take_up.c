/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/take_up.h"

#include "lib/clock.h"
#include "postfix/change/home.h"
#include "postfix/fragment/live.h"
#include "postfix/running/activate.h"
#include "postfix/running/settle.h"
#include <unistd.h>

/* 0, 1 where there is nothing to do, or -1 with a reason. */
static int reload(const struct config *config, struct answer *answer, struct why *why)
{
    int64_t started = clock_mono_ms();
    int taken_up = live_is_taken_up(config, why);

    if (taken_up != 0)
        return taken_up;
    struct settle *before = settle_begin(config, why);
    int rc = before == NULL ? -1 : activate_reload(config, why);
    if (before != NULL)
        answer_step(answer, "reload", rc != -1, clock_mono_ms() - started,
                    rc == -1 ? why->text : "postfix reload");
    started = clock_mono_ms();
    if (rc == 0) {
        rc = settle_wait(before, why);
        answer_step(answer, "settle", rc != -1, clock_mono_ms() - started,
                    rc == -1 ? why->text : NULL);
    }
    settle_free(before);
    return rc;
}

bool take_up(const struct config *config, struct answer *answer)
{
    struct why why;
    int fd = -1, locked = -1, rc = -1;

    if (home_check(config, &why) == 0)
        locked = home_lock(config, &fd, &why);
    if (locked == 1)
        why_set(&why, "another change is under way");
    if (locked == 0)
        rc = reload(config, answer, &why);
    answer_end(answer,
               locked == 1 ? "busy"
               : rc == 0   ? "ok"
               : rc == 1   ? "unchanged"
                           : "failed",
               rc == -1 ? why.text : NULL, NULL);
    if (fd != -1)
        close(fd);
    return rc != -1;
}
