/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether Postfix's own tools accept a change, and whether it changes just what it should. */
#ifndef DETOURD_POSTFIX_CHECK_H
#define DETOURD_POSTFIX_CHECK_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/change/change.h"
#include "postfix/host/reading.h"

/* Staged in WORKSPACE (see stage.h). EXPECTED, which reading_free ends in every case, is what
 * Postfix is to read when the change is made. 0, or -1 with a reason. */
int check_change(const struct config *config, const struct change *change, const char *workspace,
                 struct reading *expected, struct why *why);

/* The same of the main.cf in place, once the change is made: Postfix must read just what was
 * EXPECTED. 0; 1 when somebody else has edited main.cf since then, and the route's settings count
 * nevertheless; or -1 with a reason. */
int check_live(const struct config *config, const struct change *change,
               const struct reading *expected, struct why *why);

#endif
