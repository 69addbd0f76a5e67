/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/reputation.h"

#include "daemon/probe/blocklist.h"
#include "daemon/probe/deadline.h"
#include "daemon/probe/domain_keys.h"
#include "daemon/probe/helo_name.h"
#include "daemon/probe/mail_policy.h"
#include "daemon/probe/own_address.h"
#include "daemon/probe/reverse_name.h"
#include "daemon/probe/sender_policy.h"
#include "daemon/probe/spf_includes.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

/* One examination and what came of it. */
struct entry {
    struct reputation *reputation;
    struct examination *examination; /* NULL once FINDING stands */
    struct finding finding;
    STAILQ_ENTRY(entry) next;
};

struct reputation {
    struct dns *dns;
    int64_t deadline_ms;
    struct event *timer; /* the deadline at first; then it delivers */
    unsigned families;
    struct probe_settings settings;
    char *sender_domain;
    char *dnsbl[REPUTATION_DNSBL_MAX], *selectors[REPUTATION_SELECTORS_MAX];
    char *relays[REPUTATION_RELAYS_MAX], *includes[REPUTATION_RELAYS_MAX];
    size_t dnsbl_count, selector_count, relay_count;

    STAILQ_HEAD(, entry) entries;
    struct spf_includes *walk;
    size_t pending;            /* examinations, and the walk */
    bool is_waiting[FAMILIES]; /* for the address to be shown */
    struct reputation_result result;
    reputation_done *callback;
    void *context;
    bool is_finishing, in_callback;
};

/*
 * The end
 */

static bool waits(const struct reputation *r)
{
    return r->is_waiting[FAMILY_IPV4] || r->is_waiting[FAMILY_IPV6];
}

static void end_if_done(struct reputation *r)
{
    if (r->pending == 0 && !waits(r))
        deadline_soon(r->timer);
}

static void remove_entry(struct reputation *r, struct entry *entry)
{
    r->pending -= entry->examination != NULL;
    examination_stop(entry->examination);
    STAILQ_REMOVE(&r->entries, entry, entry, next);
    free(entry);
}

static void dispose(struct reputation *r)
{
    while (!STAILQ_EMPTY(&r->entries))
        remove_entry(r, STAILQ_FIRST(&r->entries));
    spf_includes_stop(r->walk);
    for (size_t i = 0; i < r->dnsbl_count; i++)
        free(r->dnsbl[i]);
    for (size_t i = 0; i < r->selector_count; i++)
        free(r->selectors[i]);
    for (size_t i = 0; i < r->relay_count; i++) {
        free(r->relays[i]);
        free(r->includes[i]);
    }
    free(r->sender_domain);
    event_free(r->timer);
    free(r);
}

/*
 * Findings
 */

static struct entry *add_entry(struct reputation *r, enum reputation_check check)
{
    struct entry *entry = memory_zero(1, sizeof *entry);

    entry->reputation = r;
    entry->finding.check = check;
    entry->finding.rating = REPUTATION_UNKNOWN;
    snprintf(entry->finding.detail, sizeof entry->finding.detail, "the DNS did not answer in time");
    STAILQ_INSERT_TAIL(&r->entries, entry, next);
    return entry;
}

static void on_finding(const struct finding *finding, void *context)
{
    struct entry *entry = context;

    entry->finding = *finding;
    entry->examination = NULL;
    entry->reputation->pending--;
    end_if_done(entry->reputation);
}

static struct examination_plan plan_for(struct entry *entry)
{
    struct reputation *r = entry->reputation;

    r->pending++;
    return (struct examination_plan){ r->dns, r->deadline_ms, on_finding, entry };
}

/* An entry for the address of FAMILY. */
static struct entry *add_for(struct reputation *r, enum reputation_check check, enum family family)
{
    struct entry *entry = add_entry(r, check);

    entry->finding.has_family = true;
    entry->finding.family = family;
    return entry;
}

/*
 * What hangs on the address
 */

static void examine_reverse_name(struct reputation *r, enum family family)
{
    struct entry *entry = add_for(r, REPUTATION_PTR, family);
    struct examination_plan plan = plan_for(entry);

    entry->examination = reverse_name_examine(&plan, &r->result.address[family]);
}

static void examine_helo_name(struct reputation *r, enum family family)
{
    struct entry *entry = add_for(r, REPUTATION_HELO, family);
    struct examination_plan plan = plan_for(entry);

    entry->examination =
        helo_name_examine(&plan, r->settings.helo_name, &r->result.address[family]);
}

static void examine_policy(struct reputation *r, enum family family, const char *domain,
                           bool is_helo)
{
    struct entry *entry = add_for(r, REPUTATION_SPF, family);
    struct examination_plan plan = plan_for(entry);

    entry->examination = sender_policy_examine(&plan, domain, is_helo, r->settings.helo_name,
                                               &r->result.address[family]);
}

static void examine_blocklist(struct reputation *r, enum family family, const char *zone)
{
    struct entry *entry = add_for(r, REPUTATION_DNSBL, family);
    struct examination_plan plan = plan_for(entry);

    entry->examination = blocklist_examine(&plan, zone, &r->result.address[family]);
}

