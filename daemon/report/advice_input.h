/* SPDX-License-Identifier: BSD-2-Clause */
/* What an advice is made from. */
#ifndef DETOURD_REPORT_ADVICE_INPUT_H
#define DETOURD_REPORT_ADVICE_INPUT_H

#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <jansson.h>
#include <stdint.h>

struct advice_input {
    const json_t *document;               /* of `check --json`; members may be missing or null */
    const struct config *config;          /* whose relays may be used */
    const struct relay_catalogue *relays; /* or NULL */
    int64_t now;                          /* seconds since 1970 */
};

#endif
