/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of mode = fragment: main.cf and master.cf belong to configuration management, which
 * is told what a route needs (fragment.h) and says when it is done. The maps are built here all the
 * same; they hold the passwords.
 */
#ifndef DETOURD_POSTFIX_HANDOVER_H
#define DETOURD_POSTFIX_HANDOVER_H

#include "lib/config.h"
#include "lib/request.h"
#include "postfix/change/transaction.h"
#include "postfix/queue/rest.h"
#include "postfix/request/answer.h"
#include <jansson.h>

/* relay, direct, remove and release: writes the fragment and answers "ok", with what is to be
 * waited for, or "unchanged". What mode switch has put into main.cf is taken out of it, though, by
 * direct, remove and release. REST as in transaction.h. */
enum transaction_result handover_run(const struct config *config, const struct request *request,
                                     struct answer *answer, struct rest *rest);

/* That the fragment GENERATION (0: the current one) is in force: seen to, and then what follows a
 * switch, rescue and flush. *ROUTE is the one in force. */
enum transaction_result handover_applied(const struct config *config, unsigned long generation,
                                         struct answer *answer, struct route *route,
                                         struct rest *rest);

/* Answers with the fragment for ROUTE in all formats; nothing is written. True when there is one.
 */
bool handover_show(const struct config *config, const struct route *route, struct answer *answer);

/* In mode fragment, adds to the members of `status` how it stands with the current one, and sets
 * ROUTE to the one in force; 0, or -1 with a reason. */
int handover_status(const struct config *config, json_t *members, struct route *route,
                    struct why *why);

/* The owner's main.cf, without what configuration management has written into it for a route; NULL
 * with a reason. The caller frees it. */
char *handover_owner(const struct config *config, struct why *why);

/* Whether a fragment for ROUTE is in force, for all that can be known. */
bool handover_in_force(const struct config *config, const struct route *route);

#endif
