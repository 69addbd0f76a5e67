/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where port 25 is blocked, from what a hop trace saw. Pure.
 *
 * Whoever drops a packet does so on its way in or on its way out: a router that drops what it
 * forwards has looked at the TTL before, and answered. So the dropper is the last hop that answers
 * for port 25, or the way into the next one that answers for the control. Hops that are silent for
 * both ports say nothing; where such hops lie between those two, the dropper may be any of them,
 * and a place is named only if all of them are in it.
 *
 * A RST does not show who sent it and is placed like a silence that begins there. An ICMP message
 * names its sender.
 */
#ifndef DETOURD_DECIDE_TRACE_H
#define DETOURD_DECIDE_TRACE_H

#include "daemon/decide/hop.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>

enum trace_where {
    TRACE_UNKNOWN,   /* the hops do not tell */
    TRACE_OPEN,      /* the target took the connection */
    TRACE_HOST,      /* this host itself: its kernel says so or has sent nothing */
    TRACE_FIRST_HOP, /* not even hop 1 saw port 25: this host, or where hop 1 begins */
    TRACE_PROVIDER,  /* within the first hops, or among private addresses */
    TRACE_PATH,      /* beyond them, and not yet at the target */
    TRACE_FAR,       /* at the target, or at the last hop before it */
};

enum trace_how {
    TRACE_SILENTLY,
    TRACE_BY_RESET,
    TRACE_BY_ICMP,
    TRACE_BY_KERNEL, /* connect(2) itself failed */
};

/* What is known of the other operators. */
enum trace_scope {
    TRACE_OF_ONE, /* they are open: the target's own end blocks, not the beginning of the way */
    TRACE_OF_ALL, /* no operator can be reached: it is not this target's doing */
    TRACE_OF_SOME /* nothing that would tell */
};

/* Where the lowest hops have addresses of these kinds, the packet has not left the provider's
 * (or the owner's own) network yet. */
enum address_kind {
    ADDRESS_PUBLIC,
    ADDRESS_PRIVATE, /* RFC 1918, RFC 4193, link-local */
    ADDRESS_SHARED,  /* 100.64.0.0/10, behind a carrier's address translation (RFC 6598) */
};

enum address_kind address_kind(const struct address *address);

struct trace_point {
    size_t hop; /* 0 where there is none */
    struct address at;
    enum address_kind kind;
};

struct trace_conclusion {
    enum trace_where where;
    enum trace_how how;
    struct trace_point last;     /* the last hop that passes port 25 */
    struct trace_point next;     /* the first beyond it that passes the control alone; the target
                                    where the control arrived there */
    struct trace_point reporter; /* who says by ICMP that it refuses; its hop may be unknown, 0,
                                    while its at.len is not */
    bool
        early; /* port 25 was answered nearer to this host than the control: by something between */
};

struct trace_conclusion trace_decide(const struct hop_trace_result *trace, enum trace_scope scope);

#endif
