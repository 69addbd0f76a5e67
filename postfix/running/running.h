/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether this Postfix is at work. */
#ifndef DETOURD_POSTFIX_RUNNING_H
#define DETOURD_POSTFIX_RUNNING_H

#include "lib/config.h"
#include "postfix/base/why.h"

/* Whether master(8) runs: 1, 0, or -1 with a reason. */
int postfix_running(const struct config *config, const char *daemon_directory,
                    const char *queue_directory, struct why *why);

#endif
