/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/address.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *family_name(enum family family)
{
    return family == FAMILY_IPV4 ? "ipv4" : "ipv6";
}

bool address_parse(const char *text, uint16_t port, struct address *out)
{
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &out->u.in.sin_addr) == 1) {
        out->u.in.sin_family = AF_INET;
        out->len = sizeof out->u.in;
    } else if (inet_pton(AF_INET6, text, &out->u.in6.sin6_addr) == 1) {
        out->u.in6.sin6_family = AF_INET6;
        out->len = sizeof out->u.in6;
    } else {
        return false;
    }
    address_set_port(out, port);
    return true;
}

enum family address_family(const struct address *a)
{
    return a->u.sa.sa_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
}

uint16_t address_port(const struct address *a)
{
    return ntohs(a->u.sa.sa_family == AF_INET ? a->u.in.sin_port : a->u.in6.sin6_port);
}

void address_set_port(struct address *a, uint16_t port)
{
    if (a->u.sa.sa_family == AF_INET)
        a->u.in.sin_port = htons(port);
    else
        a->u.in6.sin6_port = htons(port);
}

/* The bytes of the IP address alone. */
static const void *raw(const struct address *a, size_t *len)
{
    *len = a->u.sa.sa_family == AF_INET ? sizeof a->u.in.sin_addr : sizeof a->u.in6.sin6_addr;
    return a->u.sa.sa_family == AF_INET ? (const void *)&a->u.in.sin_addr
                                        : (const void *)&a->u.in6.sin6_addr;
}

bool address_equal(const struct address *a, const struct address *b)
{
    size_t len, other;
    const void *x = raw(a, &len), *y = raw(b, &other);

    return len == other && memcmp(x, y, len) == 0 && address_port(a) == address_port(b);
}

void address_text(const struct address *a, char *out)
{
    size_t len;
    const void *bytes = raw(a, &len);

    if (inet_ntop(a->u.sa.sa_family, bytes, out, ADDRESS_TEXT) == NULL)
        snprintf(out, ADDRESS_TEXT, "?");
}

/* So many bytes of an address are an operator's. Behind NAT64 an IPv6 address holds an IPv4 one. */
static size_t network_bytes(const struct address *a, const void *bytes)
{
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

    if (a->u.sa.sa_family == AF_INET)
        return 3;
    return memcmp(bytes, nat64, sizeof nat64) == 0 ? 15 : 6;
}

void address_network(const struct address *a, char *out)
{
    size_t len, keep;
    const void *bytes = raw(a, &len);
    unsigned char masked[16] = { 0 };
    char text[INET6_ADDRSTRLEN] = "?";

    keep = network_bytes(a, bytes);
    memcpy(masked, bytes, keep);
    inet_ntop(a->u.sa.sa_family, masked, text, sizeof text);
    snprintf(out, ADDRESS_TEXT, "%s/%zu", text, keep * 8);
}

bool address_has_route(const struct address *a)
{
    int fd = socket(a->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool routed = fd != -1 && connect(fd, &a->u.sa, a->len) == 0;

    if (fd != -1)
        close(fd);
    return routed;
}

struct route_query {
    struct nlmsghdr header;
    struct rtmsg message;
    struct rtattr attribute;
    unsigned char destination[16];
};

static struct route_query route_query(const struct address *a)
{
    struct route_query q = { .header.nlmsg_type = RTM_GETROUTE,
                             .header.nlmsg_flags = NLM_F_REQUEST };
    size_t len;
    const void *bytes = raw(a, &len);

    q.header.nlmsg_len = (unsigned)(NLMSG_LENGTH(sizeof q.message) + RTA_LENGTH(len));
    q.message.rtm_family = (unsigned char)a->u.sa.sa_family;
    q.message.rtm_dst_len = (unsigned char)(len * 8);
    q.message.rtm_flags = RTM_F_FIB_MATCH;
    q.attribute.rta_type = RTA_DST;
    q.attribute.rta_len = (unsigned short)RTA_LENGTH(len);
    memcpy(q.destination, bytes, len);
    return q;
}

/* Shorter prefixes are default routes, whole or in halves as VPNs write them. On a point-to-point
 * line (PPPoE, a tunnel) such a route has no gateway, and yet all the world lies behind it. */
#define SHORTEST_LINK_PREFIX 8

/* A route without a gateway leads to a neighbour; a local one to this host itself. */
static bool route_is_on_link(struct nlmsghdr *answer, size_t len)
{
    if (!NLMSG_OK(answer, len) || answer->nlmsg_type != RTM_NEWROUTE)
        return false;

    struct rtmsg *message = NLMSG_DATA(answer);
    size_t left = RTM_PAYLOAD(answer);
    if (message->rtm_type == RTN_LOCAL)
        return true;
    if (message->rtm_type != RTN_UNICAST || message->rtm_dst_len < SHORTEST_LINK_PREFIX)
        return false;
    for (struct rtattr *at = RTM_RTA(message); RTA_OK(at, left); at = RTA_NEXT(at, left))
        if (at->rta_type == RTA_GATEWAY || at->rta_type == RTA_VIA)
            return false;
    return true;
}

bool address_on_link(const struct address *a)
{
    struct route_query q = route_query(a);
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    bool on_link = false;

    if (fd == -1)
        return false;
    /* The kernel answers a route query before send() returns: recv() never waits. */
    if (send(fd, &q, q.header.nlmsg_len, 0) != -1) {
        ssize_t n = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
        on_link = n > 0 && route_is_on_link(&answer.header, (size_t)n);
    }
    close(fd);
    return on_link;
}
