/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections to port 25 in this network namespace, of whatever program, that are half-open
 * (their SYN is unanswered) or established.
 */
#ifndef DETOURD_POSTFIX_CONNECTIONS_H
#define DETOURD_POSTFIX_CONNECTIONS_H

#include "lib/address.h"
#include <linux/inet_diag.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_PORT 25

struct connection {
    struct address peer;
    uint64_t inode;
    uint8_t state;              /* of the kernel's include/net/tcp_states.h */
    uint8_t timer;              /* inet_diag's idiag_timer: 1 is the retransmit timer */
    uint8_t retransmits;        /* how often it ran out */
    struct inet_diag_sockid id; /* with its cookie; only from sock_diag.h */
};

/* Ended by connections_free; all zero is an empty list. */
struct connections {
    struct connection *item;
    size_t count;
};

void connections_add(struct connections *list, const struct connection *connection);
void connections_free(struct connections *list);

/* By inode, for connections_find. */
void connections_sort(struct connections *list);
const struct connection *connections_find(const struct connections *list, uint64_t inode);

/* Unanswered yet. */
bool connection_is_half_open(const struct connection *connection);
/* Half-open, and its SYN was sent again at least once: what answers at all has then had a second
 * (RFC 6298, 2.1). */
bool connection_is_stuck(const struct connection *connection);

/* A line of /proc/net/tcp or tcp6 (proc(5)); false when it is none of these connections. */
bool connection_parse(const char *line, struct connection *out);

/* All of them by /proc/net, for a kernel without sock_diag(7): unsorted, without their id. */
void connections_from_proc(struct connections *list);

#endif
