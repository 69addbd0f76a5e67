/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the name in EHLO is one that leads to this host (RFC 5321 2.3.5, 4.1.4). */
#ifndef DETOURD_HELO_NAME_H
#define DETOURD_HELO_NAME_H

#include "daemon/probe/examination.h"

/* With ADDRESS NULL only whether it leads anywhere. */
struct examination *helo_name_examine(const struct examination_plan *plan, const char *name,
                                      const struct address *address);

/* What is wrong with NAME whatever the DNS says; NULL when nothing is. */
const char *helo_name_fault(const char *name);

#endif
