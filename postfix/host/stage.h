/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A copy of the configuration directory's two files in a directory of its own, so that Postfix's
 * own tools can be asked about a main.cf that is not in force.
 */
#ifndef DETOURD_POSTFIX_STAGE_H
#define DETOURD_POSTFIX_STAGE_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/cf/mark.h"
#include "postfix/host/reading.h"
#include "postfix/host/view.h"

struct stage;

/* What Postfix would read. MASTER_CF of NULL: the present one. */
struct stage_texts {
    const char *main_cf;
    size_t main_cf_len;
    const char *master_cf;
    size_t master_cf_len;
};

/* A stage with these files. With a WORKSPACE (a directory of ours, made where it is missing) it is
 * the directory NAME there, in place of a dead run's; without, it is a new private one in /tmp.
 * NULL with a reason. */
struct stage *stage_new(const struct config *config, const char *workspace, const char *name,
                        const struct stage_texts *texts, struct why *why);
const char *stage_directory(const struct stage *stage);
/* Removes the files too. NULL is allowed. */
void stage_free(struct stage *stage);

/* The view of files that are not in force. NULL with a reason. */
struct view *view_staged(const struct config *config, const char *workspace,
                         const struct stage_texts *texts, struct why *why);

/* "postfix check" on the stage: 0, or -1 with a reason. */
int stage_check(const struct stage *stage, struct why *why);

/* What a change adds to what the owner has, or takes off. */
struct stage_ours {
    const struct settings *settings;
    const struct services *services;
};

/* Of two directories, stages or the configured one itself, AFTER must set and enter what BEFORE
 * does, but for OURS, which must be as it says; and it must draw no warning that the first does not
 * draw. EXPECTED, which reading_free ends in every case, is what Postfix reads in AFTER. 0, or -1
 * with a reason. */
int stage_adds(const struct config *config, const char *before, const char *after,
               const struct stage_ours *ours, struct reading *expected, struct why *why);

/* The other way round: without OURS, which is of BEFORE, the two must be the same. */
int stage_removes(const struct config *config, const char *before, const char *after,
                  const struct stage_ours *ours, struct reading *expected, struct why *why);

#endif
