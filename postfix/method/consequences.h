/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which mail a route to a relay does not reach, and which it takes along though nobody may expect
 * it: a sentence each, of what it is, why, and what to do.
 *
 * The rules are trivial-rewrite(8)'s (resolve.c): transport_maps, then the transport of the address
 * class, whose own nexthop goes before relayhost, and of which the senders' transport decides about
 * the class default alone; and cleanup(8)'s, whose FILTER and REDIRECT go before all of these.
 */
#ifndef DETOURD_POSTFIX_CONSEQUENCES_H
#define DETOURD_POSTFIX_CONSEQUENCES_H

#include "lib/config.h"
#include "postfix/base/findings.h"
#include "postfix/host/instances.h"
#include "postfix/host/table.h"
#include "postfix/host/view.h"

struct consequences {
    struct findings not_following;
    struct findings following_unexpectedly;
};

/* VIEW is of the owner's configuration. */
void consequences_of_relayhost(const struct view *view, const struct instances *others,
                               read_table *read, struct consequences *out);
void consequences_of_transport(const struct view *view, const struct relay *relay,
                               const struct instances *others, read_table *read,
                               struct consequences *out);
/* Of the return: the owner's configuration counts again. */
void consequences_of_direct(const struct view *view, struct consequences *out);
void consequences_free(struct consequences *consequences);

#endif
