/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/evidence.h"

#include "daemon/round/interceptions.h"
#include "daemon/round/own_faults.h"
#include "lib/address.h"
#include "lib/memory.h"
#include <stdlib.h>

static struct target_evidence target_evidence(const struct target_result *t,
                                              const struct target_history *history)
{
    struct target_evidence e = { .outcome = t->outcome,
                                 .untried = t->untried || t->host_count > 0 };

    for (size_t h = 0; h < t->host_count; h++) {
        address_network(&t->hosts[h].probe.address, e.network[h]);
        e.silent_syns += t->hosts[h].silent_syns;
        e.untried = e.untried && (t->untried || t->hosts[h].probe.local_fault);
    }
    if (history != NULL) {
        e.history = history->bits << 1 | (t->outcome == OUTCOME_OPEN);
        e.rounds = history->rounds + 1;
    }
    return e;
}

static bool family_has_route(enum family family)
{
    /* Documentation addresses: nothing is sent, the routing table is asked. */
    struct address anywhere;

    address_parse(family == FAMILY_IPV4 ? "192.0.2.1" : "2001:db8::1", 25, &anywhere);
    return address_has_route(&anywhere);
}

static enum syn_fate fate_of_all(const struct family_result *result, size_t target_count)
{
    enum syn_fate fate = SYN_UNTOLD;

    for (size_t i = 0; i < target_count; i++)
        for (size_t h = 0; h < result->targets[i].host_count; h++)
            if (result->targets[i].hosts[h].probe.outcome == OUTCOME_TIMEOUT)
                fate = syn_fate_of_both(fate, result->targets[i].hosts[h].probe.fate);
    return fate;
}

struct verdict evidence_judge(struct family_result *result, enum family family,
                              const struct round_plan *plan, const struct enough_seen *seen,
                              bool literals_fail)
{
    const struct target_history *history = plan->history[family];
    struct target_evidence *targets = memory_zero(plan->target_count, sizeof *targets);

    interceptions_mark(result, plan);
    own_faults_mark(result, plan);
    result->fate = fate_of_all(result, plan->target_count);
    for (size_t i = 0; i < plan->target_count; i++)
        targets[i] = target_evidence(&result->targets[i], history != NULL ? &history[i] : NULL);
    struct evidence evidence = {
        .targets = targets,
        .count = plan->target_count,
        .quorum = plan->quorum,
        .controls = { .answered = seen->answered > 0,
                      .proven = seen->proven,
                      .loss = seen->loss,
                      .q = seen->q,
                      .counted = seen->counted },
        .network_down = literals_fail || !family_has_route(family),
    };
    struct verdict verdict = verdict_decide(&evidence);
    free(targets);
    return verdict;
}
