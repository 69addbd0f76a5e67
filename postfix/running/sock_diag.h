/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own list of connections, and the end of one of them (sock_diag(7)): what "ss -K"
 * does. Looking is free to everybody; ending wants CAP_NET_ADMIN and a kernel with
 * CONFIG_INET_DIAG_DESTROY. The connect(2) of a connection that was ended fails with ECONNABORTED.
 */
#ifndef DETOURD_POSTFIX_SOCK_DIAG_H
#define DETOURD_POSTFIX_SOCK_DIAG_H

#include "postfix/base/why.h"
#include "postfix/running/connections.h"

struct sock_diag;

/* NULL with a reason where the kernel has none, or this process may not use it. */
struct sock_diag *sock_diag_open(struct why *why);
/* NULL is allowed. */
void sock_diag_close(struct sock_diag *diag);

/* Adds the connections to port 25: 0, or -1 with a reason. */
int sock_diag_list(struct sock_diag *diag, struct connections *list, struct why *why);

/*
 * Ends a connection of the list if it is still stuck: 1, 0 when it is not, or -1 with a reason when
 * the kernel refuses, errno then being the kernel's (EPERM, EOPNOTSUPP).
 *
 * The kernel finds the connection by its cookie, which is never used twice, but does not look at
 * its state (net/ipv4/tcp_diag.c, tcp_diag_destroy): so its state is asked for once more just
 * before. An answer to the SYN in the few microseconds between would come to a connection that
 * has not carried a byte yet: the client hears of the abort before it can have sent one, and goes
 * on to its next address just the same.
 */
int sock_diag_end_stuck(struct sock_diag *diag, const struct connection *connection,
                        struct why *why);

#endif
