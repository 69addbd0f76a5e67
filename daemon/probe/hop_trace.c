/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/hop_trace.h"

#include "daemon/probe/connect.h"
#include "daemon/probe/deadline.h"
#include "daemon/probe/icmp_error.h"
#include "daemon/probe/syn_fate.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 3

/* The hop that seems to be where port 25 ends is tried so many times more, or a lossy path would
 * put the end too near. */
#define CONFIRMATIONS 5

#define ATTEMPTS_MAX (HOPS_MAX * (PORTS * TRIES + CONFIRMATIONS))

/* Between one hop and the next: so the first answers from the target come before many SYNs more
 * have been sent to it, and no router has to send a burst of ICMP messages. */
#define SPACING_MS 10

/* How long an answer may take before the next try, by the slowest so far. */
#define WAIT_MIN_MS 200
#define WAIT_MAX_MS 500

/* The kernel has sent a SYN again, a second after the first. */
#define RETRANSMITTED_MS 1100

enum port { PORT_25, PORT_CONTROL, PORTS };

_Static_assert(ATTEMPTS_MAX == HOP_TRACE_DESCRIPTORS, "a descriptor for each attempt");

struct attempt {
    struct hop_trace *trace;
    struct event *ready;
    int fd; /* -1 when it is over */
    enum port port;
    size_t hop;
    int64_t sent_ms;
};

enum phase { SENDING, WAITING, LOOKING };

struct hop_trace {
    struct event_base *base;
    struct address to[PORTS];
    const struct address *source[PORTS];
    struct probe_settings settings;
    int64_t started_ms, deadline_ms, slowest_ms;
    struct event *timer; /* the next SYN, or the end of a wait */
    enum phase phase;
    int tries;       /* how often every hop has been tried */
    size_t next_hop; /* to be tried, from 1 on */
    size_t attempt_count;
    size_t border; /* the hop that is confirmed */
    int confirmations;
    struct attempt attempts[ATTEMPTS_MAX];
    hop_trace_done *callback;
    void *context;
    struct hop_trace_result result;
    bool in_callback;
};

static struct hop_answer *answer_of(struct hop_trace *t, enum port port, size_t hop)
{
    struct hop *h = &t->result.hops[hop - 1];

    return port == PORT_25 ? &h->port25 : &h->control;
}

/* The first hop from which on nothing new can be learnt, since the way of such packets ends there.
 */
static size_t last_hop(struct hop_trace *t, enum port port)
{
    for (size_t hop = 1; hop <= HOPS_MAX; hop++) {
        const struct hop_answer *a = answer_of(t, port, hop);
        if (hop_is_answered(a) && a->end != HOP_PASSED)
            return hop;
    }
    return HOPS_MAX;
}

static bool same_host(const struct hop_trace *t)
{
    struct address control = t->to[PORT_CONTROL];

    address_set_port(&control, address_port(&t->to[PORT_25]));
    return address_equal(&control, &t->to[PORT_25]);
}

/* Beyond the hop where the target answers the control, port 25 can only be the same again. */
static size_t limit(struct hop_trace *t, enum port port)
{
    size_t own = last_hop(t, port), control = last_hop(t, PORT_CONTROL);
    bool bounded = port == PORT_25 && t->result.control_reached && same_host(t);

    return bounded && control < own ? control : own;
}

static bool is_wanted(struct hop_trace *t, enum port port, size_t hop)
{
    return hop <= limit(t, port) && !hop_is_answered(answer_of(t, port, hop));
}

static bool anything_wanted(struct hop_trace *t)
{
    for (size_t hop = 1; hop <= HOPS_MAX; hop++)
        if (is_wanted(t, PORT_25, hop) || is_wanted(t, PORT_CONTROL, hop))
            return true;
    return false;
}

static bool anyone_answered(struct hop_trace *t, enum port port)
{
    for (size_t hop = 1; hop <= HOPS_MAX; hop++)
        if (hop_is_answered(answer_of(t, port, hop)))
            return true;
    return false;
}

static void end_attempt(struct attempt *a)
{
    if (a->ready != NULL)
        event_free(a->ready);
    if (a->fd != -1)
        close(a->fd);
    a->ready = NULL;
    a->fd = -1;
}

static void dispose(struct hop_trace *t)
{
    for (size_t i = 0; i < t->attempt_count; i++)
        end_attempt(&t->attempts[i]);
    event_free(t->timer);
    free(t);
}

/* What was sent beyond the target while its first answer was on the way tells nothing. */
static void forget_overshoot(struct hop_trace *t)
{
    size_t port25 = limit(t, PORT_25), control = limit(t, PORT_CONTROL);
    size_t last = port25 > control ? port25 : control;

    if (t->result.hop_count > last)
        t->result.hop_count = last;
}

