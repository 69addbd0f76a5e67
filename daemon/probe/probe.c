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
    enum probe_tls tls;
    struct tls_trust *trust;
    char tls_name[HOST_MAX + 1]; /* the host's, or the literal's address */
    bool is_literal;
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

static void release(struct probe *p)
{
    tls_trust_free(p->trust);
    free(p);
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
    release(p);
}

/* Whether the session ended in what STARTTLS began. A reply under TLS is a reply like any other. */
static bool broke_in_tls(const struct smtp_report *report)
{
    return report->stage >= SMTP_STARTTLS && report->stage <= SMTP_EHLO_AGAIN &&
           report->end != SMTP_OK && report->end != SMTP_REJECTED;
}

static bool certificate_fails(const struct probe *p, const struct smtp_report *report)
{
    return p->tls == PROBE_TLS_SECURE && report->tls.established && !report->tls.verified;
}

static enum outcome outcome_of_open_session(const struct probe *p, const struct smtp_report *report)
{
    if (report->masked && !report->starttls_offered)
        return OUTCOME_INTERCEPTED;
    if (p->tls >= PROBE_TLS_ENCRYPT && !report->starttls_offered)
        return OUTCOME_NO_STARTTLS;
    return certificate_fails(p, report) ? OUTCOME_TLS_FAILED : OUTCOME_OPEN;
}

static enum outcome outcome_of_session(const struct probe *p, const struct smtp_report *report)
{
    if (broke_in_tls(report))
        return OUTCOME_TLS_FAILED;
    switch (report->end) {
    case SMTP_OK:
        return outcome_of_open_session(p, report);
    case SMTP_REJECTED:
        return OUTCOME_REJECTED;
    default: /* silence, nonsense, closed: no mail server answered as one */
        return OUTCOME_NO_BANNER;
    }
}

/* What Postfix does not look at, but its owner may want to know. That a literal's certificate has
 * some name and not its address is as it should be. */
static const char *certificate_note(const struct probe *p, const struct smtp_report *report)
{
    const struct tls_info *tls = &report->tls;
    bool as_usual = tls->fault == TLS_FAULT_OTHER_NAME && p->is_literal;

    return tls->established && !tls->verified && !as_usual ? tls->why : "";
}

static void open_detail(const struct probe *p, const struct smtp_report *report,
                        enum outcome outcome, char *out, size_t len)
{
    const char *note = certificate_note(p, report);

    if (outcome == OUTCOME_INTERCEPTED)
        note = "something between masks what the server says and offers";
    else if (outcome == OUTCOME_NO_STARTTLS)
        note = "STARTTLS is not offered, which this operator is known to offer";
    snprintf(out, len, "220 %.120s%s%.120s", report->banner, note[0] != '\0' ? "; " : "", note);
}

static void tls_detail(const struct smtp_report *report, char *out, size_t len)
{
    if (report->end == SMTP_OK)
        snprintf(out, len, "%.255s", report->tls.why);
    else if (report->end == SMTP_NO_STARTTLS)
        snprintf(out, len, "STARTTLS is refused: %.200s", report->text);
    else if (report->end == SMTP_TIMEOUT || report->end == SMTP_TRAILING_DATA)
        snprintf(out, len, "%.255s", report->text);
    else
        snprintf(out, len, "%.200s at %s", report->text, smtp_stage_name(report->stage));
}

static void session_detail(const struct probe *p, const struct smtp_report *report,
                           enum outcome outcome, char *out, size_t len)
{
    bool tells_where = report->stage == SMTP_BANNER || report->end == SMTP_TIMEOUT;

    if (outcome == OUTCOME_TLS_FAILED)
        tls_detail(report, out, len);
    else if (report->end == SMTP_OK)
        open_detail(p, report, outcome, out, len);
    else if (report->end == SMTP_REJECTED)
        snprintf(out, len, "%.255s", report->text);
    else
        snprintf(out, len, "connected, then %.200s%s%s", report->text, tells_where ? "" : " at ",
                 tells_where ? "" : smtp_stage_name(report->stage));
}

static void take_report(struct probe *p, const struct smtp_report *report)
{
    struct probe_result *r = &p->result;
    const struct ehlo *e = &report->ehlo;

    snprintf(r->banner, sizeof r->banner, "%.*s", PROBE_BANNER - 1, report->banner);
    memcpy(r->ehlo_name, e->name, sizeof r->ehlo_name);
    r->starttls_offered = report->starttls_offered;
    r->tls = report->tls;
    r->masked = report->masked;
    r->has_public_address =
        e->has_client && address_family(&e->client) == address_family(&r->address);
    if (r->has_public_address)
        r->public_address = e->client;
}

static void on_session(const struct smtp_report *report, void *context)
{
    struct probe *p = context;
    enum outcome outcome = outcome_of_session(p, report);
    char detail[PROBE_DETAIL];

    p->session = NULL;
    take_report(p, report);
    p->result.certificate_alone = outcome == OUTCOME_TLS_FAILED && report->end == SMTP_OK;
    session_detail(p, report, outcome, detail, sizeof detail);
    probe_finish(p, outcome, report->code, detail, report->settled_ms);
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
        p->result.fate = result->fate;
        probe_finish(p, outcome_of_connect(result->end), 0, result->detail,
                     p->result.started_ms + result->ms);
        return;
    }
    p->connected_ms = p->result.started_ms + result->ms;
    struct smtp_plan plan = {
        .helo_name = p->helo_name,
        .tls = p->trust != NULL ? SMTP_TLS_MAY : SMTP_TLS_NONE,
        .trust = p->trust,
        .tls_name = p->tls_name,
        .deadline_ms = p->deadline_ms,
    };
    p->session = smtp_client_start(p->base, result->fd, &plan, on_session, p);
}

static void take_tls(struct probe *p, const struct probe_plan *plan)
{
    char literal[ADDRESS_TEXT];

    address_text(&plan->address, literal);
    p->tls = plan->tls;
    p->trust = plan->trust != NULL ? tls_trust_hold(plan->trust) : NULL;
    p->is_literal = plan->host == NULL;
    snprintf(p->tls_name, sizeof p->tls_name, "%s", p->is_literal ? literal : plan->host);
}

struct probe *probe_start(struct event_base *base, const struct probe_plan *plan,
                          probe_done *callback, void *context)
{
    struct probe *p = memory_zero(1, sizeof *p);
    const struct address *to = &plan->address;

    p->base = base;
    memcpy(p->helo_name, plan->settings->helo_name, sizeof p->helo_name);
    take_tls(p, plan);
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
    release(p);
}

enum syn_fate probe_fate(const struct probe *p)
{
    return p->attempt != NULL ? connect_fate(p->attempt) : SYN_UNTOLD;
}

int64_t probe_connected(const struct probe *p)
{
    return p->connected_ms;
}

int64_t probe_started(const struct probe *p)
{
    return p->result.started_ms;
}
