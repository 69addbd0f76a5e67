/* SPDX-License-Identifier: BSD-2-Clause */
/* What is local to this host: its own links, and Postfix's mynetworks. */
#ifndef DETOURD_POSTFIX_LOCAL_NETWORKS_H
#define DETOURD_POSTFIX_LOCAL_NETWORKS_H

#include "lib/address.h"
#include "lib/config.h"
#include "postfix/base/why.h"
#include <stdbool.h>

struct local_networks;

/*
 * A value of mynetworks (postconf(5)): IP/prefix, [IPv6]/prefix or [IPv6/prefix], an address alone,
 * "!" before one that is excepted, a file of such patterns, a cidr: table. The first pattern that
 * matches counts. Other tables are passed over: only Postfix could look them up.
 */
struct local_networks *local_networks_parse(const char *mynetworks);

/* This Postfix's mynetworks. NULL with a reason. */
struct local_networks *local_networks_read(const struct config *config, struct why *why);
void local_networks_free(struct local_networks *networks);

bool local_networks_match(const struct local_networks *networks, const struct address *address);

/* In those networks, on a link of this host's, or this host itself. */
bool is_local(const struct local_networks *networks, const struct address *address);

#endif
