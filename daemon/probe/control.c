/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/control.h"

#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct control {
    struct connect_attempt *attempt; /* NULL for an address on-link */
    struct event *timer;             /* delivers that one */
    control_done *callback;
    void *context;
    struct control_result result;
    bool in_callback;
};

bool control_is_answer(const struct connect_result *result)
{
    return result->end == CONNECT_OK ||
           (result->end == CONNECT_REFUSED && result->reporter[0] == '\0');
}

static void deliver(struct control *c, enum control_end end, const char *detail)
{
    c->result.end = end;
    c->result.answered_ms = clock_mono_ms();
    snprintf(c->result.detail, sizeof c->result.detail, "%s", detail);
    c->in_callback = true;
    c->callback(&c->result, c->context);
    event_free(c->timer);
    free(c);
}

static void on_connect(const struct connect_result *result, void *context)
{
    struct control *c = context;

    if (result->fd != -1)
        close(result->fd);
    c->result.accepted = result->end == CONNECT_OK;
    deliver(c, control_is_answer(result) ? CONTROL_ANSWERED : CONTROL_SILENT, result->detail);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    deliver(context, CONTROL_ON_LINK, "on a link of this host's, so it proves nothing");
}

struct control *control_start(struct event_base *base, const struct address *address,
                              const struct address *source, int64_t deadline_ms,
                              control_done *callback, void *context)
{
    struct control *c = memory_zero(1, sizeof *c);

    c->callback = callback;
    c->context = context;
    c->result.address = *address;
    c->result.sent_ms = clock_mono_ms();
    c->timer = deadline_timer(base, on_timer, c);
    if (address_on_link(address))
        deadline_soon(c->timer);
    else
        c->attempt = connect_start(base, address, source, deadline_ms, on_connect, c);
    return c;
}

void control_stop(struct control *c)
{
    if (c == NULL || c->in_callback)
        return;
    connect_stop(c->attempt);
    event_free(c->timer);
    free(c);
}
