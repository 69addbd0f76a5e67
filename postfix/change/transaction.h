/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A switch of the route, from the lock to the flush.
 *
 * A rename of main.cf is the only commit point. Whatever stands before it (new maps, the stage)
 * is garbage if the run is cut off, and the next run takes it away; whatever comes after it
 * (reload, flush) is done again by the next run, which finds the file UNFINISHED. A change takes
 * two or three such renames (change.h); each leaves a whole main.cf, in force or only prepared. So
 * there is no journal to replay, and at every instant Postfix's configuration is the whole old one
 * or the whole new one.
 */
#ifndef DETOURD_POSTFIX_TRANSACTION_H
#define DETOURD_POSTFIX_TRANSACTION_H

#include "lib/config.h"
#include "postfix/change/change.h"
#include "postfix/change/prepare.h"
#include "postfix/queue/rest.h"
#include "postfix/request/answer.h"

enum transaction_result {
    TRANSACTION_OK,        /* the route is in force and was not before */
    TRANSACTION_UNCHANGED, /* it was in force */
    TRANSACTION_FAILED     /* failed, refused or busy: as before */
};

/* Answers each step and the result. REST is set to what is left to be done (linger.h); rest_free
 * ends it. */
enum transaction_result transaction_run(const struct config *config,
                                        const struct change_request *request, struct answer *answer,
                                        struct rest *rest);

/* Frees the deliveries that hang since before the relay in force (rescue.h), and flushes. Refused
 * while the route is direct. *ROUTE is set to the one in force. */
enum transaction_result transaction_rescue(const struct config *config, struct answer *answer,
                                           struct route *route, struct rest *rest);

#endif
