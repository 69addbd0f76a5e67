/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking detour-apply itself, where detourd does not run: what root may do. */
#ifndef DETOURD_CTL_ASK_APPLY_H
#define DETOURD_CTL_ASK_APPLY_H

#include "daemon/ctl/command.h"
#include "lib/config.h"

/* In detour-apply's words; the first that is NULL ends them. */
struct apply_request {
    const char *word[4];
    char port[8];
};

/* VERB for a route: "direct", or a relay and its port, COUNT of WORD; the first relay and its first
 * port where none is named. NULL, or what is wrong with it. OUT points into CONFIG and itself. */
const char *apply_request(const struct config *config, const char *verb, char *const word[],
                          int count, struct apply_request *out);

/* The last line of the answer, which the caller frees; NULL, with a word on stderr, where there is
 * none. */
char *apply_ask(const struct ctl *ctl, const struct apply_request *request);

#endif
