/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left to be done when a change has been answered; linger.h does it. */
#ifndef DETOURD_POSTFIX_REST_H
#define DETOURD_POSTFIX_REST_H

#include "postfix/queue/backlog.h"
#include "postfix/running/processes.h"
#include <stdbool.h>

/* All zero: nothing. Ended by rest_free. */
struct rest {
    struct processes hung;
    struct backlog *backlog;
};

bool rest_is_empty(const struct rest *rest);
void rest_free(struct rest *rest);

#endif
