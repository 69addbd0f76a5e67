/* SPDX-License-Identifier: BSD-2-Clause */
/* The document of `detourctl check`, its sentences and its exit code. */
#ifndef DETOURD_REPORT_CHECK_H
#define DETOURD_REPORT_CHECK_H

#include "daemon/decide/cause.h"
#include "daemon/diagnosis/circumstances.h"
#include "daemon/report/layout.h"
#include "daemon/round/round.h"
#include <jansson.h>

struct check_input {
    const struct round_result *round;
    const struct circumstances_seen *seen;
    int64_t ms;
    json_t *local_rules; /* of local_rules_json(), whose owner it stays with; or NULL */
    enum cause_rules rules[FAMILIES];
};

/* {"schema": 1, "summary", "exit", "seconds", "verdict", "cause", "trace", "local_rules",
 * "provider", "reputation", "submission"}, a new reference. Its words are English, whatever the
 * caller's language. */
json_t *check_json(const struct check_input *input);

/* The sentence that says it all, then the evidence, then the likely cause and the next step. Any
 * member of DOCUMENT but the verdict may be null or missing. The caller frees it. */
char *check_text(const json_t *document, const struct layout *layout);

/* For monitoring plugins: "OK - SENTENCE|perfdata", and up to four lines of long output. English.
 * The caller frees it. */
char *check_nagios(const json_t *document);

/* One sentence on a verdict document ({"ipv4": ..., "ipv6": ...}), or two where the families
 * differ. The caller frees it. */
char *verdict_sentence(const json_t *verdict);

/* The codes of the monitoring plugins: 0 open; 1 unstable, remote, reputation, or good in one
 * family alone; 2 blocked, intercepted; 3 offline, unknown. */
int verdict_exit(const json_t *verdict);

#endif
