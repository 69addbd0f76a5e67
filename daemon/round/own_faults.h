/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates that fail because of this host: decide/own_fault.h, for a round. */
#ifndef DETOURD_OWN_FAULTS_H
#define DETOURD_OWN_FAULTS_H

#include "daemon/round/round_plan.h"
#include "daemon/round/round_result.h"

/* Sets FAMILY's own_fault. Hosts that failed by their certificate alone are open then: Postfix
 * delivers to them. After interceptions_mark(). */
void own_faults_mark(struct family_result *family, const struct round_plan *plan);

#endif
