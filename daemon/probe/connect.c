/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/connect.h"

#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the libc headers: it needs struct timespec and brings none. */
#include <linux/errqueue.h>

struct connect_attempt {
    struct address to;
    int64_t started_ms;
    struct event *ready, *timer;
    connect_done *callback;
    void *context;
    struct connect_result result;
    bool has_source;
    bool is_over; /* the result stands; the timer delivers it */
    bool in_callback;
};

static void set_recverr(int fd, enum family family, int on)
{
    if (family == FAMILY_IPV4)
        setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    else
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
}

static void finish(struct connect_attempt *a, enum connect_end end, const char *phrase)
{
    struct connect_result *r = &a->result;

    r->end = end;
    r->ms = clock_mono_ms() - a->started_ms;
    if (r->reporter[0] != '\0')
        snprintf(r->detail, sizeof r->detail, "%s from %s", phrase, r->reporter);
    else
        snprintf(r->detail, sizeof r->detail, "%s", phrase);
    if (end != CONNECT_OK && r->fd != -1) {
        close(r->fd);
        r->fd = -1;
    }
    a->is_over = true;
    deadline_soon(a->timer);
}

static void finish_silent(struct connect_attempt *a)
{
    char phrase[64];

    snprintf(phrase, sizeof phrase, "no answer to SYN in %.1f s",
             (double)(clock_mono_ms() - a->started_ms) / 1000.0);
    finish(a, CONNECT_TIMEOUT, phrase);
}

/* What this host's own kernel says, or an error that no ICMP message explains. */
static enum connect_end judge_errno(const struct connect_attempt *a, int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
        return CONNECT_REFUSED;
    case EACCES: /* a route of type prohibit (ip-route(8)) */
    case EPERM:  /* a packet filter or a sandbox */
        return CONNECT_PROHIBITED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EAFNOSUPPORT: /* a kernel without IPv6 */
        return CONNECT_UNREACHABLE;
    case EADDRNOTAVAIL:
        /* A host whose IPv6 is switched off has no address to send from; otherwise ports have run
         * out, or the source address asked for is not this host's. */
        return a->has_source || address_family(&a->to) == FAMILY_IPV4 ? CONNECT_LOCAL
                                                                      : CONNECT_UNREACHABLE;
    case ETIMEDOUT:
        return CONNECT_TIMEOUT;
    default:
        return CONNECT_LOCAL;
    }
}

static void finish_errno(struct connect_attempt *a, int error)
{
    enum connect_end end = judge_errno(a, error);
    char phrase[96];

    a->result.error = error;
    if (end == CONNECT_TIMEOUT)
        finish_silent(a);
    else if (end == CONNECT_REFUSED)
        finish(a, end, "connection refused");
    else {
        snprintf(phrase, sizeof phrase, "%s%s",
                 end == CONNECT_PROHIBITED ? "this host forbids it: " : "", strerror(error));
        finish(a, end, phrase);
    }
}

struct icmp_meaning {
    int type, code; /* code -1: any */
    enum connect_end end;
    const char *phrase;
};

/* RFC 792, RFC 1812 5.2.7.1 */
static const struct icmp_meaning icmp4[] = {
    { ICMP_DEST_UNREACH, ICMP_NET_ANO, CONNECT_PROHIBITED, "ICMP network prohibited" },
    { ICMP_DEST_UNREACH, ICMP_HOST_ANO, CONNECT_PROHIBITED, "ICMP host prohibited" },
    { ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, CONNECT_PROHIBITED,
      "ICMP administratively prohibited" },
    { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, CONNECT_REFUSED, "ICMP port unreachable" },
    { ICMP_DEST_UNREACH, ICMP_NET_UNREACH, CONNECT_UNREACHABLE, "ICMP network unreachable" },
    { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, CONNECT_UNREACHABLE, "ICMP host unreachable" },
    { ICMP_DEST_UNREACH, -1, CONNECT_UNREACHABLE, "ICMP destination unreachable" },
    { ICMP_TIME_EXCEEDED, -1, CONNECT_UNREACHABLE, "ICMP time exceeded" },
    { -1, -1, CONNECT_UNREACHABLE, "ICMP error" },
};

/* RFC 4443 3.1; codes 5 and 6 are a policy of the source's network and a reject route. */
static const struct icmp_meaning icmp6[] = {
    { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, CONNECT_PROHIBITED,
      "ICMPv6 administratively prohibited" },
    { ICMP6_DST_UNREACH, 5, CONNECT_PROHIBITED, "ICMPv6 source address failed policy" },
    { ICMP6_DST_UNREACH, 6, CONNECT_PROHIBITED, "ICMPv6 route rejected" },
    { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, CONNECT_REFUSED, "ICMPv6 port unreachable" },
    { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, CONNECT_UNREACHABLE, "ICMPv6 no route" },
    { ICMP6_DST_UNREACH, -1, CONNECT_UNREACHABLE, "ICMPv6 address unreachable" },
    { ICMP6_TIME_EXCEEDED, -1, CONNECT_UNREACHABLE, "ICMPv6 time exceeded" },
    { -1, -1, CONNECT_UNREACHABLE, "ICMPv6 error" },
};

