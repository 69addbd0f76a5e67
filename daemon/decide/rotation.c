/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/rotation.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

struct rotation {
    size_t *order; /* whose turn comes first stands first */
    size_t count;
    bool calm;
    bool probed[FAMILIES];
    enum verdict_kind expected[FAMILIES]; /* by the last round of all targets */
};

/* SplitMix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct rotation *rotation_new(size_t count, uint64_t seed)
{
    struct rotation *r = memory_zero(1, sizeof *r);

    r->count = count;
    r->order = memory_zero(count, sizeof *r->order);
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)(next_random(&seed) % (i + 1));
        r->order[i] = r->order[at];
        r->order[at] = i;
    }
    return r;
}

void rotation_free(struct rotation *r)
{
    if (r == NULL)
        return;
    free(r->order);
    free(r);
}

static bool has_operator(const size_t *operators, const size_t *picked, size_t count, size_t target)
{
    for (size_t i = 0; operators != NULL && i < count; i++)
        if (operators[picked[i]] == operators[target])
            return true;
    return false;
}

/* Puts the target at that place of the order behind all others. */
static size_t take(struct rotation *r, size_t place)
{
    size_t target = r->order[place];

    memmove(&r->order[place], &r->order[place + 1], (r->count - place - 1) * sizeof *r->order);
    r->order[r->count - 1] = target;
    return target;
}

size_t rotation_pick(struct rotation *r, const size_t *operators, size_t wanted, size_t *out)
{
    size_t picked = 0, left = r->count; /* those picked stand behind LEFT */

    for (size_t place = 0; place < left && picked < wanted;) {
        if (has_operator(operators, out, picked, r->order[place])) {
            place++;
            continue;
        }
        out[picked++] = take(r, place);
        left--;
    }
    while (left > 0 && picked < wanted) {
        out[picked++] = take(r, 0);
        left--;
    }
    return picked;
}

static enum family deciding(const enum verdict_kind *const verdict[])
{
    return verdict[FAMILY_IPV4] != NULL ? FAMILY_IPV4 : FAMILY_IPV6;
}

/* A sample may have no target with an address of the other family. */
static bool is_as_expected(const struct rotation *r, enum family family,
                           const enum verdict_kind *const verdict[])
{
    if (r->probed[family] != (verdict[family] != NULL))
        return false;
    return verdict[family] == NULL || *verdict[family] == r->expected[family] ||
           (*verdict[family] == VERDICT_UNKNOWN && family != deciding(verdict));
}

static bool is_open(const enum verdict_kind *const verdict[])
{
    const enum verdict_kind *kind = verdict[deciding(verdict)];

    return kind != NULL && *kind == VERDICT_OPEN;
}

void rotation_note(struct rotation *r, bool is_sample,
                   const enum verdict_kind *const verdict[FAMILIES])
{
    if (is_sample) {
        r->calm = r->calm && is_as_expected(r, FAMILY_IPV4, verdict) &&
                  is_as_expected(r, FAMILY_IPV6, verdict);
        return;
    }
    for (int f = 0; f < FAMILIES; f++) {
        r->probed[f] = verdict[f] != NULL;
        if (verdict[f] != NULL)
            r->expected[f] = *verdict[f];
    }
    r->calm = is_open(verdict);
}

bool rotation_is_calm(const struct rotation *r)
{
    return r->calm;
}
