/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small network in namespaces that belong to this process alone and end with it:
 *
 *     host      10.99.0.1, fd99::1, and 198.18.100.1, 2001:db8:100::1 as further addresses
 *     internet  10.99.0.2, fd99::2 (on the host's link, its router), and behind it
 *               198.18.1.1  2001:db8:1::1     a machine; closed ports answer with RST
 *               198.18.2.0/24 2001:db8:2::/48 silence
 *               198.18.3.0/24 2001:db8:3::/48 ICMP administratively prohibited, from the router
 *               198.18.4.0/24 2001:db8:4::/48 ICMP host (IPv6: address) unreachable, likewise
 *
 * and by routes of the host's own: 198.18.6.0/24, 2001:db8:6::/48 prohibited, 198.18.7.0/24,
 * 2001:db8:7::/48 unreachable.
 */
#ifndef DETOURD_TEST_FAKE_NET_H
#define DETOURD_TEST_FAKE_NET_H

#include "lib/address.h"
#include <stdbool.h>

/* Makes it and goes to the host; false where this process may not or has no ip(8). */
bool fake_net_enter(void);

/* Where sockets are made from here on. */
void fake_net_to_host(void);
void fake_net_to_internet(void);

/* Runs nft(8) in the internet with RULES; false where there is none. */
bool fake_net_filter(const char *rules);

struct address fake_net_address(const char *text, uint16_t port);

#endif
