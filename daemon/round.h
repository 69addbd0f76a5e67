/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round: look up the targets, probe their hosts in both families at once, send controls when
 * it is silent, stop when enough was seen, and say what it means.
 */
#ifndef DETOURD_ROUND_H
#define DETOURD_ROUND_H

#include "daemon/controls.h"
#include "daemon/decide/operators.h"
#include "daemon/decide/verdict.h"
#include "daemon/probe/dns.h"
#include "daemon/probe/probe.h"
#include "lib/endpoint.h"
#include "lib/operator_catalogue.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What earlier rounds saw of one target in one family; kept by the caller. */
struct target_history {
    unsigned bits; /* newest in bit 0: open or not */
    int rounds;    /* how many bits count */
};

struct round_plan {
    const struct endpoint *targets; /* must outlive the round */
    size_t target_count;
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
};

struct host_result {
    char host[HOST_MAX + 1];
    struct probe_result probe;
    int silent_syns; /* sent without any answer */
};

struct target_result {
    const struct endpoint *target;
    enum outcome outcome; /* of its best host */
    char detail[DNS_DETAIL];
    size_t host_count;
    struct host_result hosts[HOSTS_PER_TARGET];
};

struct family_result {
    bool probed;
    struct verdict verdict;
    struct target_result *targets; /* TARGET_COUNT of them, in the order of the plan */
    struct controls_result before, after;
    bool false_certificate; /* somebody answers for operators under TLS, with a certificate of
                               theirs */
};

struct round_result {
    struct family_result family[FAMILIES];
    size_t target_count;
    int64_t started; /* wall clock, s */
    int64_t ms;      /* how long it took */
};

void round_result_free(struct round_result *result);

/* The callback owns RESULT; the round is gone when it returns. */
typedef void round_done(struct round_result *result, void *context);

struct round;

/* The callback comes once, always from the loop. DNS must outlive the round. */
struct round *round_start(struct event_base *base, struct dns *dns, const struct round_plan *plan,
                          round_done *callback, void *context);

/* Ends the round without its callback. NULL is allowed. */
void round_stop(struct round *round);

#endif
