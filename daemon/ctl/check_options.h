/* SPDX-License-Identifier: BSD-2-Clause */
/* What the caller of `detourctl check` wants. */
#ifndef DETOURD_CTL_CHECK_OPTIONS_H
#define DETOURD_CTL_CHECK_OPTIONS_H

#include "lib/address.h"
#include "lib/endpoint.h"
#include <stdbool.h>
#include <stddef.h>

enum check_form {
    CHECK_TEXT,
    CHECK_JSON,
    CHECK_NAGIOS,
    CHECK_QUIET, /* the exit status alone */
};

struct check_options {
    enum check_form form;
    bool has_targets;         /* --targets was given */
    struct endpoint *targets; /* of --targets */
    size_t target_count;
    const char *helo, *source[FAMILIES]; /* valid; NULL where not given */
    int timeout;                         /* s; 0 where not given */
    int family;                          /* 4, 6, or 0 for both */
    bool no_trace, no_submission, no_reputation;
};

/* Fills OPTIONS, which check_options_free() empties. False when that is all that was to be done,
 * with the exit status in *CODE: help was wanted, or something is wrong, with a word on stderr. */
bool check_options_parse(struct check_options *options, int argc, char *argv[], int *code);

void check_options_free(struct check_options *options);

#endif
