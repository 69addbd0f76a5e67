/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the owner's tables rewrite the sender of a probe, or what is addressed to it. Many a host
 * has a table that matches everything: its probe would not go by the relay's service, or the report
 * on it would end in somebody's mailbox. */
#ifndef DETOURD_POSTFIX_PROOF_MAPS_H
#define DETOURD_POSTFIX_PROOF_MAPS_H

#include "lib/config.h"
#include "postfix/base/why.h"

/* 0 when SENDER stays as it is, 1 with a reason when a table rewrites it, -1 with a reason when
 * that cannot be found out. */
int proof_maps_check(const struct config *config, const char *sender, struct why *why);

#endif
