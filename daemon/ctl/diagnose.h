/* SPDX-License-Identifier: BSD-2-Clause */
/* A check of this host, for the commands that make something of it. */
#ifndef DETOURD_CTL_DIAGNOSE_H
#define DETOURD_CTL_DIAGNOSE_H

#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <jansson.h>

/* The document of `detourctl check --json`, a new reference. RELAYS may be NULL: fewer controls. */
json_t *diagnose(const struct config *config, const struct relay_catalogue *relays);

#endif
