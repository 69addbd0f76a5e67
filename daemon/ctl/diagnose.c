/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/diagnose.h"

#include "daemon/ctl/ask_postfix.h"
#include "daemon/ctl/local_rules_json.h"
#include "daemon/ctl/watch.h"
#include "daemon/decide/trace.h"
#include "daemon/diagnosis/circumstances_means.h"
#include "daemon/diagnosis/diagnosis.h"
#include "daemon/report/check.h"
#include "daemon/report/translate.h"
#include "daemon/round/control_hosts.h"
#include "daemon/round/descriptors.h"
#include "daemon/round/identity.h"
#include "daemon/round/target_knowledge.h"
#include "lib/clock.h"
#include <string.h>
#include <unistd.h>

/* Everything that the diagnosis and its result refer to. */
struct means {
    struct identity identity;
    struct control_hosts controls;
    struct target_knowledge knowledge;
    struct circumstances_means circumstances;
};

struct run {
    struct event_base *base;
    struct diagnosis_result result;
};

/* Options stand above the configuration, and that above Postfix's own settings. */
static void find_identity(const struct diagnose_input *in, struct identity *out)
{
    const struct check_options *o = in->options;
    struct probe_config probe = in->config->probe;
    char answer[POSTFIX_ANSWER_MAX];
    struct postfix_identity postfix;

    if (o->helo != NULL)
        probe.helo_name = (char *)(uintptr_t)o->helo;
    if (o->source[FAMILY_IPV4] != NULL)
        probe.source_address = (char *)(uintptr_t)o->source[FAMILY_IPV4];
    if (o->source[FAMILY_IPV6] != NULL)
        probe.source_address6 = (char *)(uintptr_t)o->source[FAMILY_IPV6];
    ask_postfix(in->config->postfix.config_directory, answer, &postfix);
    identity_make(&probe, &postfix, out);
    for (int f = 0; f < FAMILIES && o->family != 0; f++)
        out->families[f] = o->family == (f == FAMILY_IPV4 ? 4 : 6);
}

/* One alone can never be a block. */
static size_t quorum_of(const struct diagnose_input *in, size_t targets)
{
    size_t quorum = (size_t)in->config->probe.quorum, most = targets < 2 ? 2 : targets;

    return in->options->has_targets && quorum > most ? most : quorum;
}

static struct round_plan plan_round(const struct diagnose_input *in, struct means *m)
{
    const struct check_options *o = in->options;
    const struct probe_config *probe = &in->config->probe;
    struct round_plan plan = { .targets = o->has_targets ? o->targets : probe->targets,
                               .target_count =
                                   o->has_targets ? o->target_count : probe->target_count,
                               .timeout_ms =
                                   (o->timeout != 0 ? o->timeout : probe->timeout) * INT64_C(1000),
                               .settings = m->identity.settings };

    plan.quorum = quorum_of(in, plan.target_count);
    memcpy(plan.families, m->identity.families, sizeof plan.families);
    control_hosts_collect(in->config, in->relays, &m->controls);
    plan.control_hosts = m->controls.hosts;
    plan.control_host_count = m->controls.count;
    target_knowledge_collect(in->config, plan.targets, plan.target_count, NULL, &m->knowledge);
    target_knowledge_fill_in(&m->knowledge, &plan);
    return plan;
}

static struct circumstances_plan plan_circumstances(const struct diagnose_input *in,
                                                    struct means *m)
{
    const struct check_options *o = in->options;

    circumstances_means_collect(in->config, in->relays, &m->identity, m->knowledge.trust,
                                &m->circumstances);
    struct circumstances_plan plan = circumstances_means_plan(&m->circumstances);
    plan.trace = !o->no_trace;
    if (o->no_submission)
        plan.submission = NULL;
    if (o->no_reputation)
        plan.reputation = NULL;
    return plan;
}

static void ended(const struct diagnosis_result *result, void *context)
{
    struct run *run = context;

    run->result = *result;
    event_base_loopbreak(run->base);
}

static struct dns *run_diagnosis(const struct diagnose_input *in, struct means *m, struct run *run)
{
    struct diagnosis_plan plan = { .round = plan_round(in, m) };
    struct dns *dns = dns_new(run->base);

    plan.circumstances = plan_circumstances(in, m);
    descriptors_raise(round_descriptors(plan.round.target_count));
    struct watch *watch = in->live ? watch_start(run->base, STDOUT_FILENO, &plan.round) : NULL;
    diagnosis_start(run->base, dns, &plan, ended, run);
    event_base_dispatch(run->base);
    watch_stop(watch);
    return dns;
}

/* Whether the connections or the trace show that packets do not leave this host. */
static bool keeps_packets(const struct check_input *check, enum family family)
{
    const struct circumstances_seen *seen = check->seen;

    return check->round->family[family].fate == SYN_KEPT ||
           (seen->traced[family] != 0 &&
            trace_decide(&seen->trace[family], TRACE_OF_ALL).where == TRACE_HOST);
}

static void look_at_rules(struct check_input *check)
{
    struct local_rules rules;

    if (!round_has_verdict(check->round,
                           VERDICT_SET(VERDICT_BLOCKED) | VERDICT_SET(VERDICT_UNSTABLE)))
        return;
    local_rules_look(false, clock_mono_ms() + LOCAL_RULES_MS, &rules);
    check->local_rules = local_rules_json(&rules);
    for (int f = 0; f < FAMILIES; f++)
        check->rules[f] =
            local_rules_verdict(&rules, (enum family)f, keeps_packets(check, (enum family)f));
}

json_t *diagnose(const struct diagnose_input *in)
{
    struct run run = { .base = event_base_new() };
    struct means means;
    locale_t before = english_begin();

    find_identity(in, &means.identity);
    struct dns *dns = run_diagnosis(in, &means, &run);
    struct check_input check = { .round = run.result.round,
                                 .seen = circumstances_seen(run.result.circumstances),
                                 .ms = run.result.ms };
    look_at_rules(&check);
    json_t *document = check_json(&check);
    json_decref(check.local_rules);
    diagnosis_result_free(&run.result);
    dns_free(dns);
    event_base_free(run.base);
    circumstances_means_free(&means.circumstances);
    target_knowledge_free(&means.knowledge);
    control_hosts_free(&means.controls);
    english_end(before);
    return document;
}
