/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a SYN that nobody answers has left this host. Needs no root.
 *
 * The kernel sends it once more after a second (RFC 6298). A packet filter that drops it on the way
 * out lets connect(2) hang as any other does, but a retransmission that it drops counts in
 * tcpi_total_retrans alone, not in tcpi_retrans (tcp(7), TCP_INFO).
 */
#ifndef DETOURD_SYN_FATE_H
#define DETOURD_SYN_FATE_H

enum syn_fate {
    SYN_UNTOLD, /* it was not sent again, or the kernel does not tell */
    SYN_LEFT,
    SYN_KEPT, /* by this host */
};

/* Of the connection that is under way on FD. */
enum syn_fate syn_fate(int fd);

/* Of two that went to one place: it has left if one of them has. */
enum syn_fate syn_fate_of_both(enum syn_fate one, enum syn_fate other);

#endif
