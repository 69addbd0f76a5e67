/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/spf_includes.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/records.h"
#include "lib/memory.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct visit {
    struct spf_includes *walk;
    struct record_lookup *lookup; /* NULL once it has ended */
};

struct spf_includes {
    struct dns *dns;
    int64_t deadline_ms;
    struct event *timer;                   /* delivers */
    struct visit visits[SPF_INCLUDES_MAX]; /* of report.domains */
    size_t pending;
    spf_includes_done *callback;
    void *context;
    struct spf_includes_report report;
    bool in_callback;
};

bool spf_includes_has(const struct spf_includes_report *report, const char *domain)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcasecmp(report->domains[i], domain) == 0)
            return true;
    return false;
}

static void dispose(struct spf_includes *w)
{
    for (size_t i = 0; i < SPF_INCLUDES_MAX; i++)
        record_lookup_stop(w->visits[i].lookup);
    event_free(w->timer);
    free(w);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct spf_includes *w = context;
    (void)fd;
    (void)what;

    w->in_callback = true;
    w->callback(&w->report, w->context);
    dispose(w);
}

static void on_record(const struct record_answer *answer, void *context);

/* Each domain once, so that records which include each other come to an end. */
static void visit(struct spf_includes *w, const char *domain)
{
    struct spf_includes_report *r = &w->report;

    if (spf_includes_has(r, domain))
        return;
    if (r->count == SPF_INCLUDES_MAX || strlen(domain) > HOST_MAX || strchr(domain, '%') != NULL) {
        r->is_whole = false; /* what a macro stands for hangs on each message */
        return;
    }
    struct visit *v = &w->visits[r->count];
    char *name = r->domains[r->count++];
    snprintf(name, HOST_MAX + 1, "%s", domain);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    if (name[0] != '\0' && name[strlen(name) - 1] == '.')
        name[strlen(name) - 1] = '\0';
    v->walk = w;
    w->pending++;
    v->lookup = record_lookup_start(w->dns, name, RECORD_TXT, w->deadline_ms, on_record, v);
}

static void follow(struct spf_includes *w, const struct spf_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->terms[i].mechanism == SPF_INCLUDE)
            visit(w, record->terms[i].domain);
    if (record->redirect != NULL)
        visit(w, record->redirect);
}

/* What came of one domain's record; of the first one it is the result. */
static void note(struct spf_includes *w, const struct visit *v, enum spf_result result,
                 const char *what, const char *domain)
{
    w->report.is_whole = w->report.is_whole && result == SPF_PASS;
    if (v != w->visits)
        return;
    w->report.result = result;
    snprintf(w->report.detail, sizeof w->report.detail, "%s%s", domain, what);
}

static void take(struct spf_includes *w, const struct visit *v, const struct record *text,
                 const char *domain)
{
    struct spf_record record;
    char why[128], what[192];

    if (text->is_odd || text->is_cut ||
        spf_record_parse(text->text, strlen(text->text), &record, why, sizeof why) == -1) {
        snprintf(what, sizeof what, " has an SPF record with an error: %s",
                 text->is_odd || text->is_cut ? "it is no plain text" : why);
        note(w, v, SPF_PERMERROR, what, domain);
        return;
    }
    note(w, v, SPF_PASS, " has an SPF record", domain);
    follow(w, &record);
    spf_record_free(&record);
}

static void judge(struct spf_includes *w, const struct visit *v, const struct record_answer *a)
{
    const struct record *found = NULL;
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++)
        if (spf_record_is(a->records[i].text, strlen(a->records[i].text))) {
            found = &a->records[i];
            count++;
        }
    if (count == 1)
        take(w, v, found, a->name);
    else if (count > 1)
        note(w, v, SPF_PERMERROR, " has more than one SPF record", a->name);
    else if (a->status == DNS_OK || a->status == DNS_NXDOMAIN || a->status == DNS_NODATA ||
             a->status == DNS_UNUSABLE)
        note(w, v, SPF_NONE, " has no SPF record", a->name);
    else
        note(w, v, SPF_TEMPERROR, a->detail, "");
}

static void on_record(const struct record_answer *answer, void *context)
{
    struct visit *v = context;
    struct spf_includes *w = v->walk;

    v->lookup = NULL;
    judge(w, v, answer);
    if (--w->pending == 0)
        deadline_soon(w->timer);
}

struct spf_includes *spf_includes_start(struct dns *dns, const char *domain, int64_t deadline_ms,
                                        spf_includes_done *callback, void *context)
{
    struct spf_includes *w = memory_zero(1, sizeof *w);

    w->dns = dns;
    w->deadline_ms = deadline_ms;
    w->callback = callback;
    w->context = context;
    w->report.is_whole = true;
    w->report.result = SPF_NONE;
    w->timer = deadline_timer(dns_base(dns), on_timer, w);
    visit(w, domain);
    if (w->pending == 0)
        deadline_soon(w->timer);
    return w;
}

void spf_includes_stop(struct spf_includes *w)
{
    if (w != NULL && !w->in_callback)
        dispose(w);
}
