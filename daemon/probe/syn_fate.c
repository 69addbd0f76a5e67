/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/syn_fate.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum syn_fate syn_fate(int fd)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 || info.tcpi_total_retrans == 0)
        return SYN_UNTOLD;
    return info.tcpi_retrans > 0 ? SYN_LEFT : SYN_KEPT;
}

enum syn_fate syn_fate_of_both(enum syn_fate one, enum syn_fate other)
{
    if (one == SYN_LEFT || other == SYN_LEFT)
        return SYN_LEFT;
    return one == SYN_KEPT || other == SYN_KEPT ? SYN_KEPT : SYN_UNTOLD;
}
