/* SPDX-License-Identifier: BSD-2-Clause */
/* What came of a round: each target, each host, and the verdict. */
#ifndef DETOURD_ROUND_RESULT_H
#define DETOURD_ROUND_RESULT_H

#include "daemon/decide/operators.h"
#include "daemon/decide/outcome.h"
#include "daemon/decide/own_fault.h"
#include "daemon/decide/verdict.h"
#include "daemon/probe/dns.h"
#include "daemon/probe/probe.h"
#include "lib/endpoint.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    size_t accepted; /* of those that answered; the others refused */
    bool has_by;
    struct address by; /* the first that answered */
};

struct family_result {
    bool probed;
    struct verdict verdict;
    struct target_result *targets; /* TARGET_COUNT of them, in the order of the plan */
    struct controls_seen controls; /* none while somebody connects */
    bool has_suspect;
    struct address suspect;   /* of a host that did not connect when controls answered */
    enum syn_fate fate;       /* of the SYNs that nobody answered */
    enum own_fault own_fault; /* of this host's, for which certificates fail */
    bool false_certificate;   /* somebody answers for operators under TLS, with a certificate of
                                 theirs */
};

struct round_result {
    struct family_result family[FAMILIES];
    size_t target_count;
    bool is_sample;  /* not of all targets */
    int64_t started; /* wall clock, s */
    int64_t ms;      /* how long it took */
};

/* Nothing was tried yet. TARGETS, COUNT of them, must outlive it. Never NULL. */
struct round_result *round_result_new(const struct endpoint *targets, size_t count);
void round_result_free(struct round_result *result);

/* What was last seen of HOST counts for its target, unless another host of it did better. */
void target_result_take(struct target_result *target, const struct host_result *host);

/* The same of all its hosts anew, of which there is one at least. */
void target_result_renew(struct target_result *target);

/* Whether a family that was probed has one of the verdicts in the set KINDS. */
bool round_has_verdict(const struct round_result *result, unsigned kinds);

/* The fault of this host's that either family shows. */
enum own_fault round_own_fault(const struct round_result *result);

/* The number of each target's operator, over both families, into OUT, which holds TARGET_COUNT. */
void round_operators(const struct round_result *result, size_t *out);

/* What OLDER, of the same targets, says of those that RESULT has not tried. */
void round_result_complete(struct round_result *result, const struct round_result *older);

#endif
