/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a DNS blocklist has an address (RFC 5782). A list that does not answer this resolver
 * looks like one that has nothing against the address, so its test entry is asked for too.
 */
#ifndef DETOURD_BLOCKLIST_H
#define DETOURD_BLOCKLIST_H

#include "daemon/probe/examination.h"

struct examination *blocklist_examine(const struct examination_plan *plan, const char *zone,
                                      const struct address *address);

#endif
