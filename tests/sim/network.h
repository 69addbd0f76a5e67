/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network that is bad in known ways: whether a packet that leaves at a moment gets through.
 * Times are ms; a round begins at NETWORK_START.
 */
#ifndef DETOURD_SIM_NETWORK_H
#define DETOURD_SIM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORK_START INT64_C(100000)
#define NETWORK_END   (NETWORK_START + 20000) /* no round lasts so long */

/* SplitMix64: seeded, and quick. */
struct chance {
    uint64_t state;
};
uint64_t chance_next(struct chance *chance);
double chance_real(struct chance *chance);                           /* from 0 to below 1 */
int64_t chance_between(struct chance *chance, int64_t a, int64_t b); /* both included */

struct weather {
    double loss;        /* of a packet, either way, whatever else happens */
    bool outages;       /* the access path is down for 10 s in every 10 minutes */
    bool at_edge;       /* one of these begins or ends while the round runs */
    double glitches;    /* a second: the access path is down for 0.1 to 2 s */
    bool relapse;       /* the first SYNs are lost, the network comes up, and goes down once more */
    double burst_share; /* of the time in which a single path loses everything, */
    double burst_ms;    /* for so long on average */
};

#define DOWN_MAX  64
#define PATHS_MAX 64

/* When something is down, in order. */
struct downs {
    int64_t from[DOWN_MAX], to[DOWN_MAX];
    size_t count;
};

struct path {
    int64_t round_trip;
    struct downs downs;
};

struct network {
    struct weather weather;
    struct chance chance;
    int64_t outage_from;
    struct downs glitches;
    struct path paths[PATHS_MAX];
    bool new_kernel; /* SYNs after 0, 1, 2, 3, 4, 5, 7 s, not 0, 1, 3, 7 */
};

void network_init(struct network *network, const struct weather *weather, uint64_t seed);
/* The path with that number gets a round trip of its own. */
void network_add_path(struct network *network, size_t path);

/* When the answer to a connection that begins at NOW comes back, or -1: not before UNTIL. */
int64_t network_answer(struct network *network, size_t path, int64_t now, int64_t until);

#endif
