/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's DMARC policy (RFC 7489 6.3, 6.6.3). The organisational domain is found by asking the
 * parents one after another, as the successor of that RFC does, and not by a list of public
 * suffixes; a top-level domain is not asked.
 */
#ifndef DETOURD_MAIL_POLICY_H
#define DETOURD_MAIL_POLICY_H

#include "daemon/probe/examination.h"

struct examination *mail_policy_examine(const struct examination_plan *plan, const char *domain);

#endif
