/* SPDX-License-Identifier: BSD-2-Clause */
/* One IPv4 or IPv6 address with a port. */
#ifndef DETOURD_ADDRESS_H
#define DETOURD_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum family { FAMILY_IPV4, FAMILY_IPV6 };
#define FAMILIES 2

/* "ipv4", "ipv6". */
const char *family_name(enum family family);

struct address {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t len;
};

#define ADDRESS_TEXT 64

/* An IP literal without brackets and without a scope. False when TEXT is none. */
bool address_parse(const char *text, uint16_t port, struct address *out);

enum family address_family(const struct address *a);
uint16_t address_port(const struct address *a);
void address_set_port(struct address *a, uint16_t port);
bool address_equal(const struct address *a, const struct address *b);

/* "192.0.2.1" or "2001:db8::1"; OUT holds ADDRESS_TEXT bytes. */
void address_text(const struct address *a, char *out);

/* The network that one mail operator is taken to own, "198.18.1.0/24" or "2001:db8:1::/48":
 * two targets in one such network count once. What stands behind NAT64's well-known prefix
 * (64:ff9b::/96, RFC 6052) is told apart by the IPv4 address. OUT holds ADDRESS_TEXT bytes. */
void address_network(const struct address *a, char *out);

/* Whether the kernel has a route to A at all. Sends nothing. */
bool address_has_route(const struct address *a);

/* This host itself, or on a link of this host's by the kernel's routing table: the route that
 * matches has no gateway and is no default route. An answer from there says nothing about the
 * provider. */
bool address_on_link(const struct address *a);

#endif