static bool helo_name_is_usable(const struct reputation *r)
{
    return helo_name_fault(r->settings.helo_name) == NULL;
}

static void examine_address(struct reputation *r, enum family family)
{
    const char *domain = r->sender_domain, *helo = r->settings.helo_name;

    examine_reverse_name(r, family);
    if (helo_name_is_usable(r))
        examine_helo_name(r, family);
    if (domain != NULL)
        examine_policy(r, family, domain, false);
    if (helo_name_is_usable(r) && (domain == NULL || strcasecmp(domain, helo) != 0))
        examine_policy(r, family, helo, true);
    for (size_t i = 0; i < r->dnsbl_count; i++)
        examine_blocklist(r, family, r->dnsbl[i]);
}

static void drop_family(struct reputation *r, enum family family)
{
    struct entry *entry = STAILQ_FIRST(&r->entries), *next;

    for (; entry != NULL; entry = next) {
        next = STAILQ_NEXT(entry, next);
        if (entry->finding.has_family && entry->finding.family == family)
            remove_entry(r, entry);
    }
}

static void take_address(struct reputation *r, enum family family, const struct address *address)
{
    struct address bare = *address;

    address_set_port(&bare, 0);
    if (r->result.has_address[family] && address_equal(&r->result.address[family], &bare))
        return;
    drop_family(r, family);
    r->result.has_address[family] = true;
    r->result.address[family] = bare;
    r->is_waiting[family] = false;
    examine_address(r, family);
}

/*
 * What does not
 */

/* A name that is wrong in itself is wrong in both families; one that is right is looked up without
 * an address only where none is known in the end. */
static void examine_bare_helo_name(struct reputation *r)
{
    struct entry *entry = add_entry(r, REPUTATION_HELO);
    struct examination_plan plan = plan_for(entry);

    entry->examination = helo_name_examine(&plan, r->settings.helo_name, NULL);
}

static void examine_key(struct reputation *r, const char *selector)
{
    struct entry *entry = add_entry(r, REPUTATION_DKIM);
    struct examination_plan plan = plan_for(entry);

    entry->examination = domain_keys_examine(&plan, r->sender_domain, selector);
}

static void examine_mail_policy(struct reputation *r)
{
    struct entry *entry = add_entry(r, REPUTATION_DMARC);
    struct examination_plan plan = plan_for(entry);

    entry->examination = mail_policy_examine(&plan, r->sender_domain);
}

/* A relay may send under a domain of its own, so that SPF passes without being included; then it
 * does not count for DMARC. */
static void judge_relay(const struct reputation *r, const struct spf_includes_report *report,
                        size_t i, struct finding *out)
{
    bool is_admitted = spf_includes_has(report, r->includes[i]);
    const char *domain = r->sender_domain, *relay = r->relays[i];

    out->rating =
        is_admitted ? REPUTATION_OK
        : report->result == SPF_TEMPERROR || (report->result == SPF_PASS && !report->is_whole)
            ? REPUTATION_UNKNOWN
            : REPUTATION_WARNING;
    if (is_admitted)
        snprintf(out->detail, sizeof out->detail, "the SPF record of %s admits the relay %s (%s)",
                 domain, relay, r->includes[i]);
    else if (report->result != SPF_PASS)
        snprintf(out->detail, sizeof out->detail, "relay %s: %.300s", relay, report->detail);
    else
        snprintf(out->detail, sizeof out->detail,
                 "the SPF record of %s does not include %s, the relay %s's%s", domain,
                 r->includes[i], relay,
                 report->is_whole ? "" : ", as far as it could be looked up");
}

static void on_includes(const struct spf_includes_report *report, void *context)
{
    struct reputation *r = context;
    struct entry *entry;
    size_t i = 0;

    r->walk = NULL;
    STAILQ_FOREACH(entry, &r->entries, next)
    if (entry->finding.check == REPUTATION_RELAY_SPF)
        judge_relay(r, report, i++, &entry->finding);
    r->pending--;
    end_if_done(r);
}

static void examine_relays(struct reputation *r)
{
    for (size_t i = 0; i < r->relay_count; i++)
        add_entry(r, REPUTATION_RELAY_SPF);
    if (r->relay_count == 0)
        return;
    r->pending++;
    r->walk = spf_includes_start(r->dns, r->sender_domain, r->deadline_ms, on_includes, r);
}

static void examine_domain(struct reputation *r)
{
    if (!helo_name_is_usable(r))
        examine_bare_helo_name(r);
    if (r->sender_domain == NULL)
        return;
    examine_relays(r);
    for (size_t i = 0; i < r->selector_count; i++)
        examine_key(r, r->selectors[i]);
    if (r->selector_count == 0)
        examine_key(r, NULL);
    examine_mail_policy(r);
}

/*
 * Delivery
 */

