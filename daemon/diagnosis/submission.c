/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diagnosis/submission.h"

#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The least that a check is given, however many there are: two lost SYNs and a slow handshake. */
#define CHECK_MIN_MS 1500

/* The checks end a little before the ladder does, so that each can say what it waited for. */
#define MARGIN_MS 100

/* One host at one port. */
struct rung {
    struct submission *ladder;
    struct relay_check *check; /* NULL before and after */
    struct tls_trust *trust;
    bool offers_tls;
    bool is_stripped; /* STARTTLS was not offered, or refused for good */
    struct submission_entry entry;
};

struct submission {
    struct event_base *base;
    struct dns *dns;
    struct event *timer; /* the deadline at first; then it delivers */
    unsigned families;
    struct probe_settings settings;
    int64_t deadline_ms, check_ms;
    struct rung rungs[SUBMISSION_ENTRIES_MAX];
    size_t count, next, running;
    submission_done *callback;
    void *context;
    bool in_callback;
};

const char *submission_state_name(enum relay_proof state)
{
    return state == RELAY_PROVEN ? "usable" : relay_proof_name(state);
}

/*
 * The order
 */

static int rank(uint16_t port)
{
    static const uint16_t order[] = { 465, 2465, 587, 2525, 2587 };

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i] == port)
            return (int)i;
    return port_is_implicit_tls(port) ? 0 : (int)(sizeof order / sizeof order[0]);
}

/* A rung goes behind those of the same rank, so that the relays keep their order. */
static struct rung *make_room(struct submission *s, uint16_t port)
{
    size_t at = s->count++;

    for (; at > 0 && rank(s->rungs[at - 1].entry.port) > rank(port); at--)
        s->rungs[at] = s->rungs[at - 1];
    memset(&s->rungs[at], 0, sizeof s->rungs[at]);
    return &s->rungs[at];
}

/*
 * The end
 */

/* A connection under TLS at another port shows that the host has it to offer. */
static bool has_tls_elsewhere(const struct submission *s, const struct rung *rung)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->rungs[i].entry.tls[0] != '\0' &&
            strcasecmp(s->rungs[i].entry.host, rung->entry.host) == 0)
            return true;
    return false;
}

static void name_attacks(struct submission *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct rung *r = &s->rungs[i];
        bool elsewhere = r->is_stripped && has_tls_elsewhere(s, r);
        if (!r->is_stripped || (!r->offers_tls && !elsewhere))
            continue;
        r->entry.attack = true;
        snprintf(r->entry.detail, sizeof r->entry.detail,
                 "STARTTLS is missing on port %u, though %s offers TLS%s: somebody on the way "
                 "strips it",
                 r->entry.port, r->entry.host, elsewhere ? " on another port" : "");
    }
}

static void dispose(struct submission *s)
{
    for (size_t i = 0; i < s->count; i++) {
        relay_check_stop(s->rungs[i].check);
        tls_trust_free(s->rungs[i].trust);
    }
    event_free(s->timer);
    free(s);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct submission *s = context;
    struct submission_result result = { .count = s->count };
    (void)fd;
    (void)what;

    name_attacks(s);
    result.entries = memory_zero(s->count, sizeof *result.entries);
    for (size_t i = 0; i < s->count; i++)
        result.entries[i] = s->rungs[i].entry;
    s->in_callback = true;
    s->callback(&result, s->context);
    free(result.entries);
    dispose(s);
}

/*
 * The checks
 */

static void start_more(struct submission *s);

static void take_result(struct rung *rung, const struct relay_check_result *r)
{
    struct submission_entry *e = &rung->entry;

    e->state = r->proof;
    e->verified = r->verified;
    e->has_days_left = r->has_days_left;
    e->days_left = r->days_left;
    memcpy(e->tls, r->protocol, sizeof e->tls);
    memcpy(e->auth, r->auth, sizeof e->auth);
    memcpy(e->detail, r->detail, sizeof e->detail);
    rung->is_stripped = r->starttls_missing;
    if (r->proof == RELAY_PROVEN && !r->auth_offered) {
        e->state = RELAY_NO_AUTH;
        snprintf(e->detail, sizeof e->detail, "AUTH is not offered");
    }
}

static void on_check(const struct relay_check_result *result, void *context)
{
    struct rung *rung = context;

    rung->check = NULL;
    rung->ladder->running--;
    take_result(rung, result);
    start_more(rung->ladder);
}

