/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status document, and its sentences: which route and since when, the verdict, each relay's
 * proof, what comes next, what is wrong if anything is.
 */
#ifndef DETOURD_REPORT_STATUS_H
#define DETOURD_REPORT_STATUS_H

#include "daemon/engine/engine.h"
#include <jansson.h>

/* The whole document of `status json`, a new reference. */
json_t *status_json(const struct engine_view *view);

/* {"schema": 1, "relays": [...]}, a new reference. */
json_t *relays_json(const struct engine_view *view);

/* For people, from the documents above. The caller frees the text. */
char *status_text(const json_t *document);
/* The columns of the labels in front of its lines. */
int status_label_columns(void);
char *relays_text(const json_t *document);

/* The answer to `plan` for people, from detour-apply's last line. The caller frees it. */
char *plan_text(const json_t *last);

#endif
