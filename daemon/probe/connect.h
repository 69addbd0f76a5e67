/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP connection with the reason why there is none.
 *
 * SO_ERROR alone cannot tell an administrator's prohibition from a missing route: IPv4 reports
 * both as EHOSTUNREACH. The ICMP message itself stands in the socket's error queue (ip(7)
 * IP_RECVERR, ipv6(7) IPV6_RECVERR), which has to be read first.
 */
#ifndef DETOURD_CONNECT_H
#define DETOURD_CONNECT_H

#include "daemon/probe/icmp_error.h"
#include "daemon/probe/syn_fate.h"
#include "lib/address.h"
#include <event2/event.h>
#include <stdint.h>

enum connect_end {
    CONNECT_OK,
    CONNECT_TIMEOUT,     /* silence until the deadline */
    CONNECT_REFUSED,     /* RST, or ICMP port unreachable */
    CONNECT_UNREACHABLE, /* no route, or any other ICMP unreachable */
    CONNECT_PROHIBITED,  /* ICMP administratively prohibited; EACCES or EPERM from this host */
    CONNECT_LOCAL,       /* this host could not even try: no descriptors, a bad source address */
};

#define CONNECT_DETAIL 160

struct connect_result {
    enum connect_end end;
    int fd;                      /* CONNECT_OK: non-blocking, close-on-exec, now the callback's;
                                    otherwise -1 */
    int error;                   /* errno(3) value, 0 where the deadline ended it */
    char reporter[ADDRESS_TEXT]; /* who sent the ICMP message; empty where none came */
    char detail[CONNECT_DETAIL]; /* one phrase, "no answer to SYN in 8.0 s" */
    enum syn_fate fate;          /* of a SYN without an answer */
    int64_t ms;                  /* how long it took */
};

/* RESULT is valid during the call alone; the connection attempt is gone when it returns. */
typedef void connect_done(const struct connect_result *result, void *context);

struct connect_attempt;

/* SOURCE (its port is ignored) may be NULL. The callback comes once, always from the loop. */
struct connect_attempt *connect_start(struct event_base *base, const struct address *to,
                                      const struct address *source, int64_t deadline_ms,
                                      connect_done *callback, void *context);

/* What has become of its SYN so far. */
enum syn_fate connect_fate(const struct connect_attempt *attempt);

/* The socket of such an attempt: non-blocking, close-on-exec, keeping ICMP errors (icmp_error.h),
 * bound to SOURCE unless that is NULL. It is the caller's; -1 with errno where there is none. */
int connect_socket(const struct address *to, const struct address *source);

enum connect_news {
    CONNECT_NONE, /* only a notice, and the handshake goes on */
    CONNECT_STANDS,
    CONNECT_ICMP,  /* ended by the message in *ICMP */
    CONNECT_ERROR, /* ended with the errno(3) value in *ERROR */
};

/* What has become of an attempt on such a socket, which has just turned writable. */
enum connect_news connect_news(int fd, struct icmp_error *icmp, int *error);

/* Ends the attempt without its callback. NULL is allowed; so is the call inside the callback. */
void connect_stop(struct connect_attempt *attempt);

#endif
