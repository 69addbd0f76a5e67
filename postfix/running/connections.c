/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/connections.h"

#include "lib/memory.h"
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMER_RETRANSMIT 1

void connections_add(struct connections *list, const struct connection *connection)
{
    /* In steps: a busy host has thousands. */
    if ((list->count & (list->count - 1)) == 0)
        list->item =
            memory_grow(list->item, list->count == 0 ? 1 : list->count * 2, sizeof *list->item);
    list->item[list->count++] = *connection;
}

void connections_free(struct connections *list)
{
    free(list->item);
    *list = (struct connections){ 0 };
}

static int by_inode(const void *a, const void *b)
{
    uint64_t x = ((const struct connection *)a)->inode, y = ((const struct connection *)b)->inode;

    return (x > y) - (x < y);
}

void connections_sort(struct connections *list)
{
    if (list->count > 0)
        qsort(list->item, list->count, sizeof *list->item, by_inode);
}

const struct connection *connections_find(const struct connections *list, uint64_t inode)
{
    struct connection key = { .inode = inode };

    /* 0 stands for none: the program has closed it. */
    if (list->count == 0 || inode == 0)
        return NULL;
    return bsearch(&key, list->item, list->count, sizeof *list->item, by_inode);
}

bool connection_is_half_open(const struct connection *c)
{
    return c->state == TCP_SYN_SENT;
}

bool connection_is_stuck(const struct connection *c)
{
    return c->state == TCP_SYN_SENT && c->timer == TIMER_RETRANSMIT && c->retransmits > 0;
}

/* The kernel prints an address as words of 32 bits in its own byte order. */
static bool parse_peer(const char *hex, struct address *out)
{
    size_t words = strlen(hex) / 8;
    uint32_t raw[4];

    if (strlen(hex) != 8 && strlen(hex) != 32)
        return false;
    for (size_t i = 0; i < words; i++)
        if (sscanf(hex + 8 * i, "%8" SCNx32, &raw[i]) != 1)
            return false;
    memset(out, 0, sizeof *out);
    out->u.sa.sa_family = words == 1 ? AF_INET : AF_INET6;
    out->len = words == 1 ? sizeof out->u.in : sizeof out->u.in6;
    if (words == 1)
        memcpy(&out->u.in.sin_addr, raw, 4);
    else
        memcpy(&out->u.in6.sin6_addr, raw, 16);
    return true;
}

bool connection_parse(const char *line, struct connection *out)
{
    char peer[33];
    unsigned port, state, timer, retransmits;
    uint64_t inode;

    /* sl, local, remote, st, tx_queue:rx_queue, tr:tm->when, retrnsmt, uid, timeout, inode */
    if (sscanf(line,
               " %*u: %*[0-9A-Fa-f]:%*x %32[0-9A-Fa-f]:%x %x %*x:%*x %x:%*x %x %*u %*u %" SCNu64,
               peer, &port, &state, &timer, &retransmits, &inode) != 6 ||
        port != SMTP_PORT || (state != TCP_SYN_SENT && state != TCP_ESTABLISHED))
        return false;
    *out = (struct connection){ .inode = inode,
                                .state = (uint8_t)state,
                                .timer = (uint8_t)timer,
                                .retransmits = (uint8_t)(retransmits > 255 ? 255 : retransmits) };
    if (!parse_peer(peer, &out->peer))
        return false;
    address_set_port(&out->peer, SMTP_PORT);
    return true;
}

static void read_table(const char *path, struct connections *list)
{
    char line[512];
    struct connection c;
    FILE *table = fopen(path, "re");

    while (table != NULL && fgets(line, sizeof line, table) != NULL)
        if (connection_parse(line, &c))
            connections_add(list, &c);
    if (table != NULL)
        fclose(table);
}

void connections_from_proc(struct connections *list)
{
    read_table("/proc/net/tcp", list);
    read_table("/proc/net/tcp6", list);
}
