/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of a round in one family that nobody has answered, and how many of their SYNs
 * count. Pure; times are ms on one clock.
 *
 * A SYN counts when it left within a bracket and has had its time to be answered. A connection
 * sends several: by the kernel that sends the fewest, after 0, 1, 3 and 7 s (RFC 6298; newer ones
 * send more). A refusal, by RST or ICMP, is no loss: the first of a host counts as SILENCE_REFUSAL
 * SYNs, each further one as one.
 */
#ifndef DETOURD_SILENCE_H
#define DETOURD_SILENCE_H

#include "daemon/decide/brackets.h"
#include <stddef.h>
#include <stdint.h>

#define SILENCE_REFUSAL 7

/* SYNs that have left MS after the first one. */
int syns_sent(int64_t ms);

struct silence;

/* For targets 0 to TARGETS - 1. Never NULL. */
struct silence *silence_new(size_t targets);
void silence_free(struct silence *silence);

/* TARGET has an address in NETWORK, as address_network() writes it: see operators.h. */
void silence_network(struct silence *silence, size_t target, const char *network);

/* The number of one target of TARGET's operator, until the next silence_network(). */
size_t silence_operator(struct silence *silence, size_t target);

/* A connection to HOST (any number), one of TARGET's, began; its number. */
size_t silence_connect(struct silence *silence, size_t host, size_t target, int64_t now);

/* How it ended, once: refused; given up without an answer; or it says nothing at all, since it
 * could not be tried or was answered. */
void silence_refused(struct silence *silence, size_t connect, int64_t now);
void silence_ended(struct silence *silence, size_t connect, int64_t now);
void silence_void(struct silence *silence, size_t connect);

struct silence_count {
    int all;          /* SYNs that count */
    int fair;         /* as many that no operator and, of the silent, no bracket has over half */
    int firm;         /* of the refusals alone, as many that no operator has over half */
    size_t probed;    /* operators with a connection */
    size_t operators; /* of them, those whose SYNs count */
    size_t refusing;  /* of them, those whose refusals count */
    size_t brackets;  /* in which silent SYNs left */
    int64_t span;     /* ms, from the first of them to the last */
};

/* PATIENCE: so many ms a SYN has for its answer. */
struct silence_count silence_count(struct silence *silence, const struct brackets *brackets,
                                   int64_t patience, int64_t now);

#endif
