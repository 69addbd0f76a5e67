/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/check_options.h"

#include "daemon/ctl/command.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX 1000

/* Each of these returns 0, or an exit status with a word on stderr. */

static int take_timeout(struct check_options *o, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > 60)
        return usage_error(EXIT_UNKNOWN, _("--timeout %s; expected 1 to 60 seconds"), text);
    o->timeout = (int)value;
    return 0;
}

static int take_family(struct check_options *o, const char *text)
{
    if (strcmp(text, "4") != 0 && strcmp(text, "6") != 0)
        return usage_error(EXIT_UNKNOWN, _("--family %s; expected 4 or 6"), text);
    o->family = text[0] - '0';
    return 0;
}

static int take_helo(struct check_options *o, const char *text)
{
    if (!hostname_valid(text))
        return usage_error(EXIT_UNKNOWN, _("--helo %s; expected a host name"), text);
    o->helo = text;
    return 0;
}

static int take_source(struct check_options *o, enum family family, const char *text)
{
    struct address address;

    if (!address_parse(text, 0, &address) || address_family(&address) != family)
        return usage_error(EXIT_UNKNOWN, "%s",
                           family == FAMILY_IPV4
                               ? _("--source-address: expected an IPv4 address")
                               : _("--source-address6: expected an IPv6 address"));
    o->source[family] = text;
    return 0;
}

static int add_target(struct check_options *o, const char *text)
{
    const char *why;

    if (o->target_count == TARGETS_MAX)
        return usage_error(EXIT_UNKNOWN, _("--targets: at most %d of them"), TARGETS_MAX);
    o->targets = memory_grow(o->targets, o->target_count + 1, sizeof *o->targets);
    if (endpoint_parse(text, 25, &o->targets[o->target_count], &why) == -1)
        return usage_error(EXIT_UNKNOWN, _("target '%s': %s"), text, why);
    o->target_count++;
    return 0;
}

/* The last --targets counts, as with every option. */
static int take_targets(struct check_options *o, const char *list)
{
    char *copy = memory_copy(list), *rest = copy;
    int code = 0;

    o->has_targets = true;
    o->target_count = 0;
    for (char *text; code == 0 && (text = strsep(&rest, ",")) != NULL;)
        code = add_target(o, text);
    free(copy);
    return code;
}

/* One form at a time: what reads one would choke on another. */
static int take_form(struct check_options *o, enum check_form form)
{
    if (o->form != CHECK_TEXT && o->form != form)
        return usage_error(EXIT_UNKNOWN, "%s",
                           _("--json, --nagios and --quiet exclude each other"));
    o->form = form;
    return 0;
}

enum option_code {
    JSON = 1,
    NAGIOS,
    QUIET,
    TARGETS,
    TIMEOUT,
    FAMILY,
    HELO,
    SOURCE4,
    SOURCE6,
    NO_TRACE,
    NO_SUBMISSION,
    NO_REPUTATION,
    HELP,
};

static int take(struct check_options *o, int option, const char *argument)
{
    switch (option) {
    case JSON:
        return take_form(o, CHECK_JSON);
    case NAGIOS:
        return take_form(o, CHECK_NAGIOS);
    case QUIET:
        return take_form(o, CHECK_QUIET);
    case TARGETS:
        return take_targets(o, argument);
    case TIMEOUT:
        return take_timeout(o, argument);
    case FAMILY:
        return take_family(o, argument);
    case HELO:
        return take_helo(o, argument);
    case SOURCE4:
        return take_source(o, FAMILY_IPV4, argument);
    case SOURCE6:
        return take_source(o, FAMILY_IPV6, argument);
    case NO_TRACE:
        o->no_trace = true;
        return 0;
    case NO_SUBMISSION:
        o->no_submission = true;
        return 0;
    case NO_REPUTATION:
        o->no_reputation = true;
        return 0;
    default:
        return usage_error(EXIT_UNKNOWN, "%s", _("unknown option of check"));
    }
}

bool check_options_parse(struct check_options *o, int argc, char *argv[], int *code)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, JSON },
        { "nagios", no_argument, NULL, NAGIOS },
        { "quiet", no_argument, NULL, QUIET },
        { "targets", required_argument, NULL, TARGETS },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "family", required_argument, NULL, FAMILY },
        { "helo", required_argument, NULL, HELO },
        { "source-address", required_argument, NULL, SOURCE4 },
        { "source-address6", required_argument, NULL, SOURCE6 },
        { "no-trace", no_argument, NULL, NO_TRACE },
        { "no-submission", no_argument, NULL, NO_SUBMISSION },
        { "no-reputation", no_argument, NULL, NO_REPUTATION },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };

    *o = (struct check_options){ 0 };
    *code = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == HELP) {
            print_usage(stdout, argv[0]);
            return false;
        }
        *code = take(o, c, optarg);
        if (*code != 0)
            return false;
    }
    if (optind < argc)
        *code = usage_error(EXIT_UNKNOWN, _("check takes no argument: %s"), argv[optind]);
    return *code == 0;
}

void check_options_free(struct check_options *o)
{
    free(o->targets);
    *o = (struct check_options){ 0 };
}
