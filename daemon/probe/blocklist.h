/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a DNS blocklist has an address (RFC 5782). A list that does not answer this resolver
 * looks like one that has nothing against the address, and one that was given up may list
 * everybody: so the entries are asked for too that every list has, and that none has.
 */
#ifndef DETOURD_BLOCKLIST_H
#define DETOURD_BLOCKLIST_H

#include "daemon/probe/examination.h"

struct examination *blocklist_examine(const struct examination_plan *plan, const char *zone,
                                      const struct address *address);

#endif
