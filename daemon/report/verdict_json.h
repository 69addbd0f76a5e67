/* SPDX-License-Identifier: BSD-2-Clause */
/* A round's result as JSON: what `check --json` and `status json` call "verdict". */
#ifndef DETOURD_VERDICT_JSON_H
#define DETOURD_VERDICT_JSON_H

#include "daemon/round/round.h"
#include <jansson.h>

/* {"ipv4": {...}, "ipv6": {...}}, a new reference; a family that was not probed is null. */
json_t *verdict_json(const struct round_result *result);

#endif
