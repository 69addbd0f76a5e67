/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/spf.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/records.h"
#include "daemon/probe/spf_macro.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TERMS_MAX  10 /* that ask the DNS (4.6.4) */
#define VOIDS_MAX  2  /* of them, whose answer is empty */
#define NAMES_MAX  10 /* of one MX or PTR answer */
#define FRAMES_MAX (TERMS_MAX + 1)

/* The record of one domain, under evaluation; an include stacks the next one upon it. */
struct frame {
    char domain[HOST_MAX + 1];
    struct spf_record record;
    size_t at; /* the term that is next, or under way */
};

/* One of the lookups of a term. */
struct spf_lookup {
    struct spf_check *check;
    struct record_lookup *lookup; /* NULL once it has ended */
    char name[HOST_MAX + 1];
};

struct spf_check {
    struct dns *dns;
    struct event *timer; /* the deadline at first; then it delivers */
    struct address address;
    int64_t deadline_ms;
    char domain[HOST_MAX + 1];
    char *local, *helo_name;

    struct frame frames[FRAMES_MAX];
    size_t depth;
    char target[HOST_MAX + 1]; /* what the term under way asks for */
    struct spf_lookup lookups[NAMES_MAX];
    size_t pending;
    bool has_match, has_failure; /* of what the term has learnt so far */
    unsigned voids;

    char validated[NAMES_MAX][HOST_MAX + 1]; /* reverse names that lead back (5.5) */
    size_t validated_count;
    bool has_validated;

    spf_done *callback;
    void *context;
    struct spf_report report;
    bool is_over, in_callback;
};

/*
 * How a check ends
 */

static void stop_lookups(struct spf_check *c)
{
    for (size_t i = 0; i < NAMES_MAX; i++) {
        record_lookup_stop(c->lookups[i].lookup);
        c->lookups[i].lookup = NULL;
    }
    c->pending = 0;
}

static void pop(struct spf_check *c)
{
    spf_record_free(&c->frames[--c->depth].record);
}

