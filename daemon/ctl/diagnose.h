/* SPDX-License-Identifier: BSD-2-Clause */
/* A diagnosis of this host, for the commands that make something of it. */
#ifndef DETOURD_CTL_DIAGNOSE_H
#define DETOURD_CTL_DIAGNOSE_H

#include "daemon/ctl/check_options.h"
#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <jansson.h>
#include <stdbool.h>

struct diagnose_input {
    const struct config *config;
    const struct relay_catalogue *relays; /* NULL: fewer controls and no submission ports */
    const struct check_options *options;
    bool live; /* show on stdout what goes on, where that is a terminal */
};

/* The document of `detourctl check --json`, a new reference; in English, whatever the caller's
 * language. */
json_t *diagnose(const struct diagnose_input *input);

#endif
