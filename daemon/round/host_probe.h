/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host of a target: a first connection, and further ones where others connect and this one
 * takes long, or where nobody connects. The best of them is what came of the host.
 */
#ifndef DETOURD_HOST_PROBE_H
#define DETOURD_HOST_PROBE_H

#include "daemon/decide/enough.h"
#include "daemon/round/round_plan.h"
#include "daemon/round/round_result.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_probe;

/* What the hosts of one family have in common. */
struct host_party {
    struct event_base *base;
    const struct round_plan *plan;
    struct enough *enough; /* is told of each connection */
    size_t running;        /* connections; the hosts keep it */
    /* From the loop: a connection stands, an attempt has ended, the host has come to its end. */
    void (*connected)(struct host_probe *host, void *context);
    void (*moved)(void *context);
    void (*ended)(struct host_probe *host, void *context);
    void *context;
};

/* RESULT has the name and the address, and takes what comes of it. PARTY and RESULT must outlive
 * the host. Never NULL. */
struct host_probe *host_probe_new(struct host_party *party, size_t target,
                                  struct host_result *result);
/* Ends what is under way. NULL is allowed. */
void host_probe_free(struct host_probe *host);

size_t host_probe_target(const struct host_probe *host);
const struct host_result *host_probe_result(const struct host_probe *host);
int64_t host_probe_deadline(const struct host_probe *host); /* of the first connection */

/* The first connection. NUMBER is the host's, as decide/enough.h knows it. */
void host_probe_begin(struct host_probe *host, size_t number);

/* Another one. */
void host_probe_again(struct host_probe *host);

/* Tells of connections that stand by now. */
void host_probe_look(struct host_probe *host);

/* Enough was seen: what was silent until now stays silent. Its connections run on until
 * host_probe_free(), so that they count as silent until then. */
void host_probe_cut_short(struct host_probe *host);

#endif
