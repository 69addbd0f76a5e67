/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/relay_check.h"

#include "daemon/probe/connect.h"
#include "daemon/probe/control.h"
#include "daemon/probe/deadline.h"
#include "daemon/probe/smtp_client.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/secret.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX 4
#define SHARE_MIN_MS  1000 /* of the time left, for one silent address before the next is tried */

struct relay_check {
    struct event_base *base;
    struct dns *dns;
    struct dns_query *query; /* one of these three at a time */
    struct connect_attempt *attempt;
    struct smtp_client *session;
    struct event *timer; /* ends a lookup that outlasts the deadline */

    struct relay_check_plan plan; /* its strings are ours */
    char *host, *username, *password_file;

    struct address addresses[ADDRESSES_MAX];
    size_t count, next;
    int64_t started_ms;
    relay_check_done *callback;
    void *context;
    struct relay_check_result result;
    bool in_callback;
};

static const char *const proof_names[] = {
    [RELAY_PROVEN] = "proven",
    [RELAY_DNS_FAILED] = "dns-failed",
    [RELAY_NO_CONNECT] = "no-connect",
    [RELAY_NO_SMTP] = "no-smtp",
    [RELAY_REJECTED] = "rejected",
    [RELAY_NO_STARTTLS] = "no-starttls",
    [RELAY_TLS_FAILED] = "tls-failed",
    [RELAY_NO_AUTH] = "no-auth",
    [RELAY_PASSWORD] = "password",
    [RELAY_AUTH_FAILED] = "auth-failed",
    [RELAY_AUTH_TEMPORARY] = "auth-temporary",
};

const char *relay_proof_name(enum relay_proof proof)
{
    return proof_names[proof];
}

/* Ends whatever is under way. */
static void release(struct relay_check *r)
{
    dns_cancel(r->query);
    connect_stop(r->attempt);
    smtp_client_stop(r->session);
    r->query = NULL;
    r->attempt = NULL;
    r->session = NULL;
    event_del(r->timer);
}

static void dispose(struct relay_check *r)
{
    event_free(r->timer);
    tls_trust_free(r->plan.trust);
    free(r->host);
    free(r->username);
    free(r->password_file);
    free(r);
}

/* The only way out of a check. */
static void finish(struct relay_check *r, enum relay_proof proof, const char *detail)
{
    release(r); /* first, because the callback may take the resolver away */
    r->result.proof = proof;
    if (r->result.total_ms == 0)
        r->result.total_ms = clock_mono_ms() - r->started_ms; /* no session, so no QUIT either */
    snprintf(r->result.detail, sizeof r->result.detail, "%s", detail);
    log_debug("relay %s:%u: %s, %s", r->host, r->plan.port, relay_proof_name(proof), detail);
    r->in_callback = true;
    r->callback(&r->result, r->context);
    dispose(r);
}

static enum relay_proof proof_of_refused_auth(const struct smtp_report *report)
{
    return report->code >= 400 && report->code < 500 ? RELAY_AUTH_TEMPORARY : RELAY_AUTH_FAILED;
}

/* Silence, nonsense or a closed connection: what it means depends on where it came. */
static enum relay_proof proof_of_broken_session(const struct smtp_report *report)
{
    if (report->stage == SMTP_TLS)
        return RELAY_TLS_FAILED;
    return report->stage == SMTP_AUTH ? RELAY_AUTH_TEMPORARY : RELAY_NO_SMTP;
}

static enum relay_proof proof_of_session(const struct smtp_report *report)
{
    switch (report->end) {
    case SMTP_OK:
        return RELAY_PROVEN;
    case SMTP_REJECTED:
        return RELAY_REJECTED;
    case SMTP_NO_STARTTLS:
        return RELAY_NO_STARTTLS;
    case SMTP_TRAILING_DATA:
    case SMTP_TLS_FAILED:
        return RELAY_TLS_FAILED;
    case SMTP_NO_AUTH:
    case SMTP_NO_MECHANISM:
        return RELAY_NO_AUTH;
    case SMTP_NO_PASSWORD:
        return RELAY_PASSWORD;
    case SMTP_AUTH_FAILED:
        return proof_of_refused_auth(report);
    case SMTP_TIMEOUT:
    case SMTP_CLOSED:
    case SMTP_MALFORMED:
        break;
    }
    return proof_of_broken_session(report);
}

static void session_detail(const struct relay_check *r, const struct smtp_report *report, char *out,
                           size_t len)
{
    if (report->end == SMTP_OK)
        snprintf(out, len, "%s, certificate %s%s%s", report->tls.protocol,
                 report->tls.verified ? "verified" : "not verified: ", report->tls.why,
                 r->username != NULL ? ", authenticated" : "");
    else if (report->end == SMTP_CLOSED || report->end == SMTP_MALFORMED)
        snprintf(out, len, "%s at %s", report->text, smtp_stage_name(report->stage));
    else
        snprintf(out, len, "%s", report->text);
}

/* What was offered. Before TLS anybody on the way may have said it. */
static void note_offers(struct relay_check_result *result, const struct smtp_report *report)
{
    result->starttls_missing =
        report->end == SMTP_NO_STARTTLS && (report->code == 0 || report->code >= 500);
    result->auth_offered = report->tls.established && report->ehlo.has_auth;
    if (result->auth_offered)
        memcpy(result->auth, report->ehlo.auth, sizeof result->auth);
}

