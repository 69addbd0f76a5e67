/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether Postfix's own tools accept a change, and whether it changes just what it should. */
#ifndef DETOURD_POSTFIX_CHECK_H
#define DETOURD_POSTFIX_CHECK_H

#include "lib/config.h"
#include "postfix/change.h"
#include "postfix/why.h"

/* Staged in WORKSPACE (see stage.h). 0, or -1 with a reason. */
int check_change(const struct config *config, const struct change *change, const char *workspace,
                 struct why *why);

#endif
