/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two methods by which a route to a relay comes about, as steps of a change (change.h). CHANGE
 * holds the view of the owner's configuration, against which nothing spoke.
 */
#ifndef DETOURD_POSTFIX_METHODS_H
#define DETOURD_POSTFIX_METHODS_H

#include "postfix/change/change.h"

/* Each fills in CHANGE's steps, rendering, generation and what is proved. WHY holds the reason of a
 * refusal. PREVIEW is the request's. */
enum change_kind prepare_relayhost(const struct config *config, bool preview, struct change *change,
                                   struct why *why);
/* WANTED: the route to be in force, which may be direct. */
enum change_kind prepare_transport(const struct config *config, const struct route *wanted,
                                   bool preview, struct change *change, struct why *why);

/* The steps that end what is in force by either method, as far as mail goes that way: what is left
 * is to be replaced by the steps that follow. */
void end_relayhost(struct change *change);
void end_transport(const struct config *config, struct change *change);
/* The owner's files. */
void add_owners_main_cf(struct change *change);
void add_owners_master_cf(struct change *change);
/* All of a route by relayhost but its relayhost. */
void add_prepared(struct change *change, unsigned long generation, const struct settings *settings);

/* What a relay needs besides the configuration; NULL with a reason. The password is ended with
 * secret_free. */
char *read_password(const struct config *config, const struct relay *relay, struct why *why);
char *read_relay_ca(const struct relay *relay, struct why *why);
/* In a preview, what is missing is one refusal more, and something else takes its place: the
 * difference of the files holds none of it. */
char *or_placeholder(char *text, bool preview, struct change *change, const struct why *why);

#endif
