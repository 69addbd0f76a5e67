/* SPDX-License-Identifier: BSD-2-Clause */
/* The local rules as a member of a document, and what they mean for the cause. */
#ifndef DETOURD_CTL_LOCAL_RULES_JSON_H
#define DETOURD_CTL_LOCAL_RULES_JSON_H

#include "daemon/ctl/local_rules.h"
#include "daemon/decide/cause.h"
#include <jansson.h>

/* [{"tool", "family", "table", "chain", "rule", "rejects", "certain", "conditions"}, ...], a new
 * reference; null where nobody could look. */
json_t *local_rules_json(const struct local_rules *rules);

/* A rule that hangs on more than the port counts only where it is KNOWN otherwise that this host
 * keeps the packets. */
enum cause_rules local_rules_verdict(const struct local_rules *rules, enum family family,
                                     bool known);

#endif
