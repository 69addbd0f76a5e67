/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the running Postfix work by the main.cf that is in place. */
#ifndef DETOURD_POSTFIX_ACTIVATE_H
#define DETOURD_POSTFIX_ACTIVATE_H

#include "lib/config.h"
#include "postfix/base/why.h"

/* 1 when Postfix runs, 0 when it does not, or -1 with a reason. */
int activate_running(const struct config *config, struct why *why);

/* "postfix reload": 0, 1 when Postfix is not running (it reads main.cf when it starts), or -1 with
 * a reason. */
int activate_reload(const struct config *config, struct why *why);

/* "postqueue -f": every message is tried now. 0, or -1 with a reason. */
int activate_flush(const struct config *config, struct why *why);

#endif