static void on_session(const struct smtp_report *report, void *context)
{
    struct relay_check *r = context;
    char detail[RELAY_DETAIL];

    r->session = NULL;
    note_offers(&r->result, report);
    r->result.code = report->code;
    r->result.total_ms = report->settled_ms - r->started_ms;
    r->result.verified = report->tls.verified;
    r->result.has_days_left = report->tls.has_certificate;
    r->result.days_left = report->tls.days_left;
    snprintf(r->result.protocol, sizeof r->result.protocol, "%s", report->tls.protocol);
    session_detail(r, report, detail, sizeof detail);
    finish(r, proof_of_session(report), detail);
}

static char *read_password(void *context, char *why, size_t whylen)
{
    const struct relay_check *r = context;

    if (r->password_file == NULL) {
        snprintf(why, whylen, "no password file is configured");
        return NULL;
    }
    return secret_read(r->password_file, r->plan.password_group, why, whylen);
}

static void talk(struct relay_check *r, int fd)
{
    struct smtp_plan plan = {
        .helo_name = r->plan.settings.helo_name,
        .tls = r->plan.implicit_tls ? SMTP_TLS_IMPLICIT : SMTP_TLS_STARTTLS,
        .trust = r->plan.trust,
        .tls_name = r->host,
        .verify = r->plan.verify,
        .username = r->username,
        .password = read_password,
        .password_context = r,
        .deadline_ms = r->plan.deadline_ms,
    };

    r->session = smtp_client_start(r->base, fd, &plan, on_session, r);
}

static void try_next(struct relay_check *r);

static void on_connect(const struct connect_result *result, void *context)
{
    struct relay_check *r = context;
    char where[ADDRESS_TEXT], detail[RELAY_DETAIL];

    r->attempt = NULL;
    if (control_is_answer(result)) {
        r->result.reachable = true;
        r->result.is_control = r->result.is_control || !address_on_link(&r->result.address);
    }
    if (result->end == CONNECT_OK) {
        talk(r, result->fd);
    } else if (r->next < r->count && deadline_left(r->plan.deadline_ms) > 0) {
        try_next(r);
    } else {
        address_text(&r->result.address, where);
        snprintf(detail, sizeof detail, "%s: %s", where, result->detail);
        finish(r, RELAY_NO_CONNECT, detail);
    }
}

/* A silent address may cost its share of the time left, so that the next ones have theirs. */
static void try_next(struct relay_check *r)
{
    const struct address *to = &r->addresses[r->next];
    int64_t share = deadline_left(r->plan.deadline_ms) / (int64_t)(r->count - r->next);
    int64_t deadline_ms =
        deadline_within(r->plan.deadline_ms, share > SHARE_MIN_MS ? share : SHARE_MIN_MS);

    r->next++;
    r->result.has_address = true;
    r->result.address = *to;
    r->attempt =
        connect_start(r->base, to, probe_source(&r->plan.settings, to), deadline_ms, on_connect, r);
}

/* Up to ADDRESSES_MAX, the families by turns, so that one that leads nowhere does not take all
 * the places. */
static void choose_addresses(struct relay_check *r, const struct dns_answer *answer)
{
    size_t at[FAMILIES] = { 0, 0 };

    while (r->count < ADDRESSES_MAX && (at[0] < answer->count || at[1] < answer->count))
        for (int family = 0; family < FAMILIES && r->count < ADDRESSES_MAX; family++) {
            size_t *i = &at[family];
            while (*i < answer->count && (int)address_family(&answer->hosts[*i].address) != family)
                (*i)++;
            if (*i < answer->count)
                r->addresses[r->count++] = answer->hosts[(*i)++].address;
        }
}

static void on_addresses(const struct dns_answer *answer, void *context)
{
    struct relay_check *r = context;

    r->query = NULL;
    event_del(r->timer);
    choose_addresses(r, answer);
    if (r->count > 0)
        try_next(r);
    else
        finish(r, RELAY_DNS_FAILED, answer->detail);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct relay_check *r = context;
    char detail[RELAY_DETAIL];
    (void)fd;
    (void)what;

    snprintf(detail, sizeof detail, "no answer from the DNS for %s in time", r->host);
    finish(r, RELAY_DNS_FAILED, detail);
}

static struct endpoint endpoint_of(const struct relay_check_plan *plan)
{
    struct endpoint e = { .port = plan->port };
    struct address literal;

    snprintf(e.host, sizeof e.host, "%s", plan->host);
    e.is_literal = address_parse(e.host, e.port, &literal);
    return e;
}

struct relay_check *relay_check_start(struct event_base *base, struct dns *dns,
                                      const struct relay_check_plan *plan,
                                      relay_check_done *callback, void *context)
{
    struct relay_check *r = memory_zero(1, sizeof *r);
    struct endpoint endpoint = endpoint_of(plan);

    r->base = base;
    r->dns = dns;
    r->plan = *plan;
    r->plan.trust = tls_trust_hold(plan->trust);
    r->host = memory_copy(plan->host);
    r->username = plan->username != NULL ? memory_copy(plan->username) : NULL;
    r->password_file = plan->password_file != NULL ? memory_copy(plan->password_file) : NULL;
    r->started_ms = clock_mono_ms();
    r->callback = callback;
    r->context = context;
    r->timer = deadline_timer(base, on_timer, r);
    deadline_arm(r->timer, plan->deadline_ms);
    r->query = dns_resolve(dns, &endpoint, plan->families, on_addresses, r);
    return r;
}

void relay_check_stop(struct relay_check *r)
{
    if (r == NULL || r->in_callback)
        return;
    release(r);
    dispose(r);
}
