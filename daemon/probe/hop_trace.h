/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which hop on the way to a target passes port 25, and which does not. Needs neither root nor raw
 * sockets: a SYN that may make n hops only has the n-th router answer with ICMP time exceeded,
 * which the kernel keeps for the socket (icmp_error.h). From the hop on that drops port 25 there is
 * silence, while the same trace to a control port goes on.
 *
 * All hops are tried nearly at once, those that stay silent twice more, and the one where port 25
 * seems to end five times more: on a lossy path that end would else be put too near. A trace is
 * over as soon as nothing is left that could answer: after a second in most cases, at once where
 * port 25 is answered or refused, and in any case at its deadline.
 *
 * Where no SYN to port 25 is answered from anywhere, the trace waits for the kernel to send one
 * once more, which tells whether it left this host (syn_fate.h).
 */
#ifndef DETOURD_HOP_TRACE_H
#define DETOURD_HOP_TRACE_H

#include "daemon/decide/hop.h"
#include "daemon/probe/probe.h"
#include "lib/address.h"
#include <event2/event.h>
#include <stdint.h>

/* Enough for every hop to be tried three times over a slow path. */
#define HOP_TRACE_MS 2800

/* As many as a trace may have open at once: each of its SYNs waits until the end. */
#define HOP_TRACE_DESCRIPTORS 220

/* Copied by hop_trace_start. */
struct hop_trace_plan {
    struct address address; /* the target's, with port 25 */
    struct address control; /* the same with another port, or another address */
    const struct probe_settings *settings;
    int64_t deadline_ms;
};

/* RESULT is valid during the call alone; the trace is gone when it returns. */
typedef void hop_trace_done(const struct hop_trace_result *result, void *context);

struct hop_trace;

/* The callback comes once, always from the loop. Never NULL. */
struct hop_trace *hop_trace_start(struct event_base *base, const struct hop_trace_plan *plan,
                                  hop_trace_done *callback, void *context);

/* Ends the trace without its callback. NULL is allowed; so is the call inside the callback. */
void hop_trace_stop(struct hop_trace *trace);

#endif
