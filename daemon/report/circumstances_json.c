/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/circumstances_json.h"

#include "daemon/decide/trace.h"
#include "daemon/report/providers.h"
#include <stdio.h>

static json_t *address_json(const struct address *address)
{
    char text[ADDRESS_TEXT];

    if (address->len == 0)
        return json_null();
    address_text(address, text);
    return json_string(text);
}

static json_t *by_family(json_t *ipv4, json_t *ipv6)
{
    return json_pack("{s:o, s:o}", "ipv4", ipv4, "ipv6", ipv6);
}

/* Where it is blocked */

/* Only where nobody connects is it all one end that is looked for. */
static struct trace_conclusion conclude(const struct hop_trace_result *trace,
                                        const struct family_result *family)
{
    bool all = family->probed && family->verdict.connected == 0;

    return trace_decide(trace, all ? TRACE_OF_ALL : TRACE_OF_SOME);
}

static bool is_arrival(const struct hop_answer *answer)
{
    return answer->end == HOP_REACHED || answer->end == HOP_RESET;
}

/* Who answered; a SYN-ACK or a RST comes in the name of DESTINATION. */
static json_t *answer_json(const struct hop_answer *answer, const struct address *destination)
{
    return address_json(is_arrival(answer) ? destination : &answer->at);
}

static json_t *hop_json(size_t n, const struct hop *hop, const struct hop_trace_result *trace)
{
    return json_pack("{s:i, s:o, s:o}", "hop", (int)n, "port25",
                     answer_json(&hop->port25, &trace->address), "control",
                     answer_json(&hop->control, &trace->control));
}

/* Up to where the control arrives, or else the last hop from which anything came. */
static size_t hops_to_tell(const struct hop_trace_result *trace)
{
    size_t last = 0;

    for (size_t i = 0; i < trace->hop_count; i++) {
        const struct hop *hop = &trace->hops[i];
        if (hop_is_answered(&hop->port25) || hop_is_answered(&hop->control))
            last = i + 1;
        if (is_arrival(&hop->control))
            break;
    }
    return last;
}

static json_t *family_trace(const struct hop_trace_result *trace,
                            const struct family_result *family)
{
    struct trace_conclusion end = conclude(trace, family);
    json_t *hops = json_array();

    for (size_t i = 0; i < hops_to_tell(trace); i++)
        json_array_append_new(hops, hop_json(i + 1, &trace->hops[i], trace));
    return json_pack("{s:o, s:i, s:i, s:o, s:o, s:b, s:b, s:o}", "address",
                     address_json(&trace->address), "port", 25, "control_port",
                     (int)address_port(&trace->control), "last", address_json(&end.last.at), "next",
                     address_json(&end.next.at), "reached", trace->reached, "kept", trace->kept,
                     "hops", hops);
}

json_t *trace_json(const struct circumstances_seen *seen, const struct round_result *round)
{
    json_t *found[FAMILIES];

    for (int f = 0; f < FAMILIES; f++)
        found[f] =
            seen->traced[f] != 0 ? family_trace(&seen->trace[f], &round->family[f]) : json_null();
    return by_family(found[FAMILY_IPV4], found[FAMILY_IPV6]);
}

/* How this host looks */

static json_t *finding_json(const struct finding *f)
{
    return json_pack("{s:s, s:o, s:s, s:s}", "check", reputation_check_name(f->check), "family",
                     f->has_family ? json_string(family_name(f->family)) : json_null(), "result",
                     reputation_rating_name(f->rating), "detail", f->detail);
}

static json_t *public_address(const struct reputation_result *r, enum family family)
{
    return r->has_address[family] ? address_json(&r->address[family]) : json_null();
}

json_t *reputation_json(const struct circumstances_seen *seen)
{
    const struct reputation_result *r = &seen->reputation;
    json_t *findings;

    if (seen->reputation_at == 0)
        return json_null();
    findings = json_array();
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(findings, finding_json(&r->findings[i]));
    return json_pack("{s:o, s:o}", "address",
                     by_family(public_address(r, FAMILY_IPV4), public_address(r, FAMILY_IPV6)),
                     "findings", findings);
}

/* What works instead */

