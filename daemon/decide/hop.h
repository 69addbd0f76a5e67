/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop trace saw on the way to one address. Hop n is where a packet ends that may be
 * forwarded n - 1 times (its TTL, or IPv6's hop limit, is n). */
#ifndef DETOURD_HOP_H
#define DETOURD_HOP_H

#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOPS_MAX 20

enum hop_end {
    HOP_UNTRIED,
    HOP_SILENT,      /* no answer to any SYN */
    HOP_PASSED,      /* ICMP time exceeded: the SYN came as far as the router that says so */
    HOP_REACHED,     /* SYN-ACK */
    HOP_RESET,       /* RST, which does not show who sent it */
    HOP_REFUSED,     /* ICMP port unreachable */
    HOP_UNREACHABLE, /* any other ICMP unreachable */
    HOP_PROHIBITED,  /* ICMP administratively prohibited */
    HOP_DENIED,      /* this host itself: EACCES or EPERM, or ICMP from its own address */
    HOP_LOCAL,       /* this host could not even try: no descriptors, a bad source address */
};

struct hop_answer {
    enum hop_end end;
    struct address at; /* who sent the ICMP message; its len is 0 where there is none */
};

struct hop {
    struct hop_answer port25, control;
};

struct hop_trace_result {
    enum family family;
    struct address address; /* of the target, with port 25 */
    struct address control; /* where the control trace went, with its port */
    size_t hop_count;       /* of HOPS, those that were tried; HOPS[0] is hop 1 */
    struct hop hops[HOPS_MAX];
    bool reached;         /* port 25 took the connection */
    bool control_reached; /* the control's address answered: SYN-ACK or RST */
    bool kept;            /* no SYN to port 25 ever left this host: its kernel drops them */
    int64_t ms;
};

/* Whether somebody answered, of whatever kind, or this host itself refused. */
static inline bool hop_is_answered(const struct hop_answer *answer)
{
    return answer->end >= HOP_PASSED && answer->end <= HOP_DENIED;
}

#endif
