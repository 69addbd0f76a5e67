/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of providers: the document of `detourctl providers`, its table and its sentences.
 */
#ifndef DETOURD_REPORT_PROVIDERS_H
#define DETOURD_REPORT_PROVIDERS_H

#include "daemon/decide/provider.h"
#include "daemon/report/layout.h"
#include "lib/provider_catalogue.h"
#include <jansson.h>

/* {"schema": 1, "providers": [...]}, a new reference; ONLY, or all of them where that is NULL. */
json_t *providers_json(const struct provider_catalogue *catalogue, const struct provider *only);

/* The provider of this host: {"name", "title", "by", "evidence", "policy", "lift"}, a new
 * reference.
 */
json_t *recognised_json(const struct recognised *recognised);

/* From the document above: a table, and one record a provider with a header (RFC 4180). The caller
 * frees them. */
char *providers_text(const json_t *document);
char *providers_csv(const json_t *document);

/* All that is known of the first provider of the document, with its sources. The caller frees it.
 */
char *provider_text(const json_t *document, const struct layout *layout);

#endif
