/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a change, put one behind the other: each begins where the one before ends. */
#ifndef DETOURD_POSTFIX_STEPS_H
#define DETOURD_POSTFIX_STEPS_H

#include "postfix/change/change.h"

/* How a step is called in the answer. */
#define STEP_PREPARE "prepare main.cf"
#define STEP_INSTALL "install"
#define STEP_MASTER  "master.cf"
#define STEP_MAP     "map"

/* What a file says after the steps so far; *LEN is its length. */
const char *steps_text(const struct change *change, enum change_place place, size_t *len);

/* Another text for main.cf or master.cf, which becomes the change's; none where it says that
 * already. SETTLES: Postfix must work by it before the next step. */
void steps_add_file(struct change *change, enum change_place place, const char *name, char *text,
                    size_t len, bool settles);

/* Another content for the map, which becomes the change's; an empty one takes it away. PROVED: the
 * relay's service must prove itself before. */
void steps_add_map(struct change *change, struct contents *contents, bool proved, bool settles);

#endif
