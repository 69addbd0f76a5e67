/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/seen_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Prefixes of addresses that nobody has on the Internet (RFC 1122 3.2.1.3, 1918, 3927, 6598). */
static const struct {
    uint32_t network;
    int bits;
} private4[] = {
    { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 }, { 0x7f000000, 8 },
    { 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0a80000, 16 }, { 0xe0000000, 3 },
};

static bool is_public4(uint32_t ip)
{
    for (size_t i = 0; i < sizeof private4 / sizeof private4[0]; i++)
        if ((ip ^ private4[i].network) >> (32 - private4[i].bits) == 0)
            return false;
    return true;
}

/* Global unicast is 2000::/3 so far (RFC 4291 2.4, IANA). */
static bool is_public(const struct address *a)
{
    if (address_family(a) == FAMILY_IPV4)
        return is_public4(ntohl(a->u.in.sin_addr.s_addr));
    return (a->u.in6.sin6_addr.s6_addr[0] & 0xe0) == 0x20;
}

/* Behind the words of a greeting; NULL without them. */
static const char *behind_greeting(const char *line)
{
    static const char *const words[] = { "hello", "at your service", "welcome" };
    const char *first = NULL;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *found = strcasestr(line, words[i]);
        if (found != NULL && (first == NULL || found < first))
            first = found;
    }
    return first;
}

/* What stands between *OPEN, a bracket, and the next closing one. */
static bool take_brackets(const char *open, struct address *out)
{
    size_t len = strcspn(open + 1, "]");
    char text[ADDRESS_TEXT];

    if (open[1 + len] != ']' || len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)len, open + 1);
    const char *bare = strncasecmp(text, "IPv6:", 5) == 0 ? text + 5 : text;
    return address_parse(bare, 0, out) && is_public(out) &&
           (bare == text || address_family(out) == FAMILY_IPV6);
}

bool seen_address(const char *line, struct address *out)
{
    const char *at = behind_greeting(line);
    struct address found;
    bool any = false;

    while (at != NULL && (at = strchr(at, '[')) != NULL) {
        if (take_brackets(at++, &found)) {
            *out = found;
            any = true;
        }
    }
    return any;
}