static void start_check(struct submission *s, struct rung *rung)
{
    struct relay_check_plan plan = {
        .host = rung->entry.host,
        .port = rung->entry.port,
        .implicit_tls = port_is_implicit_tls(rung->entry.port),
        .trust = rung->trust,
        .verify = true,
        .families = s->families,
        .settings = s->settings,
        .deadline_ms = deadline_within(s->deadline_ms - MARGIN_MS, s->check_ms),
    };

    rung->check = relay_check_start(s->base, s->dns, &plan, on_check, rung);
    s->running++;
}

/* As many as may run at once; the end when there is nothing left. */
static void start_more(struct submission *s)
{
    for (; s->next < s->count && s->running < SUBMISSION_AT_ONCE; s->next++)
        if (s->rungs[s->next].trust != NULL)
            start_check(s, &s->rungs[s->next]);
    if (s->running == 0)
        deadline_soon(s->timer);
}

/*
 * The interface
 */

/* Hosts with the same CA file share its store; an entry without any is told why. */
static struct tls_trust *trust_for(const struct submission_plan *plan, const char *ca_file,
                                   struct tls_trust *trusts[], size_t n, char *why, size_t whylen)
{
    if (ca_file == NULL && plan->trust != NULL)
        return tls_trust_hold(plan->trust);
    for (size_t i = 0; i < n; i++) {
        const char *other = plan->hosts[i].ca_file;
        bool same = ca_file == NULL ? other == NULL : other != NULL && strcmp(ca_file, other) == 0;
        if (same && trusts[i] != NULL)
            return tls_trust_hold(trusts[i]);
    }
    return tls_trust_new(ca_file, why, whylen);
}

static void add_host(struct submission *s, const struct submission_host *host,
                     struct tls_trust *trust, const char *why)
{
    for (size_t i = 0; i < host->ports.count; i++) {
        struct rung *r = make_room(s, host->ports.port[i]);
        r->ladder = s;
        r->offers_tls = host->offers_tls;
        r->trust = trust != NULL ? tls_trust_hold(trust) : NULL;
        snprintf(r->entry.relay, sizeof r->entry.relay, "%s", host->relay);
        snprintf(r->entry.host, sizeof r->entry.host, "%s", host->host);
        r->entry.port = host->ports.port[i];
        r->entry.state = trust != NULL ? RELAY_NO_CONNECT : RELAY_TLS_FAILED;
        snprintf(r->entry.detail, sizeof r->entry.detail, "%s",
                 trust != NULL ? "no answer in time" : why);
    }
}

static void add_hosts(struct submission *s, const struct submission_plan *plan)
{
    struct tls_trust *trusts[SUBMISSION_HOSTS_MAX] = { NULL };
    size_t n = plan->host_count < SUBMISSION_HOSTS_MAX ? plan->host_count : SUBMISSION_HOSTS_MAX;
    char why[RELAY_DETAIL] = "";

    for (size_t i = 0; i < n; i++) {
        trusts[i] = trust_for(plan, plan->hosts[i].ca_file, trusts, i, why, sizeof why);
        add_host(s, &plan->hosts[i], trusts[i], why);
    }
    for (size_t i = 0; i < n; i++)
        tls_trust_free(trusts[i]);
}

/* Where more is to be checked than may run at once, silence at the first must leave time for the
 * last. */
static int64_t time_for_each(const struct submission *s)
{
    int64_t left = deadline_left(s->deadline_ms);
    int64_t waves = (int64_t)((s->count + SUBMISSION_AT_ONCE - 1) / SUBMISSION_AT_ONCE);
    int64_t share = waves > 1 ? left / waves : left;

    return share > CHECK_MIN_MS ? share : CHECK_MIN_MS;
}

struct submission *submission_start(struct event_base *base, struct dns *dns,
                                    const struct submission_plan *plan, submission_done *callback,
                                    void *context)
{
    struct submission *s = memory_zero(1, sizeof *s);

    s->base = base;
    s->dns = dns;
    s->families = plan->families;
    s->settings = plan->settings;
    s->callback = callback;
    s->context = context;
    s->deadline_ms = plan->deadline_ms != 0 ? plan->deadline_ms : clock_mono_ms() + SUBMISSION_MS;
    s->timer = deadline_timer(base, on_timer, s);
    add_hosts(s, plan);
    s->check_ms = time_for_each(s);
    deadline_arm(s->timer, s->deadline_ms);
    start_more(s);
    return s;
}

void submission_stop(struct submission *s)
{
    if (s != NULL && !s->in_callback)
        dispose(s);
}
