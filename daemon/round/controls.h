/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The candidates for controls in one family, and the controls to them: connections that prove the
 * network to be up while port 25 is silent. When one is sent, and to whom, is decided elsewhere
 * (decide/enough.h).
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

#define CONTROLS_MAX 16 /* candidates */

struct controls_plan {
    enum family family;
    struct address addresses[CONTROLS_MAX]; /* known already */
    size_t address_count;
    const struct control_host *hosts; /* to be looked up; must outlive the controls */
    size_t host_count;
    struct probe_settings settings;
};

/* All come from the loop, and none after controls_stop(), which they may call. */
struct controls_events {
    /* A look-up has found CANDIDATE. */
    void (*found)(int candidate, void *context);
    /* No look-up is under way any more; not called where none was. */
    void (*looked)(void *context);
    /* The control that was sent with NUMBER ended. RESULT is valid during the call alone. */
    void (*ended)(size_t number, const struct control_result *result, void *context);
    void *context;
};

struct controls;

/* Begins the look-ups. DNS may be NULL where there are no hosts. An address on a link of this
 * host's, of the other family or a second time is no candidate. Never NULL. */
struct controls *controls_start(struct event_base *base, struct dns *dns,
                                const struct controls_plan *plan,
                                const struct controls_events *events);

/* Candidates so far, numbered from 0 on. */
size_t controls_count(const struct controls *controls);
const struct address *controls_address(const struct controls *controls, size_t candidate);
bool controls_looking(const struct controls *controls);

/* Sends a control to CANDIDATE; NUMBER is the caller's. */
void controls_send(struct controls *controls, size_t candidate, size_t number);

/* Ends all of it. NULL is allowed. */
void controls_stop(struct controls *controls);

#endif
