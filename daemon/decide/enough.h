/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a round has seen enough of one family, and what it should do until then. Pure.
 *
 * A silent SYN is evidence only between two answered controls: one wave of controls goes out when
 * nobody has connected, another when the silence has lasted for three SYNs on any kernel (they
 * leave after 0, 1 and 3 s, RFC 6298; newer kernels send more). While probes connect, no control is
 * sent at all.
 */
#ifndef DETOURD_ENOUGH_H
#define DETOURD_ENOUGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENOUGH_SUSPICION_MS 400  /* nobody connected for so long: send controls */
#define ENOUGH_SILENCE_MS   3300 /* the third SYN has left and had its chance */

enum wave_state { WAVE_UNSENT, WAVE_RUNNING, WAVE_ANSWERED, WAVE_SILENT };

struct round_view {
    size_t lookups;   /* of targets, still running */
    size_t running;   /* probes not ended */
    size_t silent;    /* of them, with no answer to their SYN yet */
    size_t operators; /* targets with an address to probe */
    size_t quorum;
    bool anyone_connected;
    int64_t silent_ms; /* since the SYNs of at least quorum targets have left; -1 before */
    enum wave_state before, after;
};

enum round_step {
    ROUND_WAIT,
    ROUND_CONTROLS_BEFORE,
    ROUND_CONTROLS_AFTER,
    ROUND_DONE,
};

enum round_step enough(const struct round_view *view);

/* SYNs that have left MS after the first one, on the kernel that sends the fewest. */
int syns_sent(int64_t ms);

#endif
