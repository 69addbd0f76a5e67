/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mail server in Postfix's nexthop syntax (postconf(5) relayhost, smtp(8) "SMTP DESTINATION
 * SYNTAX"): "example.com" means its MX hosts, "[mx.example.com]" and "[192.0.2.1]" that host,
 * each with ":port" if wanted. Service names instead of port numbers are not taken.
 */
#ifndef DETOURD_ENDPOINT_H
#define DETOURD_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_MAX 253 /* RFC 1035 2.3.4, less the length octets */

struct endpoint {
    char host[HOST_MAX + 1]; /* without brackets, lower case; IPv6 without the "ipv6:" prefix */
    uint16_t port;
    bool use_mx;     /* no brackets: look up MX first */
    bool is_literal; /* an IP address */
};

/* "host" or "[host]" plus brackets, colon, port and NUL. */
#define ENDPOINT_TEXT (HOST_MAX + 10)

/* 0, or -1 with *WHY a constant that says what is wrong and what would be right. */
int endpoint_parse(const char *text, uint16_t default_port, struct endpoint *out, const char **why);

/* The nexthop again, with a port where it is not DEFAULT_PORT. OUT holds ENDPOINT_TEXT bytes. */
void endpoint_text(const struct endpoint *e, uint16_t default_port, char *out);

/* Whether both mean the same hosts on the same port. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* A host name of letters, digits, hyphens and underscores in labels of 1 to 63 (RFC 1123 2.1). */
bool hostname_valid(const char *name);

/* The words of the request line and the names of relays: [a-z0-9-]{1,64}. */
#define TOKEN_MAX 64
bool token_valid(const char *text);

#endif
