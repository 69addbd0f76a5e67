/* SPDX-License-Identifier: BSD-2-Clause */
/* What came of one family, as decide/verdict.h wants it. */
#ifndef DETOURD_EVIDENCE_H
#define DETOURD_EVIDENCE_H

#include "daemon/decide/enough.h"
#include "daemon/round/round_plan.h"
#include "daemon/round/round_result.h"
#include <stdbool.h>

/* The verdict, and what of RESULT hangs on all its targets; after RESULT's hosts are marked that
 * somebody else has answered, or that failed by a fault of this host's. LITERALS_FAIL: not even
 * addresses that are known without the DNS answer. */
struct verdict evidence_judge(struct family_result *result, enum family family,
                              const struct round_plan *plan, const struct enough_seen *seen,
                              bool literals_fail);

#endif
