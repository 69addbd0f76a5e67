/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postfix's report on a probe proves. Pure. */
#ifndef DETOURD_POSTFIX_PROOF_JUDGE_H
#define DETOURD_POSTFIX_PROOF_JUDGE_H

#include "postfix/base/why.h"
#include "postfix/proof/proof_plan.h"
#include "postfix/proof/trace_log.h"
#include "postfix/queue/queue_file.h"

/* HEAD is the probe's queue file; NULL where it is not known. */
enum proof_result proof_judge(const struct trace_record *record, const struct queue_file *head,
                              const struct proof_plan *plan, struct why *why);

#endif
