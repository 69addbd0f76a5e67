/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/own_address.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

/* Any address far away will do: root name servers are there to stay. */
static const char *const far_away[FAMILIES] = {
    [FAMILY_IPV4] = "198.41.0.4",
    [FAMILY_IPV6] = "2001:503:ba3e::2:30",
};

bool own_address(enum family family, struct address *out)
{
    struct address to;

    if (!address_parse(far_away[family], 53, &to))
        return false;
    int fd = socket(to.u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memset(out, 0, sizeof *out);
    out->len = to.len;
    bool found = fd != -1 && connect(fd, &to.u.sa, to.len) == 0 &&
                 getsockname(fd, &out->u.sa, &out->len) == 0;
    if (found)
        address_set_port(out, 0);
    if (fd != -1)
        close(fd);
    return found;
}

static bool is_private4(unsigned a)
{
    static const struct {
        unsigned network, mask;
    } blocks[] = {
        { 0x00000000, 0xff000000 }, /* this network */
        { 0x0a000000, 0xff000000 }, /* 10.0.0.0/8 */
        { 0x64400000, 0xffc00000 }, /* 100.64.0.0/10, carrier-grade NAT */
        { 0x7f000000, 0xff000000 }, /* loopback */
        { 0xa9fe0000, 0xffff0000 }, /* link-local */
        { 0xac100000, 0xfff00000 }, /* 172.16.0.0/12 */
        { 0xc0000000, 0xffffff00 }, /* 192.0.0.0/24, DS-Lite and others */
        { 0xc0a80000, 0xffff0000 }, /* 192.168.0.0/16 */
        { 0xe0000000, 0xe0000000 }, /* multicast and above */
    };

    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if ((a & blocks[i].mask) == blocks[i].network)
            return true;
    return false;
}

bool address_is_private(const struct address *a)
{
    const struct in6_addr *six = &a->u.in6.sin6_addr;

    if (address_family(a) == FAMILY_IPV4)
        return is_private4(ntohl(a->u.in.sin_addr.s_addr));
    return IN6_IS_ADDR_UNSPECIFIED(six) || IN6_IS_ADDR_LOOPBACK(six) ||
           IN6_IS_ADDR_LINKLOCAL(six) || IN6_IS_ADDR_SITELOCAL(six) || IN6_IS_ADDR_V4MAPPED(six) ||
           IN6_IS_ADDR_MULTICAST(six) || (six->s6_addr[0] & 0xfe) == 0xfc;
}
