/* SPDX-License-Identifier: BSD-2-Clause */
/* Which hosts of a round were answered by somebody else: decide/interception.h, for a round. */
#ifndef DETOURD_INTERCEPTIONS_H
#define DETOURD_INTERCEPTIONS_H

#include "daemon/round/round_plan.h"

/* Hosts that somebody else has answered get the outcome "intercepted" and a detail that says by
 * what that was seen, and so do their targets unless another host of theirs is open. */
void interceptions_mark(struct family_result *family, const struct round_plan *plan);

#endif
