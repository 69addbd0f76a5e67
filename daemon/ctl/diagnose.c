/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/diagnose.h"

#include "daemon/control_hosts.h"
#include "daemon/ctl/ask_postfix.h"
#include "daemon/identity.h"
#include "daemon/probe/host_facts.h"
#include "daemon/report/check.h"
#include "daemon/report/providers.h"
#include "daemon/round.h"
#include <event2/event.h>
#include <string.h>

struct run {
    struct event_base *base;
    struct round_result *result;
};

static void round_ended(struct round_result *result, void *context)
{
    struct run *run = context;

    run->result = result;
    event_base_loopbreak(run->base);
}

static struct round_result *run_round(const struct config *config,
                                      const struct relay_catalogue *relays)
{
    struct run run = { .base = event_base_new() };
    char answer[POSTFIX_ANSWER_MAX];
    struct postfix_identity postfix;
    struct control_hosts controls;
    struct identity id;

    ask_postfix(config->postfix.config_directory, answer, &postfix);
    identity_make(&config->probe, &postfix, &id);
    control_hosts_collect(config, relays, &controls);
    struct round_plan plan = {
        .targets = config->probe.targets,
        .target_count = config->probe.target_count,
        .quorum = (size_t)config->probe.quorum,
        .timeout_ms = config->probe.timeout * INT64_C(1000),
        .settings = id.settings,
        .control_hosts = controls.hosts,
        .control_host_count = controls.count,
    };
    memcpy(plan.families, id.families, sizeof plan.families);
    struct dns *dns = dns_new(run.base);
    round_start(run.base, dns, &plan, round_ended, &run);
    event_base_dispatch(run.base);
    dns_free(dns);
    event_base_free(run.base);
    control_hosts_free(&controls);
    return run.result;
}

/* Without its catalogue, a provider stays unnamed. */
static json_t *provider_of_this_host(const struct config *config)
{
    struct complaints *ignored = complaints_new();
    struct provider_catalogue *catalogue =
        provider_catalogue_load(config->catalogue_directory, ignored);
    struct recognised recognised;
    struct machine machine;
    json_t *provider = NULL;

    host_facts_read("", &machine);
    if (catalogue != NULL && provider_recognise(catalogue, &machine, NULL, 0, &recognised))
        provider = recognised_json(&recognised);
    provider_catalogue_free(catalogue);
    complaints_free(ignored);
    return provider != NULL ? provider : json_null();
}

json_t *diagnose(const struct config *config, const struct relay_catalogue *relays)
{
    struct round_result *result = run_round(config, relays);
    json_t *document = check_json(result);

    json_object_set_new(document, "provider", provider_of_this_host(config));
    round_result_free(result);
    return document;
}
