/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request to detour-apply over its Unix socket: a line out, lines of JSON back, the last one
 * with the result. Whatever ends without a result line left nobody knowing what was done: the
 * caller has to ask for `status` then.
 */
#ifndef DETOURD_APPLY_CLIENT_H
#define DETOURD_APPLY_CLIENT_H

#include "lib/request.h"
#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>

enum apply_end {
    APPLY_OK,        /* done, or nothing was to be done */
    APPLY_REFUSED,   /* not on this host, and nothing was touched */
    APPLY_FAILED,    /* tried, and undone */
    APPLY_BUSY,      /* another change is under way */
    APPLY_ABSENT,    /* nobody listens on the socket */
    APPLY_UNANSWERED /* the answer ended without a result, or took too long */
};

struct apply_result {
    enum apply_end end;
    const char *reason;  /* one phrase, empty with APPLY_OK */
    const json_t *steps; /* an array of the step lines; borrowed */
    const json_t *last;  /* the result line, NULL without one; borrowed */
    int64_t ms;
};

/* RESULT is valid during the call alone; the request is gone when it returns. */
typedef void apply_done(const struct apply_result *result, void *context);

struct apply_call;

/* The callback comes once, always from the loop. */
struct apply_call *apply_start(struct event_base *base, const char *socket,
                               const struct request *request, apply_done *callback, void *context);

/* Ends the call without its callback. The change itself, once begun, goes on. NULL is allowed. */
void apply_stop(struct apply_call *call);

#endif
