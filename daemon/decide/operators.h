/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which targets belong to one operator. Two targets whose probed addresses share a network (an
 * IPv4 /24, an IPv6 /48) count once, or one operator's trouble would look like the whole world's.
 */
#ifndef DETOURD_OPERATORS_H
#define DETOURD_OPERATORS_H

#include "daemon/decide/outcome.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>

/* Of each target so many hosts are probed in one family. */
#define HOSTS_PER_TARGET 2

/* Groups that grow as targets' networks become known. */
struct operators;

/* For targets 0 to TARGETS - 1, each an operator of its own so far. Never NULL. */
struct operators *operators_new(size_t targets);
void operators_free(struct operators *operators);

/* TARGET has an address in NETWORK, as address_network() writes it. */
void operators_add(struct operators *operators, size_t target, const char *network);

/* The number of one target of TARGET's operator, the same for all of them until the next
 * operators_add(). */
size_t operators_of(struct operators *operators, size_t target);

struct target_evidence {
    enum outcome outcome;                         /* of its best host */
    bool untried;                                 /* nothing was or could be sent to it */
    char network[HOSTS_PER_TARGET][ADDRESS_TEXT]; /* empty where fewer hosts were probed */
    int silent_syns;                              /* sent to it without any answer */
    unsigned history; /* of the last rounds, newest in bit 0: set where it was open */
    int rounds;       /* how many bits of HISTORY count */
};

struct operator_evidence {
    enum outcome outcome; /* the best of its targets' */
    int silent_syns;
    int changes; /* how often one of its targets went from open to closed or back */
};

/* Fills OUT, which holds COUNT, and returns the number of operators. Targets without an address and
 * untried ones are left out. */
size_t operators_group(const struct target_evidence *targets, size_t count,
                       struct operator_evidence *out);

#endif
