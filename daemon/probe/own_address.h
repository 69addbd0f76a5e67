/* SPDX-License-Identifier: BSD-2-Clause */
/* The address that this host's connections come from, as far as it can know by itself. */
#ifndef DETOURD_OWN_ADDRESS_H
#define DETOURD_OWN_ADDRESS_H

#include "lib/address.h"
#include <stdbool.h>

/* What the kernel would take towards the world in FAMILY, with port 0; false where no route leads
 * there. Sends nothing. */
bool own_address(enum family family, struct address *out);

/* Whether no packet from A can come back through the internet: RFC 1918, 4193, 6598, link-local,
 * loopback and the like. The world then sees another address (NAT). */
bool address_is_private(const struct address *a);

#endif
