/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round after round: which targets the next one probes, when it is due, and what earlier ones saw.
 * While all is well a few targets are asked, each in its turn (decide/rotation.h); what the others
 * last said is kept beside.
 */
#ifndef DETOURD_ROUNDS_H
#define DETOURD_ROUNDS_H

#include "daemon/probe/dns.h"
#include "daemon/round/control_hosts.h"
#include "daemon/round/identity.h"
#include "daemon/round/round.h"
#include "daemon/round/target_knowledge.h"
#include "lib/config.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* What the log says of the verdicts so far; zeroed at first. */
struct verdicts_logged {
    bool is_logged[FAMILIES];
    enum verdict_kind kind[FAMILIES];
};

/* All of it must outlive the rounds. */
struct rounds_means {
    struct event_base *base;
    struct dns *dns;
    const struct config *config;
    const struct identity *identity; /* as it is when a round begins */
    const struct control_hosts *controls;
    const struct target_knowledge *knowledge;
    struct verdicts_logged *logged; /* kept here, so that the next rounds do not say it again */
};

struct rounds_events {
    /* Before each: whether a sample of the targets would not do. */
    bool (*wants_all)(void *context);
    /* As in struct round_observer. */
    void (*suspected)(enum family family, const struct round_result *so_far, void *context);
    /* RESULT is rounds_last(). The next round is to be asked for. */
    void (*ended)(const struct round_result *result, void *context);
    void *context;
};

struct rounds;

/* None is due yet. Never NULL. */
struct rounds *rounds_new(const struct rounds_means *means, const struct rounds_events *events);
/* NULL is allowed. */
void rounds_free(struct rounds *rounds);

/* The next begins in about PAUSE_MS: hosts that started together must not knock together. */
void rounds_next(struct rounds *rounds, int64_t pause_ms);
/* At once, unless one is running. */
void rounds_now(struct rounds *rounds);

/* Wall clock; 0 while one is running, or before any was asked for. */
int64_t rounds_due(const struct rounds *rounds);

/* The last one, or NULL; valid until the loop goes on. */
const struct round_result *rounds_last(const struct rounds *rounds);

/* Whether that was of a few targets, and all have to be asked before anything is said. */
bool rounds_alarmed(const struct rounds *rounds);

/* Whether the last rounds were unstable, and another one soon may tell what it is; not for ever. */
bool rounds_unsettled(const struct rounds *rounds);

#endif
