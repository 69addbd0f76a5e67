/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a switch would do: the parameters before and after, the services, the map of senders, the
 * difference of main.cf and master.cf line by line, the files, which mail does not follow or
 * follows unexpectedly. Where the switch would be refused, every reason for that, and as much of
 * the rest as can be worked out all the same. Validated by Postfix's own tools in a directory of
 * its own; nothing of Postfix's is touched, and no lock is waited for.
 */
#ifndef DETOURD_POSTFIX_PLAN_H
#define DETOURD_POSTFIX_PLAN_H

#include "lib/config.h"
#include "postfix/change/change.h"
#include "postfix/change/prepare.h"
#include "postfix/request/answer.h"
#include <stdbool.h>

/* What REQUEST would do, by the words of change.h. Answers; true when it could be done. */
bool plan_run(const struct config *config, const struct change_request *request,
              struct answer *answer);

#endif
