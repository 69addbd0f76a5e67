/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/rest.h"

#include <stddef.h>

bool rest_is_empty(const struct rest *rest)
{
    return rest->hung.count == 0 && rest->backlog == NULL;
}

void rest_free(struct rest *rest)
{
    processes_free(&rest->hung);
    backlog_free(rest->backlog);
    rest->backlog = NULL;
}
