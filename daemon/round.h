/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One round: look up the targets, probe their hosts in both families at once, send controls when
 * it is silent, stop when enough was seen (decide/enough.h), and say what it means. However many
 * targets there are, only so many look-ups and connections are under way at once.
 */
#ifndef DETOURD_ROUND_H
#define DETOURD_ROUND_H

#include "daemon/controls.h"
#include "daemon/decide/enough.h"
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

struct round_result;

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

struct host_result {
    char host[HOST_MAX + 1];
    struct probe_result probe;
    int silent_syns; /* sent without any answer */
};

struct target_result {
    const struct endpoint *target;
    /* Not part of the sample, or enough was seen before its turn came. */
    bool untried;
    enum outcome outcome; /* of its best host */
    char detail[DNS_DETAIL];
    size_t host_count;
    struct host_result hosts[HOSTS_PER_TARGET];
};

struct controls_seen {
    size_t sent, answered;
    bool has_by;
    struct address by; /* the first that answered */
};

struct family_result {
    bool probed;
    struct verdict verdict;
    struct target_result *targets; /* TARGET_COUNT of them, in the order of the plan */
    struct controls_seen controls; /* none while somebody connects */
    bool has_suspect;
    struct address suspect; /* of a host that did not connect when controls answered */
    bool false_certificate; /* somebody answers for operators under TLS, with a certificate of
                               theirs */
};

struct round_result {
    struct family_result family[FAMILIES];
    size_t target_count;
    bool is_sample;  /* not of all targets */
    int64_t started; /* wall clock, s */
    int64_t ms;      /* how long it took */
};

void round_result_free(struct round_result *result);

/* Whether a family that was probed has one of the verdicts in the set KINDS. */
bool round_has_verdict(const struct round_result *result, unsigned kinds);

/* The number of each target's operator, over both families, into OUT, which holds TARGET_COUNT. */
void round_operators(const struct round_result *result, size_t *out);

/* What OLDER, of the same targets, says of those that RESULT has not tried. */
void round_result_complete(struct round_result *result, const struct round_result *older);

/* How many descriptors a round of so many targets can use at once. */
size_t round_descriptors(size_t target_count);

/* The callback owns RESULT; the round is gone when it returns. */
typedef void round_done(struct round_result *result, void *context);

struct round;

/* The callback comes once, always from the loop. DNS must outlive the round. */
struct round *round_start(struct event_base *base, struct dns *dns, const struct round_plan *plan,
                          round_done *callback, void *context);

/* Ends the round without its callback. NULL is allowed. */
void round_stop(struct round *round);

#endif
