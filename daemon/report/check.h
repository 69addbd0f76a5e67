/* SPDX-License-Identifier: BSD-2-Clause */
/* The document of `detourctl check`, its sentences and its exit code. */
#ifndef DETOURD_REPORT_CHECK_H
#define DETOURD_REPORT_CHECK_H

#include "daemon/round.h"
#include <jansson.h>

/* {"schema": 1, "verdict": ..., "summary": ..., "exit": ..., "seconds": ...}, a new reference. */
json_t *check_json(const struct round_result *result);

/* The sentence that says it all, then the evidence. The caller frees it. */
char *check_text(const json_t *document);

/* One sentence on a verdict document ({"ipv4": ..., "ipv6": ...}). The caller frees it. */
char *verdict_sentence(const json_t *verdict);

/* The codes of the monitoring plugins: 0 open; 1 unstable, remote, reputation, or good in one
 * family alone; 2 blocked, intercepted; 3 offline, unknown. */
int verdict_exit(const json_t *verdict);

#endif
