/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/trace.h"

#include <arpa/inet.h>

/* The provider's network reaches so far, at least. */
#define NEAR_HOPS 3

enum address_kind address_kind(const struct address *a)
{
    if (address_family(a) == FAMILY_IPV6) {
        const uint8_t *b = a->u.in6.sin6_addr.s6_addr;
        bool is_private = (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
        return is_private ? ADDRESS_PRIVATE : ADDRESS_PUBLIC;
    }
    uint32_t n = ntohl(a->u.in.sin_addr.s_addr);
    if (n >> 22 == (100 << 2 | 64 >> 6))
        return ADDRESS_SHARED;
    if (n >> 24 == 10 || n >> 20 == (172 << 4 | 1) || n >> 16 == (192 << 8 | 168) ||
        n >> 16 == (169 << 8 | 254))
        return ADDRESS_PRIVATE;
    return ADDRESS_PUBLIC;
}

static struct trace_point point(size_t hop, const struct address *at)
{
    struct trace_point p = { .hop = hop, .at = *at };

    if (at->len > 0)
        p.kind = address_kind(at);
    return p;
}

static bool ends_way(const struct hop_answer *answer)
{
    return hop_is_answered(answer) && answer->end != HOP_PASSED;
}

/* The last hop that passes port 25. */
static struct trace_point find_last(const struct hop_trace_result *t)
{
    for (size_t hop = t->hop_count; hop > 0; hop--)
        if (t->hops[hop - 1].port25.end == HOP_PASSED)
            return point(hop, &t->hops[hop - 1].port25.at);
    return (struct trace_point){ 0 };
}

static bool passes(const struct hop_answer *control)
{
    return control->end == HOP_PASSED || control->end == HOP_REACHED || control->end == HOP_RESET;
}

static struct trace_point find_next(const struct hop_trace_result *t, size_t last)
{
    for (size_t hop = last + 1; hop <= t->hop_count; hop++) {
        const struct hop_answer *control = &t->hops[hop - 1].control;
        if (passes(control))
            return point(hop, control->end == HOP_PASSED ? &control->at : &t->control);
    }
    return (struct trace_point){ 0 };
}

/* The first hop where port 25 met an end other than silence, or 0; a connection is the end that
 * counts. */
static size_t find_end(const struct hop_trace_result *t)
{
    for (size_t hop = 1; hop <= t->hop_count; hop++) {
        const struct hop_answer *answer = &t->hops[hop - 1].port25;
        if (t->reached ? answer->end == HOP_REACHED : ends_way(answer))
            return hop;
    }
    return 0;
}

static bool same_host(const struct address *a, const struct address *b)
{
    struct address x = *a, y = *b;

    address_set_port(&x, 0);
    address_set_port(&y, 0);
    return address_equal(&x, &y);
}

/* How many hops away the target is, or 0: only a control to the target itself shows that. */
static size_t distance(const struct hop_trace_result *t)
{
    if (t->control_reached && same_host(&t->address, &t->control))
        for (size_t hop = 1; hop <= t->hop_count; hop++)
            if (ends_way(&t->hops[hop - 1].control))
                return hop;
    return 0;
}

/* Up to which hop the network is the provider's: some hops, and as far as private addresses go. */
static size_t reach_of_provider(const struct hop_trace_result *t)
{
    size_t reach = NEAR_HOPS;

    for (size_t hop = 1; hop <= t->hop_count; hop++) {
        const struct hop *h = &t->hops[hop - 1];
        const struct hop_answer *a = h->port25.end == HOP_PASSED ? &h->port25 : &h->control;
        if (hop > reach && a->end == HOP_PASSED && address_kind(&a->at) != ADDRESS_PUBLIC)
            reach = hop;
    }
    return reach;
}

struct map {
    size_t provider; /* the last hop that is the provider's */
    size_t target;   /* 0 where its distance is unknown */
    enum trace_scope scope;
};

/* Where a dropper stands that is N hops away, 0 being this host. On a short way a hop may be near
 * to both ends; whether the other operators are open then decides. */
static enum trace_where place(const struct map *m, size_t n)
{
    bool is_near = n <= m->provider && (m->target == 0 || n < m->target);
    bool is_far = m->target > 0 && n + 1 >= m->target;

