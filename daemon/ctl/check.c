/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * detourctl check: the daemon's own round, once, in this process. Needs no root, no daemon and no
 * configuration; where there is one, its targets and relays are used.
 */
#include "daemon/report/check.h"
#include "daemon/control_hosts.h"
#include "daemon/ctl/ask_postfix.h"
#include "daemon/ctl/command.h"
#include "daemon/descriptors.h"
#include "daemon/identity.h"
#include "daemon/round.h"
#include "daemon/target_knowledge.h"
#include "lib/config.h"
#include "lib/memory.h"
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGETS_MAX 1000

struct check {
    bool json;
    const char *targets;
    char *helo, *source[FAMILIES];
    int timeout;
    int family; /* 4, 6, or 0 for both */
    struct config *config;
    struct relay_catalogue *catalogue;
    struct endpoint *parsed; /* of --targets */
    size_t parsed_count;
    struct event_base *base;
    struct round_result *result;
};

static int parse_number(const char *text, int min, int max, int *out)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < min || value > max)
        return -1;
    *out = (int)value;
    return 0;
}

static int take_family(struct check *check, const char *text)
{
    if (strcmp(text, "4") != 0 && strcmp(text, "6") != 0)
        return usage_error(EXIT_UNKNOWN, "--family %s; expected 4 or 6", text);
    check->family = text[0] - '0';
    return 0;
}

static int take_options(struct check *check, int argc, char *argv[])
{
    enum { JSON = 1, TARGETS, TIMEOUT, FAMILY, HELO, SOURCE4, SOURCE6 };
    static const struct option options[] = {
        { "json", no_argument, NULL, JSON },
        { "targets", required_argument, NULL, TARGETS },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "family", required_argument, NULL, FAMILY },
        { "helo", required_argument, NULL, HELO },
        { "source-address", required_argument, NULL, SOURCE4 },
        { "source-address6", required_argument, NULL, SOURCE6 },
        { NULL, 0, NULL, 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        int code = 0;
        if (c == JSON)
            check->json = true;
        else if (c == TARGETS)
            check->targets = optarg;
        else if (c == TIMEOUT && parse_number(optarg, 1, 60, &check->timeout) == -1)
            code = usage_error(EXIT_UNKNOWN, "--timeout %s; expected 1 to 60 seconds", optarg);
        else if (c == FAMILY)
            code = take_family(check, optarg);
        else if (c == HELO)
            check->helo = optarg;
        else if (c == SOURCE4 || c == SOURCE6)
            check->source[c == SOURCE4 ? FAMILY_IPV4 : FAMILY_IPV6] = optarg;
        else if (c == '?')
            code = usage_error(EXIT_UNKNOWN, "unknown option of check");
        if (code != 0)
            return code;
    }
    if (optind < argc)
        return usage_error(EXIT_UNKNOWN, "check takes no argument: %s", argv[optind]);
    return 0;
}

static int parse_targets(struct check *check)
{
    char *copy = memory_copy(check->targets), *rest = copy;
    int code = 0;

    for (char *text; code == 0 && (text = strsep(&rest, ",")) != NULL;) {
        const char *why;
        check->parsed = memory_grow(check->parsed, check->parsed_count + 1, sizeof *check->parsed);
        if (check->parsed_count == TARGETS_MAX)
            code = usage_error(EXIT_UNKNOWN, "--targets: at most %d of them", TARGETS_MAX);
        else if (endpoint_parse(text, 25, &check->parsed[check->parsed_count], &why) == -1)
            code = usage_error(EXIT_UNKNOWN, "target '%s': %s", text, why);
        else
            check->parsed_count++;
    }
    free(copy);
    return code;
}

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

static bool is_address(const char *text, enum family family)
{
    struct address address;

    return text == NULL || (address_parse(text, 0, &address) && address_family(&address) == family);
}

/* Options stand above the configuration, and that above Postfix's own settings. */
static int set_identity(struct check *check, struct round_plan *plan)
{
    struct probe_config probe = check->config->probe;
    char answer[POSTFIX_ANSWER_MAX];
    struct postfix_identity postfix;
    struct identity id;

    if (check->helo != NULL && !hostname_valid(check->helo))
        return usage_error(EXIT_UNKNOWN, "--helo %s; expected a host name", check->helo);
    if (!is_address(check->source[FAMILY_IPV4], FAMILY_IPV4))
        return usage_error(EXIT_UNKNOWN, "--source-address: expected an IPv4 address");
    if (!is_address(check->source[FAMILY_IPV6], FAMILY_IPV6))
        return usage_error(EXIT_UNKNOWN, "--source-address6: expected an IPv6 address");
    probe.helo_name = check->helo != NULL ? check->helo : probe.helo_name;
    if (check->source[FAMILY_IPV4] != NULL)
        probe.source_address = check->source[FAMILY_IPV4];
    if (check->source[FAMILY_IPV6] != NULL)
        probe.source_address6 = check->source[FAMILY_IPV6];
    ask_postfix(check->config->postfix.config_directory, answer, &postfix);
    identity_make(&probe, &postfix, &id);
    plan->settings = id.settings;
    for (int f = 0; f < FAMILIES; f++)
        plan->families[f] =
            check->family == 0 ? id.families[f] : check->family == (f == FAMILY_IPV4 ? 4 : 6);
    return 0;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int make_plan(struct check *check, struct round_plan *plan)
{
    const struct probe_config *probe = &check->config->probe;

    plan->targets = check->targets != NULL ? check->parsed : probe->targets;
    plan->target_count = check->targets != NULL ? check->parsed_count : probe->target_count;
    plan->quorum = (size_t)probe->quorum;
    if (check->targets != NULL) /* one alone can never be a block */
        plan->quorum = min_size(plan->quorum, plan->target_count < 2 ? 2 : plan->target_count);
    plan->timeout_ms = (check->timeout != 0 ? check->timeout : probe->timeout) * INT64_C(1000);
    return set_identity(check, plan);
}

static void round_ended(struct round_result *result, void *context)
{
    struct check *check = context;

    check->result = result;
    event_base_loopbreak(check->base);
}

static int run_round(struct check *check)
{
    struct round_plan plan = { 0 };
    struct control_hosts controls;
    struct target_knowledge knowledge;
    int code = make_plan(check, &plan);

    if (code != 0)
        return code;
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
    return 0;
}

static int print_result(const struct check *check)
{
    json_t *document = check_json(check->result);
    int code = (int)json_integer_value(json_object_get(document, "exit"));

    if (check->json) {
        json_dumpf(document, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        char *text = check_text(document);
        fputs(text, stdout);
        free(text);
    }
    json_decref(document);
    return code;
}

static void release(struct check *check)
{
    round_result_free(check->result);
    relay_catalogue_free(check->catalogue);
    config_free(check->config);
    free(check->parsed);
}

int command_check(const struct ctl *ctl, int argc, char *argv[])
{
    struct check check = { 0 };
    int code = take_options(&check, argc, argv);

    if (code == 0 && check.targets != NULL)
        code = parse_targets(&check);
    if (code == 0)
        code = load_config(&check, ctl);
    if (code == 0) {
        load_catalogue(&check);
        code = run_round(&check);
    }
    if (code == 0)
        code = print_result(&check);
    release(&check);
    return code;
}
