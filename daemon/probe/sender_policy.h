/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a domain's SPF record admits this host's address (spf.h). */
#ifndef DETOURD_SENDER_POLICY_H
#define DETOURD_SENDER_POLICY_H

#include "daemon/probe/examination.h"

/* DOMAIN is the sender's, or with IS_HELO the HELO name, which counts for the null sender (RFC 7208
 * 2.4). */
struct examination *sender_policy_examine(const struct examination_plan *plan, const char *domain,
                                          bool is_helo, const char *helo_name,
                                          const struct address *address);

#endif
