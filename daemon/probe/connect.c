/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/connect.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/icmp_error.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

enum syn_fate connect_fate(const struct connect_attempt *a)
{
    return a->result.fd != -1 ? syn_fate(a->result.fd) : SYN_UNTOLD;
}

static void finish_silent(struct connect_attempt *a)
{
    char phrase[64];

    a->result.fate = connect_fate(a);
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

static enum connect_end end_of(enum icmp_kind kind)
{
    switch (kind) {
    case ICMP_REFUSED:
        return CONNECT_REFUSED;
    case ICMP_PROHIBITED:
        return CONNECT_PROHIBITED;
    default:
        return CONNECT_UNREACHABLE;
    }
}

static void finish_icmp(struct connect_attempt *a, const struct icmp_error *icmp)
{
    a->result.error = icmp->error;
    if (icmp->reporter.len > 0)
        address_text(&icmp->reporter, a->result.reporter);
    finish(a, end_of(icmp->kind), icmp->phrase);
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

enum connect_news connect_news(int fd, struct icmp_error *icmp, int *error)
{
    socklen_t len = sizeof *error;

    /* Before SO_ERROR, which cannot tell what the message tells. */
    bool has_icmp = icmp_error_read(fd, icmp);
    *error = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len) == -1)
        *error = errno;
    if (*error == 0 && is_connected(fd))
        return CONNECT_STANDS;
    if (has_icmp)
        return CONNECT_ICMP;
    return *error != 0 ? CONNECT_ERROR : CONNECT_NONE;
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct connect_attempt *a = context;
    struct icmp_error icmp;
    int error;
    (void)what;

    switch (connect_news(fd, &icmp, &error)) {
    case CONNECT_STANDS:
        /* From here on an ICMP message must not end a session that works. */
        icmp_error_keep(fd, address_family(&a->to), false);
        finish(a, CONNECT_OK, "connected");
        break;
    case CONNECT_ICMP:
        finish_icmp(a, &icmp);
        break;
    case CONNECT_ERROR:
        finish_errno(a, error);
        break;
    case CONNECT_NONE:
        event_add(a->ready, NULL);
        break;
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

int connect_socket(const struct address *to, const struct address *source)
{
    int on = 1;
    int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -1;
    icmp_error_keep(fd, address_family(to), true);
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
    a->result.fd = connect_socket(to, source);
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
