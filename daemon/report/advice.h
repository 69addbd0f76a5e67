/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to do about the port on this host: `detourctl advise`. From the document of `detourctl
 * check` and the catalogues; knows no clock and no network.
 */
#ifndef DETOURD_REPORT_ADVICE_H
#define DETOURD_REPORT_ADVICE_H

#include "daemon/report/advice_input.h"
#include "daemon/report/layout.h"
#include <jansson.h>

/* {"schema": 1, "summary", "exit", "family", "verdict", "cause", "provider", "trace", "steps":
 * [...], "unaffected": [...], "evidence", "request"}, a new reference. Its sentences are English.
 */
json_t *advice_json(const struct advice_input *input);

/* For people, in their language. DOCUMENT is the one that the advice was made from; without its
 * verdict, the summary is English. Lines end before the layout's width, but for those that are to
 * be copied. The caller frees it. */
char *advice_text(const json_t *advice, const json_t *document, const struct layout *layout);

#endif
