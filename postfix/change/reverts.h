/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often somebody else has taken a route of ours out of force. Once is an operator; again and
 * again it is a configuration manager, which has to be told of the route instead.
 */
#ifndef DETOURD_POSTFIX_REVERTS_H
#define DETOURD_POSTFIX_REVERTS_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/change/home_now.h"

/* Writes down that it has happened, now. 0, or -1 with a reason. */
int reverts_add(const struct config *config, struct why *why);

/* What to tell the postmaster, or NULL; the caller frees it. NOW is main.cf as it is: what is
 * reverted in it counts too, and its comments may say who does it. */
char *reverts_advice(const struct config *config, const struct home_now *now);

#endif
