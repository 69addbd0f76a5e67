/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of one target's TLS before it is probed. */
#ifndef DETOURD_TARGET_TLS_H
#define DETOURD_TARGET_TLS_H

#include "lib/config.h"
#include "lib/operator_catalogue.h"
#include "lib/probe_tls.h"

/* The configuration's tls_policy stands above the catalogue, which may be NULL and speaks of mail
 * domains on port 25 alone. */
enum probe_tls target_tls(const struct config *config, const struct operator_catalogue *catalogue,
                          const struct endpoint *target);

#endif
