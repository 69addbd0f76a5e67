/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which targets a round probes. While all is well a few will do, different ones each time, so that
 * nobody is knocked at more often than it takes; the order is each host's own, so that a fleet of
 * them does not knock at one operator together. Anything else than what is expected of a sample
 * calls for a round of all targets, and only such a round is evidence for a switch. Pure.
 */
#ifndef DETOURD_ROTATION_H
#define DETOURD_ROTATION_H

#include "daemon/decide/verdict.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rotation;

/* For targets 0 to COUNT - 1, in an order that SEED decides. Never NULL. */
struct rotation *rotation_new(size_t count, uint64_t seed);
void rotation_free(struct rotation *rotation);

/* The next WANTED targets, or all there are if fewer, into OUT, which holds WANTED; how many. Each
 * has its turn before any comes again. OPERATORS, of each target the number of its operator, may be
 * NULL; as far as there are enough, those picked belong to different ones. */
size_t rotation_pick(struct rotation *rotation, const size_t *operators, size_t wanted,
                     size_t *out);

/* Notes what a round said; NULL for a family that was not probed. */
void rotation_note(struct rotation *rotation, bool is_sample,
                   const enum verdict_kind *const verdict[FAMILIES]);

/* Whether a sample will do: the last round of all targets found the port open (IPv4 decides where
 * it is probed), and no sample since has said anything else than that round. */
bool rotation_is_calm(const struct rotation *rotation);

#endif
