/* SPDX-License-Identifier: BSD-2-Clause */
/* A change worked out from what is asked for and what stands there. */
#ifndef DETOURD_POSTFIX_PREPARE_H
#define DETOURD_POSTFIX_PREPARE_H

#include "lib/config.h"
#include "lib/route.h"
#include "postfix/base/why.h"
#include "postfix/change/change.h"
#include <stdbool.h>

enum change_wish {
    WISH_ROUTE,
    WISH_RELEASE, /* to direct, but only where there is drift */
    WISH_INSTALL, /* all that the method transport needs, without a change of the route */
    WISH_REMOVE   /* to direct, and nothing of ours stays */
};

/* What is asked for. */
struct change_request {
    enum change_wish wish;
    struct route route;
    bool preview; /* for a plan: all that speaks against it is gathered in refusals, and the change
                     is worked out all the same where that is possible, else AFTER is NULL */
    /* The owner's files, where those in place do not tell; or NULL. */
    const char *owner, *owner_master;
};

/* Fills CHANGE, which change_free ends in every case. WORKSPACE is for stage.h. WHY holds the
 * reason of a refusal or failure. */
enum change_kind change_prepare(const struct config *config, const struct change_request *request,
                                const char *workspace, struct change *change, struct why *why);

#endif
