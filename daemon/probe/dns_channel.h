/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * c-ares on the event loop: its sockets, its timer, the resolvers it asks.
 *
 * Callbacks are ares_callback (ares_query(3)); they come from the loop or from inside a function
 * of this file, which no callback may free.
 */
#ifndef DETOURD_DNS_CHANNEL_H
#define DETOURD_DNS_CHANNEL_H

#include "lib/address.h"
#include <ares.h>
#include <event2/event.h>
#include <stddef.h>

struct dns_channel;

/* SERVERS as for ares_set_servers_ports_csv(3), or NULL for those of the file RESOLV_CONF, which
 * dns_channel_refresh reads again. NULL when SERVERS cannot be parsed. */
struct dns_channel *dns_channel_new(struct event_base *base, const char *servers,
                                    const char *resolv_conf);

/* Every callback still due comes with ARES_EDESTRUCTION. */
void dns_channel_free(struct dns_channel *channel);

/* Takes in a changed RESOLV_CONF. Only while no question is on its way. */
void dns_channel_refresh(struct dns_channel *channel);

/* Asks for records of TYPE (ns_t_a, ...) and class IN. */
void dns_channel_ask(struct dns_channel *channel, const char *name, int type,
                     ares_callback callback, void *context);

/* Every callback still due comes with ARES_ECANCELLED. */
void dns_channel_cancel(struct dns_channel *channel);

/* How many packets resolvers have sent so far. It tells a resolver that fails from one that is
 * not there: c-ares reports both as ARES_ECONNREFUSED. */
unsigned long dns_channel_answers(const struct dns_channel *channel);

/* The resolvers in use, with their ports; how many were written to OUT. */
size_t dns_channel_servers(struct dns_channel *channel, struct address *out, size_t max);

#endif
