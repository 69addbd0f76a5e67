/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICMP message that ended a connection attempt: it stands in the socket's error queue (ip(7)
 * IP_RECVERR, ipv6(7) IPV6_RECVERR), and has to be read before SO_ERROR, which cannot tell what
 * it tells.
 */
#ifndef DETOURD_ICMP_ERROR_H
#define DETOURD_ICMP_ERROR_H

#include "lib/address.h"
#include <stdbool.h>

enum icmp_kind {
    ICMP_REFUSED,       /* port unreachable */
    ICMP_UNREACHABLE,   /* no route, and whatever has no kind of its own */
    ICMP_PROHIBITED,    /* administratively prohibited, in all its forms */
    ICMP_HOPS_EXCEEDED, /* time exceeded in transit: a router on the way names itself */
};

struct icmp_error {
    enum icmp_kind kind;
    const char *phrase;      /* "ICMP administratively prohibited" */
    int error;               /* the errno(3) value that goes with it */
    struct address reporter; /* who sent it; its len is 0 where the kernel does not say */
};

/* Has the kernel keep such messages for the socket FD, or no longer. */
void icmp_error_keep(int fd, enum family family, bool on);

/* Reads the error queue of FD empty. False where no ICMP message stood in it; the first one is
 * the reason. Never waits. */
bool icmp_error_read(int fd, struct icmp_error *out);

#endif