static const struct icmp_meaning *meaning_of(const struct sock_extended_err *e)
{
    const struct icmp_meaning *m = e->ee_origin == SO_EE_ORIGIN_ICMP ? icmp4 : icmp6;

    while (m->type != -1 && (m->type != e->ee_type || (m->code != -1 && m->code != e->ee_code)))
        m++;
    return m;
}

static void note_reporter(struct connect_attempt *a, const struct sock_extended_err *e)
{
    const struct sockaddr *from = SO_EE_OFFENDER(e);
    struct address reporter = { .len = 0 };

    if (from->sa_family == AF_INET)
        reporter.len = sizeof reporter.u.in;
    else if (from->sa_family == AF_INET6)
        reporter.len = sizeof reporter.u.in6;
    memcpy(&reporter.u, from, reporter.len);
    if (reporter.len > 0)
        address_text(&reporter, a->result.reporter);
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

#define ERROR_QUEUE_READS                                                   \
    16 /* one attempt provokes few; the bound keeps a flood from holding us \
        */

/* Reads the error queue empty; the first ICMP message is the reason. */
static const struct icmp_meaning *read_error_queue(struct connect_attempt *a)
{
    const struct icmp_meaning *found = NULL;

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

        if (recvmsg(a->result.fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) == -1)
            break;
        const struct sock_extended_err *e = icmp_in(&message);
        if (e != NULL && found == NULL) {
            found = meaning_of(e);
            a->result.error = (int)e->ee_errno;
            note_reporter(a, e);
        }
    }
    return found;
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct connect_attempt *a = context;
    int error = 0;
    socklen_t len = sizeof error;
    (void)what;

    /* Before SO_ERROR, which cannot tell what the message tells. */
    const struct icmp_meaning *icmp = read_error_queue(a);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        error = errno;
    if (error == 0 && is_connected(fd)) {
        /* From here on an ICMP message must not end a session that works. */
        set_recverr(fd, address_family(&a->to), 0);
        a->result.reporter[0] = '\0';
        a->result.error = 0;
        finish(a, CONNECT_OK, "connected");
    } else if (icmp != NULL) {
        finish(a, icmp->end, icmp->phrase);
    } else if (error != 0) {
        finish_errno(a, error);
    } else {
        event_add(a->ready, NULL); /* only a notice, and the handshake goes on */
    }
}

static void dispose(struct connect_attempt *a)
{
    if (a->ready != NULL)
        event_free(a->ready);
    event_free(a->timer);
    free(a);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct connect_attempt *a = context;
    (void)fd;
    (void)what;

    if (!a->is_over) {
        event_del(a->ready); /* before its descriptor is closed and the number used again */
        finish_silent(a);
        event_del(a->timer);
    }
    a->in_callback = true;
    a->callback(&a->result, a->context);
    dispose(a);
}

/* A socket bound to SOURCE, or -1 with errno. */
static int open_socket(const struct address *to, const struct address *source)
{
    int on = 1;
    int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -1;
    set_recverr(fd, address_family(to), 1);
    if (source == NULL)
        return fd;
    struct address from = *source;
    address_set_port(&from, 0);
    /* The port is chosen at connect(), so that one is free as long as it is for this destination.
     */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, &from.u.sa, from.len) == -1) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

struct connect_attempt *connect_start(struct event_base *base, const struct address *to,
                                      const struct address *source, int64_t deadline_ms,
                                      connect_done *callback, void *context)
{
    struct connect_attempt *a = memory_zero(1, sizeof *a);

    a->to = *to;
    a->has_source = source != NULL;
    a->started_ms = clock_mono_ms();
    a->callback = callback;
    a->context = context;
    a->timer = deadline_timer(base, on_timer, a);
    a->result.fd = open_socket(to, source);
    if (a->result.fd == -1) {
        finish_errno(a, errno);
        return a;
    }
    if (connect(a->result.fd, &to->u.sa, to->len) == -1 && errno != EINPROGRESS && errno != EINTR) {
        finish_errno(a, errno);
        return a;
    }
    a->ready = event_new(base, a->result.fd, EV_WRITE, on_ready, a);
    if (a->ready == NULL || event_add(a->ready, NULL) == -1)
        finish_errno(a, ENOMEM);
    else
        deadline_arm(a->timer, deadline_ms);
    return a;
}

void connect_stop(struct connect_attempt *a)
{
    if (a == NULL || a->in_callback)
        return;
    if (a->ready != NULL)
        event_del(a->ready);
    if (a->result.fd != -1)
        close(a->result.fd);
    dispose(a);
}
