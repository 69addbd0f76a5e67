/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of this Postfix, for the answers to `facts` and `status`. */
#ifndef DETOURD_POSTFIX_FACTS_H
#define DETOURD_POSTFIX_FACTS_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include <jansson.h>

/* The members of an answer; the caller owns them. NULL with a reason. */
json_t *status_members(const struct config *config, struct why *why);
json_t *facts_members(const struct config *config, struct why *why);

#endif
