/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/verdict.h"

#include "lib/memory.h"
#include <math.h>
#include <stdlib.h>

/* The chance that a single packet is lost on a bad path. A firm refusal counts as three packets. */
#define LOSS          0.5
#define REFUSAL_COUNT 3

static const char *const names[VERDICTS] = {
    [VERDICT_UNKNOWN] = "unknown",   [VERDICT_INTERCEPTED] = "intercepted",
    [VERDICT_UNSTABLE] = "unstable", [VERDICT_REMOTE] = "remote",
    [VERDICT_OPEN] = "open",         [VERDICT_REPUTATION] = "reputation",
    [VERDICT_BLOCKED] = "blocked",   [VERDICT_OFFLINE] = "offline",
};

const char *verdict_name(enum verdict_kind kind)
{
    return names[kind];
}

/* So many changes over the rounds are by turns. Where nobody connects now, two silences may be an
 * accident and the beginning of a block; three are a filter that comes and goes. */
#define BY_TURNS       3
#define COMES_AND_GOES 5

struct tally {
    size_t operators, open, connected, silent, rejected, intercepted, by_turns, coming_and_going;
    int packets; /* that speak against an open port */
};

static void count_operator(struct tally *t, const struct operator_evidence *op)
{
    t->operators++;
    t->open += op->outcome == OUTCOME_OPEN;
    t->connected += outcome_connected(op->outcome);
    t->silent += op->outcome == OUTCOME_TIMEOUT;
    t->rejected += op->outcome == OUTCOME_REJECTED;
    t->intercepted += op->outcome == OUTCOME_INTERCEPTED;
    t->by_turns += op->changes >= BY_TURNS;
    t->coming_and_going += op->changes >= COMES_AND_GOES;
    if (!outcome_connected(op->outcome))
        t->packets += op->outcome == OUTCOME_TIMEOUT ? op->silent_syns : REFUSAL_COUNT;
}

static struct tally count_operators(const struct evidence *e)
{
    struct operator_evidence *operators = memory_zero(e->count, sizeof *operators);
    size_t count = operators_group(e->targets, e->count, operators);
    struct tally t = { 0 };

    for (size_t i = 0; i < count; i++)
        count_operator(&t, &operators[i]);
    free(operators);
    return t;
}

static bool is_most(size_t part, size_t whole)
{
    return part * 2 > whole;
}

static bool is_unstable(const struct tally *t)
{
    bool by_turns = t->by_turns >= 2 && t->open < t->operators;
    bool at_once = t->connected > 0 && t->silent >= 2 && t->silent * 2 >= t->operators;

    return by_turns || at_once;
}

static bool is_remote(const struct tally *t)
{
    size_t failing = t->operators - t->open;

    return t->open > 0 && failing > 0 && (failing == 1 || failing * 2 < t->operators);
}

static enum verdict_kind when_nobody_connects(const struct evidence *e, const struct tally *t)
{
    if (t->operators < e->quorum)
        return VERDICT_UNKNOWN;
    if (e->controls.answered && is_most(t->coming_and_going, t->operators))
        return VERDICT_UNSTABLE;
    if (e->controls.proven)
        return VERDICT_BLOCKED;
    /* Some answers, but too few around the silence: the path itself comes and goes. */
    return e->controls.answered ? VERDICT_UNKNOWN : VERDICT_OFFLINE;
}

static enum verdict_kind first_row(const struct evidence *e, const struct tally *t)
{
    if (t->operators == 0)
        return e->network_down ? VERDICT_OFFLINE : VERDICT_UNKNOWN;
    if (t->connected == 0)
        return when_nobody_connects(e, t);
    if (t->intercepted >= 2 && is_most(t->intercepted, t->operators))
        return VERDICT_INTERCEPTED;
    if (is_unstable(t))
        return VERDICT_UNSTABLE;
    if (is_remote(t))
        return VERDICT_REMOTE;
    if (t->open == t->operators)
        return VERDICT_OPEN;
    if (is_most(t->rejected, t->operators))
        return VERDICT_REPUTATION;
    return t->connected < t->operators ? VERDICT_UNSTABLE : VERDICT_UNKNOWN;
}

static double confidence(enum verdict_kind kind, const struct evidence *e, const struct tally *t)
{
    switch (kind) {
    case VERDICT_UNKNOWN:
        return 0;
    case VERDICT_OPEN:
        return 1; /* a greeting is no accident */
    case VERDICT_BLOCKED:
        return 1 - pow(e->controls.q, e->controls.counted);
    case VERDICT_OFFLINE:
        return 1 - pow(LOSS, t->packets);
    default:
        return 1 - pow(LOSS, (double)t->operators);
    }
}

struct verdict verdict_decide(const struct evidence *e)
{
    struct tally t = count_operators(e);
    enum verdict_kind kind = first_row(e, &t);

    return (struct verdict){
        .kind = kind,
        .confidence = confidence(kind, e, &t),
        .operators = t.operators,
        .open = t.open,
        .connected = t.connected,
        .loss = e->controls.loss,
        .counted_syns = e->controls.counted,
    };
}
