/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A control: a TCP connection that proves that the network is up while port 25 is silent. It is
 * closed as soon as it stands.
 *
 * A SYN-ACK or RST from the address itself counts. An ICMP message does not, since a router on
 * the way sends it, and neither does an address on a link of this host's.
 */
#ifndef DETOURD_CONTROL_H
#define DETOURD_CONTROL_H

#include "daemon/probe/connect.h"
#include "lib/address.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

enum control_end {
    CONTROL_ANSWERED,
    CONTROL_SILENT, /* no answer, or only an ICMP message or this host's own error */
    CONTROL_ON_LINK /* nothing was sent */
};

struct control_result {
    enum control_end end;
    bool accepted; /* answered by a connection that stood, not by a refusal */
    struct address address;
    int64_t sent_ms;     /* the SYN left, on clock_mono_ms() */
    int64_t answered_ms; /* the answer came, or the control ended without one */
    char detail[CONNECT_DETAIL];
};

/* RESULT is valid during the call alone; the control is gone when it returns. */
typedef void control_done(const struct control_result *result, void *context);

struct control;

/* SOURCE may be NULL. The callback comes once, always from the loop. */
struct control *control_start(struct event_base *base, const struct address *address,
                              const struct address *source, int64_t deadline_ms,
                              control_done *callback, void *context);

/* Ends the control without its callback. NULL is allowed; so is the call inside the callback. */
void control_stop(struct control *control);

/* Whether how a connection attempt ended is an answer by the address itself. */
bool control_is_answer(const struct connect_result *result);

#endif
