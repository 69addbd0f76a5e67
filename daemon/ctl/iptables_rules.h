/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what iptables-save(8) and its relatives print. */
#ifndef DETOURD_CTL_IPTABLES_RULES_H
#define DETOURD_CTL_IPTABLES_RULES_H

#include "daemon/ctl/packet_filter.h"

/* Adds the tables in TEXT, which is changed, to FILTER. FAMILY is "ip" or "ip6"; TOOL lives as long
 * as the program. What cannot be understood is a condition, never an error. */
void iptables_rules_read(struct packet_filter *filter, const char *tool, const char *family,
                         char *text);

#endif