static void note_nat(struct reputation *r, enum family family)
{
    struct entry *entry = add_for(r, REPUTATION_PTR, family);
    char text[ADDRESS_TEXT];

    address_text(&r->result.source[family], text);
    snprintf(entry->finding.detail, sizeof entry->finding.detail,
             "this host goes out from %s, a private address (NAT), and nobody has shown the public "
             "one",
             text);
}

static bool is_of(const struct finding *f, enum reputation_check check, int family)
{
    return f->check == check && (f->has_family ? (int)f->family : -1) == family;
}

/* What is still under way stays unknown, as the entry was made. The caller frees. */
static struct finding *sort_findings(const struct reputation *r, size_t *count)
{
    struct finding *sorted = NULL;
    const struct entry *entry;

    *count = 0;
    for (int check = 0; check < REPUTATION_CHECKS; check++)
        for (int family = -1; family < FAMILIES; family++)
            STAILQ_FOREACH(entry, &r->entries, next)
    if (is_of(&entry->finding, (enum reputation_check)check, family)) {
        sorted = memory_grow(sorted, *count + 1, sizeof *sorted);
        sorted[(*count)++] = entry->finding;
    }
    return sorted;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct reputation *r = context;
    (void)fd;
    (void)what;

    for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
        if (r->result.is_nat[family] && !r->result.has_address[family])
            note_nat(r, family);
    struct finding *findings = sort_findings(r, &r->result.count);
    r->result.findings = findings;
    r->in_callback = true;
    r->callback(&r->result, r->context);
    free(findings);
    dispose(r);
}

/*
 * The interface
 */

/* A private source leads through NAT: then the world sees another address, which a mail server may
 * show. A public one is what the world sees unless somebody shows another. */
static void find_address(struct reputation *r, const struct reputation_plan *plan,
                         enum family family)
{
    struct address source = plan->settings.source[family];

    if (plan->has_address[family]) {
        take_address(r, family, &plan->address[family]);
        return;
    }
    if (!plan->settings.has_source[family] && !own_address(family, &source))
        return;
    if (!address_is_private(&source)) {
        take_address(r, family, &source);
        return;
    }
    r->result.is_nat[family] = r->is_waiting[family] = true;
    r->result.source[family] = source;
}

static size_t copy_strings(char *out[], const char *const *strings, size_t count, size_t max)
{
    for (size_t i = 0; i < count && i < max; i++)
        out[i] = memory_copy(strings[i]);
    return count < max ? count : max;
}

static void copy_plan(struct reputation *r, const struct reputation_plan *plan)
{
    r->deadline_ms = plan->deadline_ms;
    r->families = plan->families;
    r->settings = plan->settings;
    r->sender_domain = plan->sender_domain != NULL ? memory_copy(plan->sender_domain) : NULL;
    r->dnsbl_count = copy_strings(r->dnsbl, plan->dnsbl, plan->dnsbl_count, REPUTATION_DNSBL_MAX);
    r->selector_count = copy_strings(r->selectors, plan->dkim_selectors, plan->dkim_selector_count,
                                     REPUTATION_SELECTORS_MAX);
    for (size_t i = 0; i < plan->relay_count && i < REPUTATION_RELAYS_MAX; i++) {
        r->relays[i] = memory_copy(plan->relays[i].name);
        r->includes[i] = memory_copy(plan->relays[i].spf_include);
        r->relay_count++;
    }
}

struct reputation *reputation_start(struct dns *dns, const struct reputation_plan *plan,
                                    reputation_done *callback, void *context)
{
    struct reputation *r = memory_zero(1, sizeof *r);

    r->dns = dns;
    r->callback = callback;
    r->context = context;
    STAILQ_INIT(&r->entries);
    r->timer = deadline_timer(dns_base(dns), on_timer, r);
    copy_plan(r, plan);
    deadline_arm(r->timer, r->deadline_ms);
    examine_domain(r);
    for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
        if (r->families & DNS_FAMILY(family))
            find_address(r, plan, family);
    end_if_done(r);
    return r;
}

void reputation_set_address(struct reputation *r, enum family family, const struct address *address)
{
    if (r->in_callback || address_family(address) != family || address_is_private(address) ||
        !(r->families & DNS_FAMILY(family)))
        return;
    take_address(r, family, address);
    deadline_arm(r->timer, r->deadline_ms); /* it may have been about to deliver */
    end_if_done(r);
}

void reputation_finish_soon(struct reputation *r, int64_t deadline_ms)
{
    bool knows_address = r->result.has_address[FAMILY_IPV4] || r->result.has_address[FAMILY_IPV6];

    if (r->in_callback)
        return;
    r->is_waiting[FAMILY_IPV4] = r->is_waiting[FAMILY_IPV6] = false;
    if (deadline_ms < r->deadline_ms)
        r->deadline_ms = deadline_ms;
    if (!knows_address && !r->is_finishing && helo_name_is_usable(r))
        examine_bare_helo_name(r);
    r->is_finishing = true;
    deadline_arm(r->timer, r->deadline_ms);
    end_if_done(r);
}

void reputation_stop(struct reputation *r)
{
    if (r != NULL && !r->in_callback)
        dispose(r);
}
