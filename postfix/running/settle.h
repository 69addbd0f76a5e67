/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting until a reload counts for every process of this Postfix.
 *
 * "postfix reload" returns as soon as master(8) has been signalled. Until master has let go of the
 * old processes, an smtp(8) that has read the old main.cf can be handed a delivery that a
 * trivial-rewrite(8) has routed by the new one: to the relay without its password, and the relay's
 * refusal bounces the message. So a route is changed in steps that fit each other, and between two
 * of them nothing may be left that knows only the one before.
 */
#ifndef DETOURD_POSTFIX_SETTLE_H
#define DETOURD_POSTFIX_SETTLE_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/running/processes.h"

struct settle;

/* Notes this instance's processes, before a reload. NULL with a reason when master(8) is not to be
 * found. */
struct settle *settle_begin(const struct config *config, struct why *why);

/* After the reload: waits until master has started afresh, and every old process has ended or is
 * busy with its last delivery. 0, 1 when that master(8) is gone, so that Postfix has been stopped,
 * or -1 with a reason after 20 s. */
int settle_wait(struct settle *settle, struct why *why);

/* The smtp(8) and lmtp(8) whose deliveries were routed before: what was started before the new
 * queue manager, also while the reload went on. Until settle_wait has succeeded, those that were
 * noted. The caller's, ended by processes_free. */
struct processes settle_old_clients(const struct settle *settle);

/* NULL is allowed. */
void settle_free(struct settle *settle);

#endif
