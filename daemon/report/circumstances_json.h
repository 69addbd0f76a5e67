/* SPDX-License-Identifier: BSD-2-Clause */
/* The circumstances as members of a document; each is a new reference, and null where nothing was
 * seen. */
#ifndef DETOURD_REPORT_CIRCUMSTANCES_JSON_H
#define DETOURD_REPORT_CIRCUMSTANCES_JSON_H

#include "daemon/decide/cause.h"
#include "daemon/diagnosis/circumstances.h"
#include <jansson.h>

/* {"ipv4": {"address", "port", "control_port", "last", "next", "reached", "hops"}, "ipv6": ...} */
json_t *trace_json(const struct circumstances_seen *seen, const struct round_result *round);

/* {"address": {"ipv4", "ipv6"}, "findings": [{"check", "family", "result", "detail"}, ...]} */
json_t *reputation_json(const struct circumstances_seen *seen);

/* [{"relay", "host", "port", "state", "tls", "verified", "days_left", "auth", "attack", "detail"},
 * ...] */
json_t *submission_json(const struct circumstances_seen *seen);

/* {"name", "title", "by", "evidence", "policy", "lift"} */
json_t *provider_json(const struct circumstances_seen *seen);

/* {"ipv4": "provider", "ipv6": null} */
json_t *cause_json(const struct round_result *round, const struct circumstances_seen *seen,
                   const enum cause_rules rules[FAMILIES]);

#endif
