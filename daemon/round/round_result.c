/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/round_result.h"

#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>

static struct target_result *new_targets(const struct endpoint *targets, size_t count)
{
    struct target_result *results = memory_zero(count, sizeof *results);

    for (size_t i = 0; i < count; i++) {
        results[i].target = &targets[i];
        results[i].outcome = OUTCOME_DNS_FAILED;
        results[i].untried = true;
        snprintf(results[i].detail, sizeof results[i].detail, "not in this round");
    }
    return results;
}

struct round_result *round_result_new(const struct endpoint *targets, size_t count)
{
    struct round_result *result = memory_zero(1, sizeof *result);

    result->target_count = count;
    for (int f = 0; f < FAMILIES; f++)
        result->family[f].targets = new_targets(targets, count);
    return result;
}

void round_result_free(struct round_result *result)
{
    if (result == NULL)
        return;
    for (int f = 0; f < FAMILIES; f++)
        free(result->family[f].targets);
    free(result);
}

void target_result_take(struct target_result *t, const struct host_result *host)
{
    enum outcome outcome = host->probe.outcome;

    if (outcome_better(t->outcome, outcome) == outcome) {
        t->outcome = outcome;
        snprintf(t->detail, sizeof t->detail, "%s", host->probe.detail);
    }
}

void target_result_renew(struct target_result *t)
{
    const struct host_result *best = &t->hosts[0];

    for (size_t h = 1; h < t->host_count; h++) {
        enum outcome outcome = t->hosts[h].probe.outcome;
        if (outcome_better(best->probe.outcome, outcome) != best->probe.outcome)
            best = &t->hosts[h];
    }
    t->outcome = best->probe.outcome;
    snprintf(t->detail, sizeof t->detail, "%s", best->probe.detail);
}

bool round_has_verdict(const struct round_result *result, unsigned kinds)
{
    bool has = false;

    for (int f = 0; f < FAMILIES; f++)
        has = has || (result->family[f].probed &&
                      (kinds & VERDICT_SET(result->family[f].verdict.kind)) != 0);
    return has;
}

enum own_fault round_own_fault(const struct round_result *result)
{
    enum own_fault fault = result->family[FAMILY_IPV4].own_fault;

    return fault != OWN_FAULT_NONE ? fault : result->family[FAMILY_IPV6].own_fault;
}

void round_operators(const struct round_result *result, size_t *out)
{
    struct operators *operators = operators_new(result->target_count);
    char network[ADDRESS_TEXT];

    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < result->target_count; i++)
            for (size_t h = 0; h < result->family[f].targets[i].host_count; h++) {
                address_network(&result->family[f].targets[i].hosts[h].probe.address, network);
                operators_add(operators, i, network);
            }
    for (size_t i = 0; i < result->target_count; i++)
        out[i] = operators_of(operators, i);
    operators_free(operators);
}

void round_result_complete(struct round_result *result, const struct round_result *older)
{
    for (int f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < result->target_count; i++)
            if (result->family[f].targets[i].untried)
                result->family[f].targets[i] = older->family[f].targets[i];
}
