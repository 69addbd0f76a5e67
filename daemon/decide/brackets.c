/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/brackets.h"

#define LATE_MS 150 /* later than the slowest answer so far: taken for lost until it comes */

bool brackets_full(const struct brackets *b)
{
    return b->count == BRACKET_CONTROLS_MAX;
}

size_t brackets_sent(struct brackets *b, int candidate, int64_t now)
{
    b->controls[b->count] = (struct control_seen){ .sent = now,
                                                   .candidate = candidate,
                                                   .repeated = b->heard[candidate] };
    b->running++;
    if (candidate >= b->candidates)
        b->candidates = candidate + 1;
    return b->count++;
}

static void note_up(struct brackets *b, int64_t when)
{
    size_t at = b->up_count++;

    for (; at > 0 && b->up[at - 1] > when; at--)
        b->up[at] = b->up[at - 1];
    b->up[at] = when;
}

void brackets_ended(struct brackets *b, size_t control, bool answered, int64_t now)
{
    struct control_seen *c = &b->controls[control];

    c->ended = true;
    b->running--;
    if (!answered)
        return;
    b->answered++;
    b->heard[c->candidate] = true;
    c->in_time = now - c->sent < CONTROL_IN_TIME_MS;
    if (!c->in_time)
        return;
    note_up(b, c->sent);
    if (now - c->sent > b->slowest)
        b->slowest = now - c->sent;
}

/* How many of UP are not after WHEN. */
static size_t up_until(const struct brackets *b, int64_t when)
{
    size_t low = 0, high = b->up_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (b->up[middle] <= when)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int brackets_find(const struct brackets *b, int64_t from, int64_t slack)
{
    size_t next = up_until(b, from);

    if (next == 0)
        return -1;
    for (size_t i = next; i < b->up_count && b->up[i] - b->up[i - 1] <= BRACKET_MS; i++)
        if (b->up[i] >= from + slack)
            return (int)next - 1;
    return -1;
}

/* An answer is known at once. If a loss were known only when no answer can come in time any more,
 * then whoever counts early would see the answers alone. */
static bool is_known(const struct brackets *b, const struct control_seen *c, int64_t now)
{
    return c->ended || now - c->sent > b->slowest + LATE_MS;
}

struct control_loss brackets_loss(const struct brackets *b, int64_t now)
{
    struct control_loss loss = { 0 };

    for (size_t i = 0; i < b->count; i++) {
        const struct control_seen *c = &b->controls[i];
        if (!c->repeated || !is_known(b, c, now))
            continue;
        loss.known++;
        loss.lost += !c->in_time;
    }
    return loss;
}

int brackets_turn(const struct brackets *b, int last)
{
    for (int i = 1; i <= b->candidates; i++) {
        int candidate = (last + i) % b->candidates;
        if (b->heard[candidate] || b->answered == 0)
            return candidate;
    }
    return -1;
}
