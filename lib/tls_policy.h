/* SPDX-License-Identifier: BSD-2-Clause */
/* probe { tls_policy = { "target" = "level", ... } } of detourd.conf. */
#ifndef DETOURD_TLS_POLICY_H
#define DETOURD_TLS_POLICY_H

#include "lib/conf_file.h"
#include "lib/config.h"

/* Into PROBE, whose targets have been read: each key is one of them. */
void tls_policy_read(struct conf_file *file, cfg_t *section, struct probe_config *probe);

void tls_policy_free(struct probe_config *probe);

#endif
