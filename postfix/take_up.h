/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For whoever changes main.cf in the place of detour-apply: a reload that returns when no process
 * is left that works by the configuration before (settle.h), and does nothing where there is none.
 */
#ifndef DETOURD_POSTFIX_TAKE_UP_H
#define DETOURD_POSTFIX_TAKE_UP_H

#include "lib/config.h"
#include "postfix/request/answer.h"
#include <stdbool.h>

/* Answers; true when Postfix works by main.cf and master.cf as they are, or is stopped. */
bool take_up(const struct config *config, struct answer *answer);

#endif
