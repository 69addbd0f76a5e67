/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * detourctl check: the daemon's own round, once, in this process. Needs no root, no daemon and no
 * configuration; where there is one, its targets and relays are used.
 */
#include "daemon/report/check.h"
#include "daemon/control_hosts.h"
#include "daemon/ctl/ask_postfix.h"
#include "daemon/ctl/check_options.h"
#include "daemon/ctl/command.h"
#include "daemon/descriptors.h"
#include "daemon/ctl/terminal.h"
#include "daemon/identity.h"
#include "daemon/report/translate.h"
#include "daemon/round.h"
#include "daemon/target_knowledge.h"
#include "lib/config.h"
#include "lib/memory.h"
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
    struct check_options options;
    struct config *config;
    struct relay_catalogue *catalogue;
    struct event_base *base;
    struct round_result *result;
};

static void print_complaints(struct complaints *complaints)
{
    const char *line;

    for (size_t i = 0; (line = complaints_line(complaints, i, NULL)) != NULL; i++)
        fprintf(stderr, "%s\n", line);
}

/* A configuration is used where there is one; only a named one must be there. */
static int load_config(struct check *check, const struct ctl *ctl)
{
    struct complaints *complaints = complaints_new();

    if (ctl->config_given || access(ctl->config_path, R_OK) == 0)
        check->config = config_load(ctl->config_path, complaints);
    else
        check->config = config_defaults();
    print_complaints(complaints);
    complaints_free(complaints);
    return check->config != NULL ? 0 : EXIT_UNKNOWN;
}

/* Without its catalogue, check has fewer controls, and no reason to give up. */
static void load_catalogue(struct check *check)
{
    struct complaints *complaints = complaints_new();

    check->catalogue = relay_catalogue_load(check->config->catalogue_directory, complaints);
    complaints_free(complaints);
}

/* Options stand above the configuration, and that above Postfix's own settings. */
static void set_identity(struct check *check, struct round_plan *plan)
{
    const struct check_options *o = &check->options;
    struct probe_config probe = check->config->probe;
    char answer[POSTFIX_ANSWER_MAX];
    struct postfix_identity postfix;
    struct identity id;

    if (o->helo != NULL)
        probe.helo_name = (char *)o->helo;
    if (o->source[FAMILY_IPV4] != NULL)
        probe.source_address = (char *)o->source[FAMILY_IPV4];
    if (o->source[FAMILY_IPV6] != NULL)
        probe.source_address6 = (char *)o->source[FAMILY_IPV6];
    ask_postfix(check->config->postfix.config_directory, answer, &postfix);
    identity_make(&probe, &postfix, &id);
    plan->settings = id.settings;
    for (int f = 0; f < FAMILIES; f++)
        plan->families[f] =
            o->family == 0 ? id.families[f] : o->family == (f == FAMILY_IPV4 ? 4 : 6);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void make_plan(struct check *check, struct round_plan *plan)
{
    const struct probe_config *probe = &check->config->probe;
    const struct check_options *o = &check->options;

    plan->targets = o->has_targets ? o->targets : probe->targets;
    plan->target_count = o->has_targets ? o->target_count : probe->target_count;
    plan->quorum = (size_t)probe->quorum;
    if (o->has_targets) /* one alone can never be a block */
        plan->quorum = min_size(plan->quorum, plan->target_count < 2 ? 2 : plan->target_count);
    plan->timeout_ms = (o->timeout != 0 ? o->timeout : probe->timeout) * INT64_C(1000);
    set_identity(check, plan);
}

static void round_ended(struct round_result *result, void *context)
{
    struct check *check = context;

    check->result = result;
    event_base_loopbreak(check->base);
}

static void run_round(struct check *check)
{
    struct round_plan plan = { 0 };
    struct control_hosts controls;
    struct target_knowledge knowledge;

    make_plan(check, &plan);
    control_hosts_collect(check->config, check->catalogue, &controls);
    plan.control_hosts = controls.hosts;
    plan.control_host_count = controls.count;
    target_knowledge_collect(check->config, plan.targets, plan.target_count, NULL, &knowledge);
    target_knowledge_fill_in(&knowledge, &plan);
    descriptors_raise(round_descriptors(plan.target_count));
    check->base = event_base_new();
    struct dns *dns = dns_new(check->base);
    round_start(check->base, dns, &plan, round_ended, check);
    event_base_dispatch(check->base);
    dns_free(dns);
    event_base_free(check->base);
    target_knowledge_free(&knowledge);
    control_hosts_free(&controls);
}

static char *text_of(const json_t *document, enum check_form form)
{
    struct layout layout = terminal_layout(STDOUT_FILENO);

    if (form == CHECK_QUIET)
        return memory_copy("");
    if (form == CHECK_NAGIOS)
        return check_nagios(document);
    if (form == CHECK_TEXT)
        return check_text(document, &layout);
    char *line = json_dumps(document, JSON_COMPACT);
    char *text = memory_format("%s\n", line != NULL ? line : "");
    free(line);
    return text;
}

static int print_result(const struct check *check)
{
    json_t *document = check_json(check->result);
    int code = (int)json_integer_value(json_object_get(document, "exit"));
    char *text = text_of(document, check->options.form);

    fputs(text, stdout);
    free(text);
    json_decref(document);
    return code;
}

static void release(struct check *check)
{
    round_result_free(check->result);
    relay_catalogue_free(check->catalogue);
    config_free(check->config);
    check_options_free(&check->options);
}

int command_check(const struct ctl *ctl, int argc, char *argv[])
{
    struct check check = { 0 };
    int code;

    if (check_options_parse(&check.options, argc, argv, &code) &&
        (code = load_config(&check, ctl)) == 0) {
        /* What is seen goes into a document; that is English. */
        locale_t before = english_begin();
        load_catalogue(&check);
        run_round(&check);
        english_end(before);
        code = print_result(&check);
    }
    release(&check);
    return code;
}
