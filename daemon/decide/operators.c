/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/operators.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* So many changes between open and not open within the history make a target flap. */
#define FLAPS 3

static bool share_network(const struct target_evidence *a, const struct target_evidence *b)
{
    for (size_t i = 0; i < HOSTS_PER_TARGET; i++)
        for (size_t k = 0; k < HOSTS_PER_TARGET; k++)
            if (a->network[i][0] != '\0' && strcmp(a->network[i], b->network[k]) == 0)
                return true;
    return false;
}

static bool flaps(const struct target_evidence *t)
{
    int changes = 0;

    for (int i = 0; i + 1 < t->rounds; i++)
        changes += ((t->history >> i) & 1) != ((t->history >> (i + 1)) & 1);
    return changes >= FLAPS;
}

static size_t root_of(const size_t *parent, size_t i)
{
    while (parent[i] != i)
        i = parent[i];
    return i;
}

static void merge(struct operator_evidence *op, const struct target_evidence *t)
{
    op->outcome = outcome_better(op->outcome, t->outcome);
    op->silent_syns += t->silent_syns;
    op->flapping = op->flapping || flaps(t);
}

static size_t *find_groups(const struct target_evidence *targets, size_t count)
{
    size_t *parent = memory_zero(count, sizeof *parent);

    for (size_t i = 0; i < count; i++) {
        parent[i] = i;
        for (size_t k = 0; k < i; k++)
            if (share_network(&targets[i], &targets[k]))
                parent[root_of(parent, k)] = i;
    }
    return parent;
}

size_t operators_group(const struct target_evidence *targets, size_t count,
                       struct operator_evidence *out)
{
    size_t *parent = find_groups(targets, count), found = 0;
    size_t *index = memory_zero(count, sizeof *index);

    for (size_t i = 0; i < count; i++) {
        size_t root = root_of(parent, i);
        if (targets[i].outcome == OUTCOME_DNS_FAILED || targets[i].untried)
            continue;
        if (index[root] == 0) {
            out[found] = (struct operator_evidence){ .outcome = OUTCOME_DNS_FAILED };
            index[root] = ++found;
        }
        merge(&out[index[root] - 1], &targets[i]);
    }
    free(index);
    free(parent);
    return found;
}