static json_t *words_json(const char *text)
{
    json_t *list = json_array();

    for (const char *end; *text != '\0'; text = *end == ' ' ? end + 1 : end) {
        end = strchrnul(text, ' ');
        json_array_append_new(list, json_stringn(text, (size_t)(end - text)));
    }
    return list;
}

static json_t *entry_json(const struct submission_entry *e)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:o, s:b, s:o, s:o, s:b, s:s}", "relay", e->relay,
                     "host", e->host, "port", (int)e->port, "state",
                     submission_state_name(e->state), "tls",
                     e->tls[0] != '\0' ? json_string(e->tls) : json_null(), "verified", e->verified,
                     "days_left", e->has_days_left ? json_integer(e->days_left) : json_null(),
                     "auth", words_json(e->auth), "attack", e->attack, "detail", e->detail);
}

json_t *submission_json(const struct circumstances_seen *seen)
{
    json_t *list;

    if (seen->submission_at == 0)
        return json_null();
    list = json_array();
    for (size_t i = 0; i < seen->submission.count; i++)
        json_array_append_new(list, entry_json(&seen->submission.entries[i]));
    return list;
}

/* Whose doing it is */

json_t *provider_json(const struct circumstances_seen *seen)
{
    return seen->is_recognised ? recognised_json(&seen->provider) : json_null();
}

static enum cause_place place_of(const struct trace_conclusion *end)
{
    switch (end->where) {
    case TRACE_HOST:
    case TRACE_FIRST_HOP:
        return PLACE_HERE;
    case TRACE_PROVIDER:
    case TRACE_PATH:
    case TRACE_FAR:
        return PLACE_BEHIND;
    case TRACE_OPEN:
        return PLACE_TARGET;
    case TRACE_UNKNOWN:
        break;
    }
    return PLACE_UNKNOWN;
}

/* What the kernel itself keeps back is kept by this host, by whatever means. */
static void keep_here(struct cause_evidence *e)
{
    if (e->rules == RULES_NONE)
        e->rules = RULES_UNKNOWN;
}

static void add_fate(struct cause_evidence *e, enum syn_fate fate)
{
    if (fate != SYN_KEPT)
        return;
    e->silent_at = PLACE_HERE;
    keep_here(e);
}

static void add_trace(struct cause_evidence *e, const struct hop_trace_result *trace,
                      const struct family_result *family)
{
    struct trace_conclusion end = conclude(trace, family);

    if ((end.how == TRACE_SILENTLY && end.where != TRACE_UNKNOWN) || end.where == TRACE_OPEN)
        e->silent_at = place_of(&end);
    if (end.how != TRACE_SILENTLY || end.where == TRACE_OPEN)
        e->refused_at = place_of(&end);
    e->forbidden_here = e->forbidden_here || end.how == TRACE_BY_KERNEL;
    if (end.where == TRACE_HOST)
        keep_here(e);
}

static enum cause family_cause(const struct round_result *round, enum family f,
                               const struct hop_trace_result *trace, enum cause_rules rules)
{
    const struct family_result *family = &round->family[f];
    const struct family_result *other =
        &round->family[f == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4];
    struct cause_evidence e = { .verdict = family->verdict.kind,
                                .rules = rules,
                                .controls_lost = family->verdict.loss > 0,
                                .dns_answers = other->probed && other->verdict.operators > 0 };

    for (size_t i = 0; i < round->target_count; i++)
        e.outcomes[family->targets[i].outcome]++;
    add_fate(&e, family->fate);
    if (trace != NULL)
        add_trace(&e, trace, family);
    return cause_decide(&e);
}

json_t *cause_json(const struct round_result *round, const struct circumstances_seen *seen,
                   const enum cause_rules rules[FAMILIES])
{
    json_t *causes[FAMILIES];

    for (int f = 0; f < FAMILIES; f++) {
        const struct hop_trace_result *trace = seen->traced[f] != 0 ? &seen->trace[f] : NULL;
        enum cause cause = round->family[f].probed
                               ? family_cause(round, (enum family)f, trace, rules[f])
                               : CAUSE_NONE;
        causes[f] = cause == CAUSE_NONE ? json_null() : json_string(cause_name(cause));
    }
    return by_family(causes[FAMILY_IPV4], causes[FAMILY_IPV6]);
}
