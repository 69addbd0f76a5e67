/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/probe.h"

#include "daemon/probe/connect.h"
#include "daemon/probe/smtp_client.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
    struct event_base *base;
    struct connect_attempt *attempt; /* one of these two at a time */
    struct smtp_client *session;
    char helo_name[HOST_MAX + 1];
    int64_t deadline_ms, connected_ms;
    probe_done *callback;
    void *context;
    struct probe_result result;
    bool in_callback;
};

const struct address *probe_source(const struct probe_settings *settings,
                                   const struct address *address)
{
    enum family family = address_family(address);

    return settings->has_source[family] ? &settings->source[family] : NULL;
}

/* The only way out of a probe. */
static void probe_finish(struct probe *p, enum outcome outcome, int code, const char *detail,
                         int64_t when_ms)
{
    char where[ADDRESS_TEXT];

    p->result.outcome = outcome;
    p->result.connected = p->connected_ms != -1;
    p->result.code = code;
    p->result.total_ms = when_ms - p->result.started_ms;
    snprintf(p->result.detail, sizeof p->result.detail, "%s", detail);
    address_text(&p->result.address, where);
    log_debug("probe %s: %s, %s", where, outcome_name(outcome), detail);
    p->in_callback = true;
    p->callback(&p->result, p->context);
    free(p);
}

static enum outcome outcome_of_session(const struct smtp_report *report)
{
    switch (report->end) {
    case SMTP_OK:
        return OUTCOME_OPEN;
    case SMTP_REJECTED:
        return OUTCOME_REJECTED;
    default: /* silence, nonsense, closed: no mail server answered as one */
        return OUTCOME_NO_BANNER;
    }
}

static void session_detail(const struct smtp_report *report, char *out, size_t len)
{
    bool tells_where = report->stage == SMTP_BANNER || report->end == SMTP_TIMEOUT;

    if (report->end == SMTP_OK)
        snprintf(out, len, "220 %.240s", report->banner);
    else if (report->end == SMTP_REJECTED)
        snprintf(out, len, "%.255s", report->text);
    else
        snprintf(out, len, "connected, then %.200s%s%s", report->text, tells_where ? "" : " at ",
                 tells_where ? "" : smtp_stage_name(report->stage));
}

static void on_session(const struct smtp_report *report, void *context)
{
    struct probe *p = context;
    char detail[PROBE_DETAIL];

    p->session = NULL;
    snprintf(p->result.banner, sizeof p->result.banner, "%.*s", PROBE_BANNER - 1, report->banner);
    session_detail(report, detail, sizeof detail);
    probe_finish(p, outcome_of_session(report), report->code, detail, report->settled_ms);
}

static enum outcome outcome_of_connect(enum connect_end end)
{
    switch (end) {
    case CONNECT_TIMEOUT:
        return OUTCOME_TIMEOUT;
    case CONNECT_REFUSED:
        return OUTCOME_REFUSED;
    case CONNECT_PROHIBITED:
        return OUTCOME_PROHIBITED;
    default:
        return OUTCOME_UNREACHABLE;
    }
}

static void on_connect(const struct connect_result *result, void *context)
{
    struct probe *p = context;

    p->attempt = NULL;
    p->result.connect_ms = result->ms;
    if (result->end != CONNECT_OK) {
        p->result.local_fault = result->end == CONNECT_LOCAL;
        probe_finish(p, outcome_of_connect(result->end), 0, result->detail,
                     p->result.started_ms + result->ms);
        return;
    }
    p->connected_ms = p->result.started_ms + result->ms;
    struct smtp_plan plan = {
        .helo_name = p->helo_name,
        .tls = SMTP_TLS_NONE,
        .deadline_ms = p->deadline_ms,
    };
    p->session = smtp_client_start(p->base, result->fd, &plan, on_session, p);
}

struct probe *probe_start(struct event_base *base, const struct probe_plan *plan,
                          probe_done *callback, void *context)
{
    struct probe *p = memory_zero(1, sizeof *p);
    const struct address *to = &plan->address;

    p->base = base;
    memcpy(p->helo_name, plan->settings->helo_name, sizeof p->helo_name);
    p->deadline_ms = plan->deadline_ms;
    p->connected_ms = -1;
    p->callback = callback;
    p->context = context;
    p->result.address = *to;
    p->result.started_ms = clock_mono_ms();
    p->attempt =
        connect_start(base, to, probe_source(plan->settings, to), p->deadline_ms, on_connect, p);
    return p;
}

void probe_stop(struct probe *p)
{
    if (p == NULL || p->in_callback)
        return;
    connect_stop(p->attempt);
    smtp_client_stop(p->session);
    free(p);
}

int64_t probe_connected(const struct probe *p)
{
    return p->connected_ms;
}

int64_t probe_started(const struct probe *p)
{
    return p->result.started_ms;
}
