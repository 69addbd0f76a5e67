/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/icmp_error.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* After the libc headers: it needs struct timespec and brings none. */
#include <linux/errqueue.h>

void icmp_error_keep(int fd, enum family family, bool on)
{
    int value = on;

    if (family == FAMILY_IPV4)
        setsockopt(fd, IPPROTO_IP, IP_RECVERR, &value, sizeof value);
    else
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &value, sizeof value);
}

struct icmp_meaning {
    int type, code; /* code -1: any */
    enum icmp_kind kind;
    const char *phrase;
};

/* RFC 792, RFC 1812 5.2.7.1 */
static const struct icmp_meaning icmp4[] = {
    { ICMP_DEST_UNREACH, ICMP_NET_ANO, ICMP_PROHIBITED, "ICMP network prohibited" },
    { ICMP_DEST_UNREACH, ICMP_HOST_ANO, ICMP_PROHIBITED, "ICMP host prohibited" },
    { ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, ICMP_PROHIBITED, "ICMP administratively prohibited" },
    { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMP_REFUSED, "ICMP port unreachable" },
    { ICMP_DEST_UNREACH, ICMP_NET_UNREACH, ICMP_UNREACHABLE, "ICMP network unreachable" },
    { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP_UNREACHABLE, "ICMP host unreachable" },
    { ICMP_DEST_UNREACH, -1, ICMP_UNREACHABLE, "ICMP destination unreachable" },
    { ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, ICMP_HOPS_EXCEEDED, "ICMP time exceeded" },
    { ICMP_TIME_EXCEEDED, -1, ICMP_UNREACHABLE, "ICMP time exceeded" },
    { -1, -1, ICMP_UNREACHABLE, "ICMP error" },
};

/* RFC 4443 3.1; codes 5 and 6 are a policy of the source's network and a reject route. */
static const struct icmp_meaning icmp6[] = {
    { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, ICMP_PROHIBITED,
      "ICMPv6 administratively prohibited" },
    { ICMP6_DST_UNREACH, 5, ICMP_PROHIBITED, "ICMPv6 source address failed policy" },
    { ICMP6_DST_UNREACH, 6, ICMP_PROHIBITED, "ICMPv6 route rejected" },
    { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, ICMP_REFUSED, "ICMPv6 port unreachable" },
    { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, ICMP_UNREACHABLE, "ICMPv6 no route" },
    { ICMP6_DST_UNREACH, -1, ICMP_UNREACHABLE, "ICMPv6 address unreachable" },
    { ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, ICMP_HOPS_EXCEEDED, "ICMPv6 time exceeded" },
    { ICMP6_TIME_EXCEEDED, -1, ICMP_UNREACHABLE, "ICMPv6 time exceeded" },
    { -1, -1, ICMP_UNREACHABLE, "ICMPv6 error" },
};

static const struct icmp_meaning *meaning_of(const struct sock_extended_err *e)
{
    const struct icmp_meaning *m = e->ee_origin == SO_EE_ORIGIN_ICMP ? icmp4 : icmp6;

    while (m->type != -1 && (m->type != e->ee_type || (m->code != -1 && m->code != e->ee_code)))
        m++;
    return m;
}

static void note(const struct sock_extended_err *e, struct icmp_error *out)
{
    const struct icmp_meaning *meaning = meaning_of(e);
    const struct sockaddr *from = SO_EE_OFFENDER(e);

    *out = (struct icmp_error){ .kind = meaning->kind,
                                .phrase = meaning->phrase,
                                .error = (int)e->ee_errno };
    if (from->sa_family == AF_INET)
        out->reporter.len = sizeof out->reporter.u.in;
    else if (from->sa_family == AF_INET6)
        out->reporter.len = sizeof out->reporter.u.in6;
    memcpy(&out->reporter.u, from, out->reporter.len);
}

/* The ICMP message in one entry of the error queue, or NULL. */
static const struct sock_extended_err *icmp_in(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        const struct sock_extended_err *e = (const struct sock_extended_err *)CMSG_DATA(c);
        bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                        (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);

        if (is_error && c->cmsg_len >= CMSG_LEN(sizeof *e + sizeof(struct sockaddr_in)) &&
            (e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6))
            return e;
    }
    return NULL;
}

/* One attempt provokes few; the bound keeps a flood from holding us. */
#define ERROR_QUEUE_READS 16

bool icmp_error_read(int fd, struct icmp_error *out)
{
    bool found = false;

    for (int i = 0; i < ERROR_QUEUE_READS; i++) {
        union {
            struct cmsghdr align;
            char bytes[512];
        } control;
        char packet[128];
        struct iovec iov = { packet, sizeof packet };
        struct msghdr message = { .msg_iov = &iov,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof control };

        if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) == -1)
            break;
        const struct sock_extended_err *e = icmp_in(&message);
        if (e != NULL && !found) {
            note(e, out);
            found = true;
        }
    }
    return found;
}