static void finish(struct hop_trace *t)
{
    forget_overshoot(t);
    t->result.ms = clock_mono_ms() - t->started_ms;
    t->in_callback = true;
    t->callback(&t->result, t->context);
    dispose(t);
}

/* The first answer stands: a later one is to another SYN of the same kind. */
static void record(struct attempt *a, enum hop_end end, const struct address *at)
{
    struct hop_trace *t = a->trace;
    struct hop_answer *answer = answer_of(t, a->port, a->hop);
    int64_t ms = clock_mono_ms() - a->sent_ms;

    end_attempt(a);
    if (hop_is_answered(answer) || (end == HOP_LOCAL && answer->end == HOP_SILENT))
        return;
    answer->end = end;
    if (at != NULL)
        answer->at = *at;
    if (!hop_is_answered(answer))
        return;
    if (ms > t->slowest_ms)
        t->slowest_ms = ms;
    if (a->port == PORT_25 && end == HOP_REACHED)
        t->result.reached = true;
    if (a->port == PORT_CONTROL && (end == HOP_REACHED || end == HOP_RESET))
        t->result.control_reached = true;
    if (t->phase == WAITING && !anything_wanted(t))
        deadline_soon(t->timer);
}

static void record_errno(struct attempt *a, int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
        record(a, HOP_RESET, NULL);
        break;
    case EACCES: /* a route of type prohibit (ip-route(8)) */
    case EPERM:  /* a sandbox */
        record(a, HOP_DENIED, NULL);
        break;
    case ETIMEDOUT:
        record(a, HOP_SILENT, NULL);
        break;
    default:
        record(a, HOP_LOCAL, NULL);
    }
}

static bool is_own_address(const struct attempt *a, const struct address *reporter)
{
    struct address own = { .len = sizeof own.u }, from = *reporter;

    if (getsockname(a->fd, &own.u.sa, &own.len) == -1 || from.len == 0)
        return false;
    address_set_port(&own, 0);
    address_set_port(&from, 0);
    return address_equal(&own, &from);
}

static void record_icmp(struct attempt *a, const struct icmp_error *icmp)
{
    static const enum hop_end ends[] = {
        [ICMP_REFUSED] = HOP_REFUSED,
        [ICMP_UNREACHABLE] = HOP_UNREACHABLE,
        [ICMP_PROHIBITED] = HOP_PROHIBITED,
        [ICMP_HOPS_EXCEEDED] = HOP_PASSED,
    };

    /* A packet filter of this host's rejects in this host's name. */
    record(a, is_own_address(a, &icmp->reporter) ? HOP_DENIED : ends[icmp->kind], &icmp->reporter);
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct attempt *a = context;
    struct icmp_error icmp;
    int error;
    (void)what;

    switch (connect_news(fd, &icmp, &error)) {
    case CONNECT_STANDS:
        record(a, HOP_REACHED, NULL);
        break;
    case CONNECT_ICMP:
        record_icmp(a, &icmp);
        break;
    case CONNECT_ERROR:
        record_errno(a, error);
        break;
    case CONNECT_NONE:
        event_add(a->ready, NULL);
        break;
    }
}

static int set_hops(int fd, enum family family, int hops)
{
    int once = 1;

    /* Of its own accord the kernel shall send a SYN once more, and no further. */
    setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof once);
    if (family == FAMILY_IPV4)
        return setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    return setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
}

static void try_hop(struct hop_trace *t, enum port port, size_t hop)
{
    struct attempt *a = &t->attempts[t->attempt_count++];
    const struct address *to = &t->to[port];

    *a = (struct attempt){ .trace = t, .port = port, .hop = hop, .sent_ms = clock_mono_ms() };
    a->fd = connect_socket(to, t->source[port]);
    if (a->fd == -1 || set_hops(a->fd, address_family(to), (int)hop) == -1) {
        record(a, HOP_LOCAL, NULL);
        return;
    }
    if (connect(a->fd, &to->u.sa, to->len) == -1 && errno != EINPROGRESS && errno != EINTR) {
        record_errno(a, errno);
        return;
    }
    a->ready = event_new(t->base, a->fd, EV_WRITE, on_ready, a);
    if (a->ready == NULL || event_add(a->ready, NULL) == -1)
        record(a, HOP_LOCAL, NULL);
    else if (answer_of(t, port, hop)->end == HOP_UNTRIED)
        answer_of(t, port, hop)->end = HOP_SILENT;
}

