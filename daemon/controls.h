/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wave of controls: connections that prove the network to be up while port 25 is silent. All go
 * out at once; the first answer from off-link ends the wave.
 */
#ifndef DETOURD_CONTROLS_H
#define DETOURD_CONTROLS_H

#include "daemon/probe/control.h"
#include "daemon/probe/dns.h"
#include "daemon/probe/probe.h"
#include "lib/address.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

/* A host to look up, without brackets, and a port of its. */
struct control_host {
    const char *host;
    uint16_t port;
};

#define CONTROLS_MAX 16

struct controls_plan {
    enum family family;
    struct address addresses[CONTROLS_MAX]; /* known already */
    size_t address_count;
    const struct control_host *hosts; /* looked up first; must outlive the wave */
    size_t host_count;
    struct probe_settings settings;
    int64_t deadline_ms;
};

struct controls_result {
    bool answered;
    struct address by; /* who answered, if anybody did */
    int64_t sent_ms, answered_ms;
    size_t tried; /* connections made to off-link addresses */
};

/* RESULT is valid during the call alone; the wave is gone when it returns. */
typedef void controls_done(const struct controls_result *result, void *context);

struct controls;

/* DNS may be NULL where there are no hosts. The callback comes once, always from the loop. */
struct controls *controls_start(struct event_base *base, struct dns *dns,
                                const struct controls_plan *plan, controls_done *callback,
                                void *context);

/* Ends the wave without its callback. NULL is allowed; so is the call inside the callback. */
void controls_stop(struct controls *controls);

#endif
