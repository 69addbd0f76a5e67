/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/examination.h"

#include "daemon/probe/deadline.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct asked {
    struct examination *examination;
    struct record_lookup *lookup; /* NULL: the place is free */
    examination_step *step;
};

struct examination {
    struct examination_plan plan;
    struct event *timer; /* the deadline at first; then it delivers */
    struct asked asked[EXAMINATION_QUESTIONS];
    size_t pending;
    struct finding finding;
    void *state;
    void (*free_state)(void *state);
    bool is_over, in_callback;
};

static const char *const check_names[] = {
    [REPUTATION_PTR] = "ptr",     [REPUTATION_HELO] = "helo",
    [REPUTATION_SPF] = "spf",     [REPUTATION_RELAY_SPF] = "relay-spf",
    [REPUTATION_DKIM] = "dkim",   [REPUTATION_DMARC] = "dmarc",
    [REPUTATION_DNSBL] = "dnsbl",
};

static const char *const rating_names[] = {
    [REPUTATION_OK] = "ok",
    [REPUTATION_WARNING] = "warning",
    [REPUTATION_BAD] = "bad",
    [REPUTATION_UNKNOWN] = "unknown",
};

const char *reputation_check_name(enum reputation_check check)
{
    return check_names[check];
}

const char *reputation_rating_name(enum reputation_rating rating)
{
    return rating_names[rating];
}

static void stop_lookups(struct examination *e)
{
    for (size_t i = 0; i < EXAMINATION_QUESTIONS; i++) {
        record_lookup_stop(e->asked[i].lookup);
        e->asked[i].lookup = NULL;
    }
    e->pending = 0;
}

static void dispose(struct examination *e)
{
    stop_lookups(e);
    if (e->free_state != NULL)
        e->free_state(e->state);
    event_free(e->timer);
    free(e);
}

void examination_name(struct examination *e, const char *name)
{
    snprintf(e->finding.name, sizeof e->finding.name, "%s", name);
}

void examination_finish(struct examination *e, enum reputation_rating rating, const char *format,
                        ...)
{
    va_list args;

    if (e->is_over)
        return;
    va_start(args, format);
    vsnprintf(e->finding.detail, sizeof e->finding.detail, format, args);
    va_end(args);
    e->finding.rating = rating;
    e->is_over = true;
    stop_lookups(e);
    deadline_soon(e->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct examination *e = context;
    (void)fd;
    (void)what;

    examination_finish(e, REPUTATION_UNKNOWN, "the DNS did not answer in time");
    log_debug("%s: %s, %s", reputation_check_name(e->finding.check),
              reputation_rating_name(e->finding.rating), e->finding.detail);
    e->in_callback = true;
    e->plan.callback(&e->finding, e->plan.context);
    dispose(e);
}

struct examination *examination_new(const struct examination_plan *plan,
                                    enum reputation_check check, const struct address *address,
                                    void *state, void (*free_state)(void *state))
{
    struct examination *e = memory_zero(1, sizeof *e);

    e->plan = *plan;
    e->finding.check = check;
    e->finding.has_family = address != NULL;
    if (address != NULL)
        e->finding.family = address_family(address);
    e->state = state;
    e->free_state = free_state;
    e->timer = deadline_timer(dns_base(plan->dns), on_timer, e);
    deadline_arm(e->timer, plan->deadline_ms);
    return e;
}

void examination_stop(struct examination *e)
{
    if (e != NULL && !e->in_callback)
        dispose(e);
}

void *examination_state(const struct examination *e)
{
    return e->state;
}

struct dns *examination_dns(const struct examination *e)
{
    return e->plan.dns;
}

int64_t examination_deadline(const struct examination *e)
{
    return e->plan.deadline_ms;
}

static void on_answer(const struct record_answer *answer, void *context)
{
    struct asked *asked = context;
    struct examination *e = asked->examination;

    asked->lookup = NULL;
    e->pending--;
    asked->step(e, answer, e->pending);
}

void examination_ask(struct examination *e, const char *name, enum record_type type,
                     examination_step *step)
{
    for (size_t i = 0; !e->is_over && i < EXAMINATION_QUESTIONS; i++) {
        struct asked *asked = &e->asked[i];
        if (asked->lookup != NULL)
            continue;
        asked->examination = e;
        asked->step = step;
        asked->lookup =
            record_lookup_start(e->plan.dns, name, type, e->plan.deadline_ms, on_answer, asked);
        e->pending++;
        return;
    }
}

bool examination_is_failure(const struct record_answer *answer)
{
    switch (answer->status) {
    case DNS_OK:
    case DNS_NXDOMAIN:
    case DNS_NODATA:
    case DNS_UNUSABLE:
        return false;
    default:
        return true;
    }
}

bool examination_holds(const struct record_answer *answer, const struct address *address)
{
    struct address bare = *address;

    address_set_port(&bare, 0);
    for (size_t i = 0; i < answer->count; i++)
        if (address_equal(&answer->records[i].address, &bare))
            return true;
    return false;
}

enum record_type examination_address_type(const struct address *address)
{
    return address_family(address) == FAMILY_IPV4 ? RECORD_A : RECORD_AAAA;
}
