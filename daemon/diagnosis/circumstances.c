/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diagnosis/circumstances.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/hop_trace.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* Whoever looks at an outage must not be made to wait by what goes on beside the round. */
#define TRACE_MS      2500
#define LADDER_MS     2500
#define REPUTATION_MS 20000 /* a round may take so long; afterwards: */
#define SHOWN_MS      2000  /* for what hangs on an address that a mail server has just shown */

struct side {
    struct circumstances *of;
    enum family family;
    struct hop_trace *trace;
};

struct circumstances {
    struct event_base *base;
    struct dns *dns;
    struct circumstances_plan plan;
    struct circumstances_seen seen;
    struct side sides[FAMILIES]; /* these are NULL unless they are under way */
    struct reputation *reputation;
    struct submission *submission;
    struct event *idle;
    circumstances_idle *callback;
    void *context;
};

static void forget_reputation(struct circumstances *c)
{
    free((void *)(uintptr_t)c->seen.reputation.findings);
    c->seen.reputation = (struct reputation_result){ .findings = NULL };
}

static void forget_submission(struct circumstances *c)
{
    free(c->seen.submission.entries);
    c->seen.submission = (struct submission_result){ .entries = NULL };
}

void circumstances_free(struct circumstances *c)
{
    if (c == NULL)
        return;
    for (int f = 0; f < FAMILIES; f++)
        hop_trace_stop(c->sides[f].trace);
    reputation_stop(c->reputation);
    submission_stop(c->submission);
    forget_reputation(c);
    forget_submission(c);
    event_free(c->idle);
    free(c);
}

void circumstances_leave(struct circumstances *c)
{
    c->callback = NULL;
}

bool circumstances_busy(const struct circumstances *c)
{
    return c->sides[FAMILY_IPV4].trace != NULL || c->sides[FAMILY_IPV6].trace != NULL ||
           c->reputation != NULL || c->submission != NULL;
}

const struct circumstances_seen *circumstances_seen(const struct circumstances *c)
{
    return &c->seen;
}

static void note_end(struct circumstances *c)
{
    if (!circumstances_busy(c))
        deadline_soon(c->idle);
}

static void is_idle(evutil_socket_t fd, short events, void *context)
{
    struct circumstances *c = context;

    (void)fd;
    (void)events;
    if (!circumstances_busy(c) && c->callback != NULL)
        c->callback(c->context);
}

/* Where it is blocked */

static void trace_ended(const struct hop_trace_result *result, void *context)
{
    struct side *side = context;
    struct circumstances_seen *seen = &side->of->seen;

    side->trace = NULL;
    seen->trace[side->family] = *result;
    seen->traced[side->family] = clock_wall();
    note_end(side->of);
}

void circumstances_trace(struct circumstances *c, enum family family,
                         const struct round_result *so_far)
{
    struct side *side = &c->sides[family];
    const struct family_result *seen = &so_far->family[family];
    struct hop_trace_plan plan = { .address = seen->suspect,
                                   .control = seen->controls.by,
                                   .settings = &c->plan.settings,
                                   .deadline_ms = clock_mono_ms() + TRACE_MS };

    if (c->plan.trace && side->trace == NULL && seen->has_suspect && seen->controls.has_by)
        side->trace = hop_trace_start(c->base, &plan, trace_ended, side);
}

void circumstances_forget_trace(struct circumstances *c, enum family family)
{
    c->seen.traced[family] = 0;
}

/* What works instead */

static void submission_ended(const struct submission_result *result, void *context)
{
    struct circumstances *c = context;
    size_t bytes = result->count * sizeof *result->entries;

    c->submission = NULL;
    forget_submission(c);
    c->seen.submission.entries = memory_zero(result->count, sizeof *result->entries);
    c->seen.submission.count = result->count;
    if (bytes > 0)
        memcpy(c->seen.submission.entries, result->entries, bytes);
    c->seen.submission_at = clock_wall();
    note_end(c);
}

void circumstances_submission(struct circumstances *c)
{
    if (c->plan.submission == NULL || c->submission != NULL)
        return;
    struct submission_plan plan = *c->plan.submission;
    plan.deadline_ms = clock_mono_ms() + LADDER_MS;
    c->submission = submission_start(c->base, c->dns, &plan, submission_ended, c);
}

/* How this host looks, and whose it is */

static void recognise(struct circumstances *c)
{
    const struct reputation_result *r = &c->seen.reputation;
    const char *names[FAMILIES];
    size_t count = 0;

    for (size_t i = 0; i < r->count && count < FAMILIES; i++)
        if (r->findings[i].check == REPUTATION_PTR && r->findings[i].name[0] != '\0')
            names[count++] = r->findings[i].name;
    c->seen.is_recognised =
        c->plan.providers != NULL &&
        provider_recognise(c->plan.providers, c->plan.machine, names, count, &c->seen.provider);
}

static void reputation_ended(const struct reputation_result *result, void *context)
{
    struct circumstances *c = context;
    struct finding *findings = memory_zero(result->count, sizeof *findings);

    c->reputation = NULL;
    forget_reputation(c);
    if (result->count > 0)
        memcpy(findings, result->findings, result->count * sizeof *findings);
    c->seen.reputation = *result;
    c->seen.reputation.findings = findings;
    c->seen.reputation_at = clock_wall();
    recognise(c);
    note_end(c);
}

void circumstances_reputation(struct circumstances *c)
{
    if (c->plan.reputation == NULL || c->reputation != NULL)
        return;
    struct reputation_plan plan = *c->plan.reputation;
    plan.deadline_ms = clock_mono_ms() + REPUTATION_MS;
    c->reputation = reputation_start(c->dns, &plan, reputation_ended, c);
}

/* The first that a mail server has shown; not one that somebody else has answered for. */
static const struct address *shown_by(const struct round_result *round, enum family family)
{
    for (size_t i = 0; i < round->target_count; i++) {
        const struct target_result *t = &round->family[family].targets[i];
        for (size_t h = 0; h < t->host_count; h++) {
            const struct probe_result *p = &t->hosts[h].probe;
            if (p->has_public_address && p->outcome != OUTCOME_INTERCEPTED &&
                address_family(&p->public_address) == family)
                return &p->public_address;
        }
    }
    return NULL;
}

void circumstances_round(struct circumstances *c, const struct round_result *round)
{
    if (c->reputation == NULL)
        return;
    for (int f = 0; f < FAMILIES; f++) {
        const struct address *shown = shown_by(round, (enum family)f);
        if (shown != NULL)
            reputation_set_address(c->reputation, (enum family)f, shown);
    }
    reputation_finish_soon(c->reputation, clock_mono_ms() + SHOWN_MS);
}

struct circumstances *circumstances_new(struct event_base *base, struct dns *dns,
                                        const struct circumstances_plan *plan,
                                        circumstances_idle *callback, void *context)
{
    struct circumstances *c = memory_zero(1, sizeof *c);

    c->base = base;
    c->dns = dns;
    c->plan = *plan;
    c->callback = callback;
    c->context = context;
    c->idle = deadline_timer(base, is_idle, c);
    for (int f = 0; f < FAMILIES; f++)
        c->sides[f] = (struct side){ .of = c, .family = (enum family)f };
    recognise(c);
    return c;
}