static void arm(struct hop_trace *t, int64_t ms)
{
    deadline_arm(t->timer, deadline_within(t->deadline_ms, ms));
}

static int64_t patience(const struct hop_trace *t)
{
    int64_t ms = 3 * t->slowest_ms;

    return ms < WAIT_MIN_MS ? WAIT_MIN_MS : ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
}

/* Tries the next hop that has something to tell; false where none is left in this wave. */
static bool send_next(struct hop_trace *t)
{
    while (t->next_hop <= HOPS_MAX) {
        size_t hop = t->next_hop++;
        bool sent = false;

        for (enum port port = PORT_25; port < PORTS; port++)
            if (is_wanted(t, port, hop)) {
                try_hop(t, port, hop);
                sent = true;
            }
        if (sent && hop > t->result.hop_count)
            t->result.hop_count = hop;
        if (sent)
            return true;
    }
    return false;
}

/* Whether another try of what was silent could change what the trace says. */
static bool try_again(struct hop_trace *t)
{
    return t->tries < TRIES && !t->result.reached && anything_wanted(t);
}

/* The first hop that lets the control alone pass, or 0. */
static size_t find_border(struct hop_trace *t)
{
    size_t last = HOPS_MAX;

    while (last > 0 && answer_of(t, PORT_25, last)->end != HOP_PASSED)
        last--;
    for (size_t hop = last + 1; hop <= HOPS_MAX; hop++)
        if (hop_is_answered(answer_of(t, PORT_CONTROL, hop)))
            return is_wanted(t, PORT_25, hop) ? hop : 0;
    return 0;
}

/* False where nothing is left to confirm. */
static bool confirm_border(struct hop_trace *t)
{
    size_t border = find_border(t);

    if (border == 0 || t->result.reached)
        return false;
    if (border != t->border) {
        t->border = border;
        t->confirmations = 0;
    }
    if (t->confirmations == CONFIRMATIONS)
        return false;
    try_hop(t, PORT_25, border);
    t->confirmations++;
    arm(t, t->confirmations < CONFIRMATIONS ? SPACING_MS : patience(t));
    return true;
}

static void look_at_retransmissions(struct hop_trace *t)
{
    enum syn_fate fate = SYN_UNTOLD;

    for (size_t i = 0; i < t->attempt_count; i++)
        if (t->attempts[i].port == PORT_25 && t->attempts[i].fd != -1)
            fate = syn_fate_of_both(fate, syn_fate(t->attempts[i].fd));
    t->result.kept = fate == SYN_KEPT && !anyone_answered(t, PORT_25);
}

static void on_silence(struct hop_trace *t)
{
    if (try_again(t)) {
        t->phase = SENDING;
        t->next_hop = 1;
        deadline_soon(t->timer);
    } else if (confirm_border(t)) {
        return;
    } else if (!anyone_answered(t, PORT_25) && anyone_answered(t, PORT_CONTROL)) {
        t->phase = LOOKING;
        deadline_arm(t->timer, deadline_within(t->deadline_ms,
                                               t->started_ms + RETRANSMITTED_MS - clock_mono_ms()));
    } else {
        finish(t);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct hop_trace *t = context;
    (void)fd;
    (void)what;

    if (t->phase == LOOKING) {
        look_at_retransmissions(t);
        finish(t);
    } else if (deadline_left(t->deadline_ms) == 0) {
        finish(t);
    } else if (t->phase == WAITING) {
        on_silence(t);
    } else if (send_next(t)) {
        arm(t, SPACING_MS);
    } else {
        t->phase = WAITING;
        t->tries++;
        arm(t, anything_wanted(t) ? patience(t) : 0);
    }
}

struct hop_trace *hop_trace_start(struct event_base *base, const struct hop_trace_plan *plan,
                                  hop_trace_done *callback, void *context)
{
    struct hop_trace *t = memory_zero(1, sizeof *t);

    t->base = base;
    t->settings = *plan->settings;
    t->to[PORT_25] = plan->address;
    t->to[PORT_CONTROL] = plan->control;
    for (int port = 0; port < PORTS; port++)
        t->source[port] = probe_source(&t->settings, &t->to[port]);
    t->started_ms = clock_mono_ms();
    t->deadline_ms = plan->deadline_ms;
    t->next_hop = 1;
    t->callback = callback;
    t->context = context;
    t->result.family = address_family(&plan->address);
    t->result.address = plan->address;
    t->result.control = plan->control;
    t->timer = deadline_timer(base, on_timer, t);
    deadline_soon(t->timer);
    return t;
}

void hop_trace_stop(struct hop_trace *t)
{
    if (t == NULL || t->in_callback)
        return;
    dispose(t);
}
