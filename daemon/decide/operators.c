/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/operators.h"

#include "lib/memory.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many changes between open and not open within the history make a target flap. */
/* A network and the first target that was seen in it. */
struct place {
    char network[ADDRESS_TEXT]; /* empty: free */
    size_t target;
};

struct operators {
    size_t *parent; /* of each target, itself where it stands for its group */
    struct place *places;
    size_t room, used; /* ROOM is a power of two, and at least twice USED */
};

struct operators *operators_new(size_t targets)
{
    struct operators *o = memory_zero(1, sizeof *o);

    o->parent = memory_zero(targets, sizeof *o->parent);
    for (size_t i = 0; i < targets; i++)
        o->parent[i] = i;
    o->room = 16;
    while (o->room < 4 * targets)
        o->room *= 2;
    o->places = memory_zero(o->room, sizeof *o->places);
    return o;
}

void operators_free(struct operators *o)
{
    if (o == NULL)
        return;
    free(o->parent);
    free(o->places);
    free(o);
}

/* FNV-1a */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

static struct place *find_place(const struct operators *o, const char *network)
{
    size_t i = (size_t)hash(network) & (o->room - 1);

    while (o->places[i].network[0] != '\0' && strcmp(o->places[i].network, network) != 0)
        i = (i + 1) & (o->room - 1);
    return &o->places[i];
}

static void make_room(struct operators *o)
{
    struct place *old = o->places;
    size_t count = o->room;

    o->room *= 2;
    o->places = memory_zero(o->room, sizeof *o->places);
    for (size_t i = 0; i < count; i++)
        if (old[i].network[0] != '\0')
            *find_place(o, old[i].network) = old[i];
    free(old);
}

size_t operators_of(struct operators *o, size_t target)
{
    while (o->parent[target] != target) {
        o->parent[target] = o->parent[o->parent[target]];
        target = o->parent[target];
    }
    return target;
}

void operators_add(struct operators *o, size_t target, const char *network)
{
    struct place *place = find_place(o, network);

    if (network[0] == '\0')
        return;
    if (place->network[0] != '\0') {
        o->parent[operators_of(o, place->target)] = operators_of(o, target);
        return;
    }
    snprintf(place->network, sizeof place->network, "%s", network);
    place->target = target;
    if (++o->used * 2 > o->room)
        make_room(o);
}

/* The evidence of each */

static int changes_of(const struct target_evidence *t)
{
    int changes = 0;

    for (int i = 0; i + 1 < t->rounds; i++)
        changes += ((t->history >> i) & 1) != ((t->history >> (i + 1)) & 1);
    return changes;
}

static void merge(struct operator_evidence *op, const struct target_evidence *t)
{
    op->outcome = outcome_better(op->outcome, t->outcome);
    op->silent_syns += t->silent_syns;
    int changes = changes_of(t);
    op->changes = changes > op->changes ? changes : op->changes;
}

static struct operators *find_groups(const struct target_evidence *targets, size_t count)
{
    struct operators *o = operators_new(count);

    for (size_t i = 0; i < count; i++)
        for (size_t h = 0; h < HOSTS_PER_TARGET; h++)
            operators_add(o, i, targets[i].network[h]);
    return o;
}

size_t operators_group(const struct target_evidence *targets, size_t count,
                       struct operator_evidence *out)
{
    struct operators *groups = find_groups(targets, count);
    size_t *index = memory_zero(count, sizeof *index), found = 0;

    for (size_t i = 0; i < count; i++) {
        size_t root = operators_of(groups, i);
        if (targets[i].outcome == OUTCOME_DNS_FAILED || targets[i].untried)
            continue;
        if (index[root] == 0) {
            out[found] = (struct operator_evidence){ .outcome = OUTCOME_DNS_FAILED };
            index[root] = ++found;
        }
        merge(&out[index[root] - 1], &targets[i]);
    }
    free(index);
    operators_free(groups);
    return found;
}
