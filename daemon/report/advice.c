/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/advice.h"

#include "daemon/report/advice_steps.h"

#include "daemon/report/member.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

static void set_copy(json_t *object, const char *key, const json_t *value)
{
    json_object_set_new(object, key, value != NULL ? json_deep_copy(value) : json_null());
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* Whether mail is stopped or held up, and not just unproved. */
static bool is_bad(const char *name)
{
    static const char *const names[] = { "blocked", "intercepted", "unstable",
                                         "remote",  "reputation",  NULL };

    return is_one_of(name, names);
}

static bool is_shut(const struct adviser *a)
{
    return strcmp(a->name, "blocked") == 0 || strcmp(a->name, "intercepted") == 0;
}

/* IPv4 decides, since most mail hosts have no IPv6 address; where all is well there, the other is
 * looked at. */
static void choose_family(struct adviser *a)
{
    const json_t *verdict = json_object_get(a->in->document, "verdict");
    const json_t *v4 = json_object_get(verdict, "ipv4"), *v6 = json_object_get(verdict, "ipv6");
    bool other =
        !json_is_object(v4) || (strcmp(word(v4, "name"), "open") == 0 && is_bad(word(v6, "name")));

    a->family = other && json_is_object(v6) ? "ipv6" : "ipv4";
    a->verdict = json_object_get(verdict, a->family);
    a->name = word(a->verdict, "name");
}

/* What a verdict alone makes likely, where nobody has looked closer. */
static const char *likely_cause(const char *verdict)
{
    static const struct {
        const char *verdict, *cause;
    } likely[] = {
        { "blocked", "provider" },      { "intercepted", "proxy" }, { "unstable", "path" },
        { "remote", "recipient" },      { "offline", "network" },   { "open", "none" },
        { "reputation", "reputation" },
    };

    for (size_t i = 0; i < sizeof likely / sizeof likely[0]; i++)
        if (strcmp(verdict, likely[i].verdict) == 0)
            return likely[i].cause;
    return "unknown";
}

static void find_cause(struct adviser *a)
{
    const char *cause = json_string_value(advice_of_family(a, "cause"));

    a->cause = cause != NULL ? cause : likely_cause(a->name);
    if (cause == NULL && strcmp(a->cause, "unknown") == 0 && json_is_object(a->verdict) &&
        json_integer_value(json_object_get(a->verdict, "operators")) == 0)
        a->cause = "dns";
    a->provider = json_object_get(a->in->document, "provider");
    if (!json_is_object(a->provider))
        a->provider = NULL;
}

/* Whoever closes the port */

static void wait_step(struct adviser *a, const json_t *hours)
{
    int64_t most = json_integer_value(json_array_get(hours, 1));
    char until[CLOCK_TEXT];

    if (json_array_size(hours) != 2 || most <= 0)
        return;
    json_t *step = advice_step(a, "wait");
    clock_text(a->in->now + most * 3600, until);
    json_object_set_new(step, "hours", json_deep_copy(hours));
    json_object_set_new(step, "until", json_string(until));
}

static void ask_provider(struct adviser *a)
{
    static const char *const keys[] = { "possible", "how", "needs", "url", "source", "date" };
    const json_t *lift = json_object_get(a->provider, "lift");

    if (strcmp(word(lift, "possible"), "no") == 0) {
        set_copy(advice_step(a, "not-opened"), "title", json_object_get(a->provider, "title"));
        return;
    }
    wait_step(a, json_object_get(lift, "hours"));
    json_t *step = advice_step(a, "ask");
    json_object_set_new(step, "whom", json_string("provider"));
    set_copy(step, "title", json_object_get(a->provider, "title"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        set_copy(step, keys[i], json_object_get(lift, keys[i]));
}

static void ask_firewall(struct adviser *a)
{
    json_t *step = advice_step(a, "ask");

    json_object_set_new(step, "whom", json_string("firewall"));
    set_copy(step, "hop", json_object_get(advice_of_family(a, "trace"), "next"));
}

/* One that lets some through has no rule against the port, but too little room. */
static void firewall_steps(struct adviser *a)
{
    if (strcmp(a->name, "unstable") == 0) {
        advice_step(a, "look-at-conntrack");
        advice_step(a, "look-at-limits");
        advice_step(a, "check-again");
        return;
    }
    if (!json_is_array(json_object_get(a->in->document, "local_rules")))
        advice_step(a, "look-as-root");
    ask_firewall(a);
}

static void add_command(json_t *step, char *command)
{
    json_t *commands = json_object_get(step, "commands");

    if (commands == NULL) {
        commands = json_array();
        json_object_set_new(step, "commands", commands);
    }
    json_array_append_new(commands, json_string(command));
    free(command);
}

static bool is_policy(const json_t *rule)
{
    return strncmp(word(rule, "rule"), "policy ", 7) == 0;
}

static void nft_removal(json_t *step, const json_t *rule)
{
    const char *family = word(rule, "family"), *table = word(rule, "table");
    const char *chain = word(rule, "chain");

    if (is_policy(rule)) {
        add_command(
            step, memory_format("nft add rule %s %s %s tcp dport 25 accept", family, table, chain));
        return;
    }
    add_command(step, memory_format("nft --handle list chain %s %s %s", family, table, chain));
    add_command(step,
                memory_format("nft delete rule %s %s %s handle NUMBER", family, table, chain));
}

/* By the tool that showed it: one of the two kinds of iptables knows nothing of the other's. */
static void iptables_removal(json_t *step, const json_t *rule)
{
    const char *tool = word(rule, "tool"), *chain = word(rule, "chain");
    const char *table = word(rule, "table");

    table = *table != '\0' ? table : "filter";
    if (is_policy(rule)) {
        add_command(
            step, memory_format("%s -t %s -A %s -p tcp --dport 25 -j ACCEPT", tool, table, chain));
        return;
    }
    add_command(step, memory_format("%s -t %s -nL %s --line-numbers", tool, table, chain));
    add_command(step, memory_format("%s -t %s -D %s NUMBER", tool, table, chain));
}

/* How to find the rule's number and take it out, or what stands above a policy. The rule itself
 * stands in no command: whoever made it may have put a comment into it that a shell would obey. */
static void removal(json_t *step, const json_t *rule)
{
    const char *tool = word(rule, "tool");

    if (strcmp(tool, "nft") == 0) {
        nft_removal(step, rule);
    } else if (strcmp(tool, "ufw") == 0 && is_policy(rule)) {
        add_command(step, memory_copy("ufw allow out 25/tcp"));
    } else if (strcmp(tool, "ufw") == 0) {
        add_command(step, memory_copy("ufw status numbered"));
        add_command(step, memory_copy("ufw delete NUMBER"));
    } else if (strcmp(tool, "firewalld") == 0) {
        add_command(step, memory_copy("firewall-cmd --direct --get-all-rules"));
        add_command(step, memory_copy("firewall-cmd --list-all-policies"));
    } else {
        iptables_removal(step, rule);
    }
}

static void remove_rules(struct adviser *a)
{
    json_t *rule;
    size_t i;

    json_array_foreach(json_object_get(a->in->document, "local_rules"), i, rule)
    {
        json_t *step = advice_step(a, "remove-rule");
        json_object_set_new(step, "rule", json_deep_copy(rule));
        removal(step, rule);
    }
    advice_step(a, "check-again");
}

/* What a mail operator holds against this host */

static void fix_findings(struct adviser *a)
{
    const json_t *reputation = json_object_get(a->in->document, "reputation");
    json_t *finding;
    size_t i, found = 0;

    json_array_foreach(json_object_get(reputation, "findings"), i, finding)
    {
        const char *result = word(finding, "result");
        if (strcmp(result, "bad") != 0 && strcmp(result, "warning") != 0)
            continue;
        json_t *step = advice_step(a, "fix");
        json_object_update(step, finding);
        found++;
    }
    if (found == 0)
        advice_step(a, "look-at-reputation");
}

static void look_at_recipients(struct adviser *a)
{
    json_t *outcome, *list = json_array();
    size_t i;

    json_array_foreach(json_object_get(a->verdict, "outcomes"), i,
                       outcome) if (strcmp(word(outcome, "outcome"), "open") != 0)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "target", word(outcome, "target"),
                                              "outcome", word(outcome, "outcome"), "detail",
                                              word(outcome, "detail")));
    json_object_set_new(advice_step(a, "ask-recipients"), "recipients", list);
    fix_findings(a);
    advice_step(a, "no-relay-for-one");
}

/* Steps that need no more than their name, by cause. */
static void plain_steps(struct adviser *a)
{
    static const char *const path[] = { "look-at-conntrack", "look-at-limits", "look-at-loss",
                                        "check-again", NULL };
    static const char *const network[] = { "look-at-link", "look-at-gateway", "relays-fail-too",
                                           "check-again", NULL };
    static const char *const dns[] = { "look-at-resolver", "look-at-names", "check-again", NULL };
    static const char *const none[] = { "nothing", "watch", NULL };
    static const char *const unknown[] = { "check-again", "more-targets", NULL };
    static const struct {
        const char *cause;
        const char *const *steps;
    } plain[] = { { "path", path }, { "network", network }, { "dns", dns }, { "none", none } };
    const char *const *steps = unknown;

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (strcmp(a->cause, plain[i].cause) == 0)
            steps = plain[i].steps;
    for (; *steps != NULL; steps++)
        advice_step(a, *steps);
}

/* Whether this is about IPv6 on a host whose mail leaves by IPv4 as well. */
static bool has_ipv4(const struct adviser *a)
{
    const json_t *verdict = json_object_get(a->in->document, "verdict");

    return strcmp(a->family, "ipv6") == 0 && json_is_object(json_object_get(verdict, "ipv4"));
}

static void make_steps(struct adviser *a)
{
    if (has_ipv4(a))
        add_command(advice_step(a, "prefer-ipv4"),
                    memory_copy("postconf -e smtp_address_preference=ipv4"));
    if (strcmp(a->cause, "local-rule") == 0)
        remove_rules(a);
    else if (strcmp(a->cause, "provider") == 0 || strcmp(a->cause, "proxy") == 0)
        ask_provider(a);
    else if (strcmp(a->cause, "firewall") == 0)
        firewall_steps(a);
    else if (strcmp(a->cause, "recipient") == 0)
        look_at_recipients(a);
    else if (strcmp(a->cause, "reputation") == 0)
        fix_findings(a);
    else
        plain_steps(a);
    if (strcmp(a->cause, "proxy") == 0)
        advice_step(a, "tls-helps");
    if (is_shut(a) && !has_ipv4(a) && strcmp(a->cause, "local-rule") != 0)
        advice_relays(a);
}

/* Nothing of this leaves by port 25. */
static json_t *unaffected(const struct adviser *a)
{
    return is_shut(a) ? json_pack("[s, s, s]", "inbound", "submission", "private") : json_array();
}

static void add_request(struct adviser *a, json_t *advice)
{
    static const char *const causes[] = { "provider", "proxy", "firewall", NULL };

    if (!is_shut(a) || !is_one_of(a->cause, causes)) {
        json_object_set_new(advice, "evidence", json_null());
        json_object_set_new(advice, "request", json_null());
        return;
    }
    json_t *evidence = advice_evidence(a);
    char *request = advice_request(evidence, false);
    json_object_set_new(advice, "evidence", evidence);
    json_object_set_new(advice, "request", json_string(request));
    free(request);
}

json_t *advice_json(const struct advice_input *input)
{
    struct adviser a = { .in = input, .steps = json_array() };

    choose_family(&a);
    find_cause(&a);
    make_steps(&a);
    json_t *advice = json_pack("{s:i, s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "schema", SCHEMA,
                               "summary", word(input->document, "summary"), "exit",
                               (int)json_integer_value(json_object_get(input->document, "exit")),
                               "family", a.family, "verdict", a.name, "cause", a.cause, "steps",
                               a.steps, "unaffected", unaffected(&a));
    set_copy(advice, "provider", a.provider);
    set_copy(advice, "trace", advice_of_family(&a, "trace"));
    add_request(&a, advice);
    return advice;
}