/* The timer delivers. */
static void finish(struct spf_check *c, enum spf_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void finish(struct spf_check *c, enum spf_result result, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(c->report.detail, sizeof c->report.detail, format, args);
    va_end(args);
    c->report.result = result;
    c->is_over = true;
    stop_lookups(c);
    deadline_soon(c->timer);
}

static void dispose(struct spf_check *c)
{
    stop_lookups(c);
    while (c->depth > 0)
        pop(c);
    event_free(c->timer);
    free(c->local);
    free(c->helo_name);
    free(c);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct spf_check *c = context;
    (void)fd;
    (void)what;

    if (!c->is_over)
        finish(c, SPF_TEMPERROR, "the DNS did not answer in time");
    log_debug("spf %s: %s, %s", c->domain, spf_result_name(c->report.result), c->report.detail);
    c->in_callback = true;
    c->callback(&c->report, c->context);
    dispose(c);
}

/*
 * Asking
 */

static struct frame *top(struct spf_check *c)
{
    return &c->frames[c->depth - 1];
}

static const struct spf_term *term_under_way(struct spf_check *c)
{
    return &top(c)->record.terms[top(c)->at];
}

/* The next of the places for a term's lookups. */
static void ask(struct spf_check *c, const char *name, enum record_type type, record_done *callback)
{
    struct spf_lookup *l = &c->lookups[c->pending++];

    l->check = c;
    snprintf(l->name, sizeof l->name, "%s", name);
    l->lookup = record_lookup_start(c->dns, name, type, c->deadline_ms, callback, l);
}

static enum record_type address_type(const struct spf_check *c)
{
    return address_family(&c->address) == FAMILY_IPV4 ? RECORD_A : RECORD_AAAA;
}

/* Counts a term that asks the DNS; false when it is one too many. */
static bool may_ask(struct spf_check *c)
{
    if (c->report.lookups++ < TERMS_MAX)
        return true;
    finish(c, SPF_PERMERROR, "more than %d look-ups", TERMS_MAX);
    return false;
}

/* A lookup that found nothing; false when it is one too many. */
static bool may_be_void(struct spf_check *c, enum dns_status status)
{
    if ((status != DNS_NXDOMAIN && status != DNS_NODATA) || ++c->voids <= VOIDS_MAX)
        return true;
    finish(c, SPF_PERMERROR, "more than %d look-ups that find nothing, %s the last", VOIDS_MAX,
           c->target);
    return false;
}

static bool is_failure(enum dns_status status)
{
    return status != DNS_OK && status != DNS_NXDOMAIN && status != DNS_NODATA &&
           status != DNS_UNUSABLE;
}

static bool holds_address(const struct spf_check *c, const struct record_answer *answer,
                          unsigned prefix)
{
    bool is_address = answer->type == address_type(c);

    for (size_t i = 0; is_address && i < answer->count; i++)
        if (spf_network_holds(&answer->records[i].address, prefix, &c->address))
            return true;
    return false;
}

static unsigned prefix_of(struct spf_check *c)
{
    return term_under_way(c)->prefix[address_family(&c->address)];
}

/*
 * Evaluation
 */

static void evaluate(struct spf_check *c);

/* A record came to a result of its own: the end, or what the include above makes of it (5.2). */
static void leave_frame(struct spf_check *c, enum spf_result result)
{
    while (c->depth > 1 && result == SPF_PASS) {
        pop(c);
        result = term_under_way(c)->result;
    }
    if (c->depth > 1) {
        pop(c);
        top(c)->at++;
        return;
    }
    char detail[SPF_DETAIL];
    memcpy(detail, c->report.detail, sizeof detail);
    finish(c, result, "%s", detail);
}

static void matched(struct spf_check *c)
{
    const struct spf_term *term = term_under_way(c);

    snprintf(c->report.detail, sizeof c->report.detail, "%.100s in the record of %s", term->text,
             top(c)->domain);
    leave_frame(c, term->result);
}

/* The term's lookups have ended. */
static void term_answered(struct spf_check *c)
{
    if (c->has_match)
        matched(c);
    else if (c->has_failure)
        finish(c, SPF_TEMPERROR, "the DNS failed for %s, which %.100s in the record of %s asks for",
               c->target, term_under_way(c)->text, top(c)->domain);
    else
        top(c)->at++;
    evaluate(c);
}

/* The check that LOOKUP belonged to, with one lookup less. */
static struct spf_check *ended(struct spf_lookup *l)
{
    l->lookup = NULL;
    l->check->pending--;
    return l->check;
}

static void on_address(const struct record_answer *answer, void *context)
{
    struct spf_check *c = ended(context);

    if (!may_be_void(c, answer->status))
        return;
    c->has_failure = is_failure(answer->status);
    c->has_match = holds_address(c, answer, prefix_of(c));
    term_answered(c);
}

static void on_exists(const struct record_answer *answer, void *context)
{
    struct spf_check *c = ended(context);

    if (!may_be_void(c, answer->status))
        return;
    c->has_failure = is_failure(answer->status);
    c->has_match = answer->status == DNS_OK;
    term_answered(c);
}

static void on_mx_host(const struct record_answer *answer, void *context)
{
    struct spf_check *c = ended(context);

    c->has_failure = c->has_failure || is_failure(answer->status);
    c->has_match = c->has_match || holds_address(c, answer, prefix_of(c));
    if (c->pending == 0)
        term_answered(c);
}

static void on_mx(const struct record_answer *answer, void *context)
{
    struct spf_check *c = ended(context);

    if (!may_be_void(c, answer->status))
        return;
    if (answer->count > NAMES_MAX) {
        finish(c, SPF_PERMERROR, "%s has more than %d MX hosts", c->target, NAMES_MAX);
        return;
    }
    c->has_failure = is_failure(answer->status);
    for (size_t i = 0; i < answer->count; i++)
        if (answer->records[i].text[0] != '\0')
            ask(c, answer->records[i].text, address_type(c), on_mx_host);
    if (c->pending == 0)
        term_answered(c);
}

static bool is_at_or_below(const char *name, const char *domain)
{
    size_t len = strlen(name), end = strlen(domain);

    return len >= end && strcasecmp(name + len - end, domain) == 0 &&
           (len == end || name[len - end - 1] == '.');
}

/* "if any of the validated domain names is a subdomain of the target" (5.5). */
static bool ptr_fits(const struct spf_check *c)
{
    for (size_t i = 0; i < c->validated_count; i++)
        if (is_at_or_below(c->validated[i], c->target))
            return true;
    return false;
}

/* The reverse names are known: goes on with the term that wanted them. */
static void validated(struct spf_check *c)
{
    c->has_validated = true;
    evaluate(c);
}

/* A reverse name's own failure only leaves that name out. */
static void on_reverse_host(const struct record_answer *answer, void *context)
{
    const struct spf_lookup *l = context;
    struct spf_check *c = ended(context);

    if (holds_address(c, answer, address_family(&c->address) == FAMILY_IPV4 ? 32 : 128))
        snprintf(c->validated[c->validated_count++], sizeof c->validated[0], "%s", l->name);
    if (c->pending == 0)
        validated(c);
}

static void on_reverse(const struct record_answer *answer, void *context)
{
    struct spf_check *c = ended(context);

    for (size_t i = 0; i < answer->count && i < NAMES_MAX; i++)
        ask(c, answer->records[i].text, address_type(c), on_reverse_host);
    if (c->pending == 0)
        validated(c);
}

static void find_validated(struct spf_check *c)
{
    char name[RECORD_REVERSED + 16], reversed[RECORD_REVERSED];

    record_reversed(&c->address, reversed);
    snprintf(name, sizeof name, "%s.%s.arpa", reversed,
             address_family(&c->address) == FAMILY_IPV4 ? "in-addr" : "ip6");
    ask(c, name, RECORD_PTR, on_reverse);
}

/* The name for %{p}: the domain itself, else one below it, else any (7.3). */
static const char *validated_name(struct spf_check *c)
{
    const char *best = c->validated_count > 0 ? c->validated[0] : "unknown";

    for (size_t i = c->validated_count; i-- > 0;)
        if (is_at_or_below(c->validated[i], top(c)->domain))
            best = c->validated[i];
    for (size_t i = 0; i < c->validated_count; i++)
        if (strcasecmp(c->validated[i], top(c)->domain) == 0)
            best = c->validated[i];
    return best;
}

/* SPEC's name into c->target; the domain itself without one. An empty target fits nothing. */
static void expand(struct spf_check *c, const char *spec)
{
    const struct spf_values values = {
        .address = c->address,
        .local = c->local,
        .sender_domain = c->domain,
        .domain = top(c)->domain,
        .helo_name = c->helo_name,
        .validated = validated_name(c),
    };

    if (spec == NULL)
        snprintf(c->target, sizeof c->target, "%s", top(c)->domain);
    else
        spf_macro_expand(spec, &values, c->target);
}

static bool wants_validated(const struct spf_check *c, const char *spec)
{
    return !c->has_validated && spec != NULL && spf_macro_wants_validated(spec);
}

/* The record of DOMAIN goes upon the stack. */
static void open_frame(struct spf_check *c, const char *domain);

static void include(struct spf_check *c)
{
    if (may_ask(c))
        open_frame(c, c->target);
}

static void start_lookups(struct spf_check *c, const struct spf_term *term)
{
    c->has_match = c->has_failure = false;
    if (!may_ask(c))
        return;
    if (term->mechanism == SPF_A)
        ask(c, c->target, address_type(c), on_address);
    else if (term->mechanism == SPF_MX)
        ask(c, c->target, RECORD_MX, on_mx);
    else
        ask(c, c->target, RECORD_A, on_exists); /* of either family: "the lookup type is A" (5.7) */
}

static void match_ptr(struct spf_check *c)
{
    if (!may_ask(c))
        return;
    if (ptr_fits(c))
        matched(c);
    else
        top(c)->at++;
}

static void match_network(struct spf_check *c, const struct spf_term *term)
{
    if (spf_network_holds(&term->network, term->prefix[address_family(&term->network)],
                          &c->address))
        matched(c);
    else
        top(c)->at++;
}

/* Takes the next term; either it is done with when this returns, or lookups are under way. */
static void take_term(struct spf_check *c)
{
    const struct spf_term *term = term_under_way(c);

    if (wants_validated(c, term->domain) || (term->mechanism == SPF_PTR && !c->has_validated)) {
        find_validated(c);
        return;
    }
    expand(c, term->domain);
    switch (term->mechanism) {
    case SPF_ALL:
        matched(c);
        break;
    case SPF_INCLUDE:
        include(c);
        break;
    case SPF_A:
    case SPF_MX:
    case SPF_EXISTS:
        start_lookups(c, term);
        break;
    case SPF_PTR:
        match_ptr(c);
        break;
    case SPF_IP4:
    case SPF_IP6:
        match_network(c, term);
        break;
    }
}

/* Every term has been tried: another record in the place of this one, or no opinion (4.7). */
static void end_of_record(struct spf_check *c)
{
    const char *redirect = top(c)->record.redirect;

    if (redirect == NULL) {
        snprintf(c->report.detail, sizeof c->report.detail,
                 "no term in the record of %s fits the address", top(c)->domain);
        leave_frame(c, SPF_NEUTRAL);
    } else if (wants_validated(c, redirect)) {
        find_validated(c);
    } else if (may_ask(c)) {
        expand(c, redirect);
        pop(c);
        open_frame(c, c->target);
    }
}

/* Goes on until something has to be waited for. */
static void evaluate(struct spf_check *c)
{
    while (!c->is_over && c->pending == 0)
        if (top(c)->at < top(c)->record.count)
            take_term(c);
        else
            end_of_record(c);
}

/*
 * Records
 */

/* No record where one has to be: that of an include or redirect (5.2, 6.1). */
static void no_record(struct spf_check *c, const char *domain)
{
    if (c->report.lookups == 0)
        finish(c, SPF_NONE, "%s has no SPF record", domain);
    else
        finish(c, SPF_PERMERROR, "%s has no SPF record, which that of %s leads to", domain,
               c->domain);
}

/* The one SPF record among the texts; more than one of them is an error (4.5). */
static const struct record *find_record(const struct record_answer *answer, size_t *count)
{
    const struct record *found = NULL;

    *count = 0;
    for (size_t i = 0; i < answer->count; i++)
        if (spf_record_is(answer->records[i].text, strlen(answer->records[i].text))) {
            found = &answer->records[i];
            (*count)++;
        }
    return found;
}

static void take_record(struct spf_check *c, const struct record *record, const char *domain)
{
    struct frame *frame = &c->frames[c->depth];
    char why[128];

    if (record->is_odd || record->is_cut)
        finish(c, SPF_PERMERROR, "the record of %s is %s", domain,
               record->is_odd ? "not printable ASCII" : "too long");
    else if (spf_record_parse(record->text, strlen(record->text), &frame->record, why,
                              sizeof why) == -1)
        finish(c, SPF_PERMERROR, "%s, in the record of %s", why, domain);
    else {
        snprintf(frame->domain, sizeof frame->domain, "%s", domain);
        frame->at = 0;
        c->depth++;
        evaluate(c);
    }
}

static void on_record(const struct record_answer *answer, void *context)
{
    struct spf_check *c = ended(context);
    size_t count;
    const struct record *record = find_record(answer, &count);

    if (is_failure(answer->status))
        finish(c, SPF_TEMPERROR, "%s", answer->detail);
    else if (count == 0)
        no_record(c, answer->name);
    else if (count > 1)
        finish(c, SPF_PERMERROR, "%s has more than one SPF record", answer->name);
    else
        take_record(c, record, answer->name);
}

static void open_frame(struct spf_check *c, const char *domain)
{
    ask(c, domain, RECORD_TXT, on_record);
}

/*
 * The interface
 */

static char *copy_or(const char *text, const char *fallback)
{
    return memory_copy(text != NULL && text[0] != '\0' ? text : fallback);
}

struct spf_check *spf_check_start(struct dns *dns, const struct spf_plan *plan, spf_done *callback,
                                  void *context)
{
    struct spf_check *c = memory_zero(1, sizeof *c);

    c->dns = dns;
    c->address = plan->address;
    c->deadline_ms = plan->deadline_ms;
    c->callback = callback;
    c->context = context;
    c->local = copy_or(plan->local, "postmaster");
    c->helo_name = copy_or(plan->helo_name, plan->domain);
    snprintf(c->domain, sizeof c->domain, "%s", plan->domain);
    c->timer = deadline_timer(dns_base(dns), on_timer, c);
    deadline_arm(c->timer, plan->deadline_ms);
    /* "If the <domain> is malformed ... or is not a multi-label domain name" (4.3). */
    if (!hostname_valid(plan->domain) || strchr(plan->domain, '.') == NULL)
        finish(c, SPF_NONE, "not the name of a domain");
    else
        open_frame(c, c->domain);
    return c;
}

void spf_check_stop(struct spf_check *c)
{
    if (c != NULL && !c->in_callback)
        dispose(c);
}
