/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether an address has a reverse name that leads back to it (RFC 8601 2.7.3, "iprev"), and one of
 * its own. */
#ifndef DETOURD_REVERSE_NAME_H
#define DETOURD_REVERSE_NAME_H

#include "daemon/probe/examination.h"

struct examination *reverse_name_examine(const struct examination_plan *plan,
                                         const struct address *address);

#endif