    if (n == 0)
        return TRACE_HOST;
    if (is_near && is_far && m->scope == TRACE_OF_SOME)
        return TRACE_UNKNOWN;
    if (is_far && (m->scope == TRACE_OF_ONE || (!is_near && m->scope == TRACE_OF_SOME)))
        return TRACE_FAR;
    return is_near ? TRACE_PROVIDER : TRACE_PATH;
}

/* The dropper is at hop FROM on the way out, at hop TO on the way in, or at any hop between. */
static enum trace_where place_between(const struct map *m, size_t from, size_t to)
{
    if (to == from + 1)
        return from == 0 ? TRACE_FIRST_HOP : place(m, from);
    enum trace_where found = place(m, from);
    for (size_t n = from + 1; n <= to; n++) {
        /* What befalls all operators is not at the end of one of them. */
        if (m->scope == TRACE_OF_ALL && m->target > 0 && n >= m->target)
            break;
        if (place(m, n) != found)
            return TRACE_UNKNOWN;
    }
    return from < to ? found : TRACE_UNKNOWN;
}

/* Which hop has the address of AT, or 0. */
static size_t hop_of(const struct hop_trace_result *t, const struct address *at)
{
    for (size_t hop = 1; hop <= t->hop_count; hop++) {
        const struct hop *h = &t->hops[hop - 1];
        if ((h->port25.end == HOP_PASSED && same_host(&h->port25.at, at)) ||
            (h->control.end == HOP_PASSED && same_host(&h->control.at, at)))
            return hop;
    }
    return same_host(&t->address, at) ? distance(t) : 0;
}

/* ICMP: the sender stands where its address was seen, or no further than the SYN could go. */
static void judge_icmp(const struct hop_trace_result *t, const struct map *m, size_t end,
                       struct trace_conclusion *c)
{
    const struct hop_answer *answer = &t->hops[end - 1].port25;
    const struct hop_answer *control = &t->hops[end - 1].control;
    size_t hop = answer->at.len > 0 ? hop_of(t, &answer->at) : 0;

    c->how = TRACE_BY_ICMP;
    c->reporter = point(hop, &answer->at);
    if (control->end == answer->end)
        c->where = TRACE_UNKNOWN; /* it is not port 25 that is refused */
    else if (answer->at.len > 0 && same_host(&t->address, &answer->at))
        c->where = TRACE_FAR;
    else if (hop > 0)
        c->where = place(m, hop);
    else
        c->where = place_between(m, c->last.hop, end);
}

/* Whether port 25 was tried at all hops beyond FROM up to TO. */
static bool is_silent(const struct hop_trace_result *t, size_t from, size_t to)
{
    for (size_t hop = from + 1; hop <= to; hop++)
        if (t->hops[hop - 1].port25.end != HOP_SILENT)
            return false;
    return true;
}

static void judge_silence(const struct hop_trace_result *t, const struct map *m,
                          struct trace_conclusion *c)
{
    c->how = TRACE_SILENTLY;
    if (c->next.hop > 0 && is_silent(t, c->last.hop, c->next.hop))
        c->where = place_between(m, c->last.hop, c->next.hop);
}

static void judge_end(const struct hop_trace_result *t, const struct map *m, size_t end,
                      struct trace_conclusion *c)
{
    switch (t->hops[end - 1].port25.end) {
    case HOP_REACHED:
        c->where = TRACE_OPEN;
        c->early = m->target > 0 && end < m->target;
        break;
    case HOP_DENIED:
        c->where = TRACE_HOST;
        c->how = TRACE_BY_KERNEL;
        break;
    case HOP_RESET:
        c->how = TRACE_BY_RESET;
        c->where = place_between(m, c->last.hop, end);
        c->early = m->target > 0 && end < m->target;
        break;
    default:
        judge_icmp(t, m, end, c);
    }
}

struct trace_conclusion trace_decide(const struct hop_trace_result *t, enum trace_scope scope)
{
    struct trace_conclusion c = { .where = TRACE_UNKNOWN };
    struct map m = { .provider = reach_of_provider(t), .target = distance(t), .scope = scope };
    size_t end = find_end(t);

    c.last = find_last(t);
    c.next = find_next(t, c.last.hop);
    if (end > 0)
        judge_end(t, &m, end, &c);
    else if (t->kept)
        c.where = TRACE_HOST;
    else
        judge_silence(t, &m, &c);
    return c;
}
