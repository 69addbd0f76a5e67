/* SPDX-License-Identifier: BSD-2-Clause */
/* What a round is to do, and who watches it. */
#ifndef DETOURD_ROUND_PLAN_H
#define DETOURD_ROUND_PLAN_H

#include "daemon/decide/outcome.h"
#include "daemon/decide/verdict.h"
#include "daemon/probe/probe.h"
#include "daemon/round/controls.h"
#include "daemon/round/round_result.h"
#include "lib/endpoint.h"
#include "lib/operator_catalogue.h"
#include "lib/probe_tls.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What earlier rounds saw of one target in one family; kept by the caller. */
struct target_history {
    unsigned bits; /* newest in bit 0: open or not */
    int rounds;    /* how many bits count */
};

enum target_state {
    TARGET_WAITING, /* for its turn */
    TARGET_LOOKING_UP,
    TARGET_CONNECTING,
    TARGET_BANNER, /* a connection stands, and the mail server is to speak */
    TARGET_DONE,
};

/* Something that has changed, for those who watch a round. */
struct round_event {
    enum { ROUND_TARGET, ROUND_CONTROL, ROUND_FAMILY_DONE } kind;
    enum family family;
    /* ROUND_TARGET */
    size_t target; /* its place in the plan */
    enum target_state state;
    enum outcome outcome; /* with TARGET_DONE */
    int64_t deadline_ms;  /* with TARGET_CONNECTING and TARGET_BANNER, on clock_mono_ms() */
    /* ROUND_CONTROL: it left, or it ended */
    struct address control;
    bool ended, answered;
    /* ROUND_FAMILY_DONE: the round goes on in the other family alone, or ends */
    enum verdict_kind verdict;
};

/* Both may be NULL. They come from the loop or from round_start(), and must not stop the round. */
struct round_observer {
    void (*changed)(const struct round_event *event, void *context);
    /* Nobody has connected so far, and a control was answered: once in a family at the most. Then
     * SO_FAR has the address of a host that does not answer, family[].suspect, and that of the
     * control, family[].controls.by. */
    void (*suspected)(enum family family, const struct round_result *so_far, void *context);
    void *context;
};

struct round_plan {
    const struct endpoint *targets; /* must outlive the round */
    size_t target_count;
    /* Those of them to probe, in this order, with one host each; NULL: all, with two. Copied. */
    const size_t *sample;
    size_t sample_count;
    size_t quorum;
    bool families[FAMILIES];
    int64_t timeout_ms;
    struct probe_settings settings;
    /* Relays that serve as controls, the configured ones before the catalogue's. */
    const struct control_host *control_hosts; /* must outlive the round */
    size_t control_host_count;
    /* What is known of the targets' TLS, TARGET_COUNT of them, or NULL: nothing. */
    const enum probe_tls *tls;
    struct tls_trust *trust;                    /* NULL: no TLS. Must outlive the round */
    const struct operator_catalogue *operators; /* or NULL. Must outlive the round */
    /* TARGET_COUNT of them for each family, or NULL. */
    const struct target_history *history[FAMILIES];
    struct round_observer observer;
};

#endif
