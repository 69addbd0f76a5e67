/* SPDX-License-Identifier: BSD-2-Clause */
/* The operator's tool. */
#include "daemon/ctl/command.h"
#include "daemon/report/layout.h"
#include "daemon/report/translate.h"
#include "lib/config.h"
#include "lib/log.h"
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct subcommand {
    const char *name;
    command_run *run;
    const char *arguments, *summary;
} subcommands[] = {
    { "check", command_check,
      "[--json|--nagios|--quiet] [--targets A,B,C] [--timeout S] [--family 4|6] [--helo NAME] "
      "[--source-address ADDRESS] [--source-address6 ADDRESS] [--no-trace] [--no-submission] "
      "[--no-reputation]",
      N_("is outbound port 25 open from here?") },
    { "advise", command_advise, "[--json]", N_("check, and say what to do about it on this host") },
    { "providers", command_providers, "[--json|--csv] [NAME]",
      N_("what access providers do to port 25, and how they open it") },
    { "check-config", command_check_config, "[--json] [FILE]",
      N_("is the configuration file right?") },
    { "status", command_remote, "[--json]",
      N_("route, verdict, relays, what is next, what is wrong") },
    { "relays", command_remote, "[--json]", N_("each relay and its last proof") },
    { "route", command_remote, "direct|NAME|auto",
      N_("take that route and hold it, or decide again") },
    { "hold", command_remote, "", N_("stay on the present route") },
    { "release", command_remote, "", N_("end a hold") },
    { "fragment", command_fragment,
      "[--json] [--format main.cf|master.cf|postconf|ansible|salt] direct|NAME [PORT]",
      N_("what configuration management applies for that route") },
    { "applied", command_remote, "GENERATION", N_("configuration management has applied it") },
    { "plan", command_plan, "[--json] [direct|NAME [PORT]]",
      N_("the exact difference that a switch would make, and which mail would not follow") },
};

#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

static void print_help(FILE *out)
{
    fprintf(out, "%s\n\n", _("usage: detourctl [-c FILE] COMMAND [ARGUMENT ...]"));
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-13s %s\n", subcommands[i].name, _(subcommands[i].summary));
    fprintf(out, "\n%s\n%s\n", _("`detourctl COMMAND --help` says what a command takes."),
            _("check and advise exit with 0 open, 1 doubtful, 2 blocked, 3 cannot say; the others "
              "with 0 done, 1 failed, 2 usage."));
}

static const struct subcommand *find(const char *name)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(name, subcommands[i].name) == 0)
            return &subcommands[i];
    return NULL;
}

void print_usage(FILE *out, const char *name)
{
    const struct layout layout = { .width = LAYOUT_WIDTH };
    const struct subcommand *command = find(name);
    struct text t;
    char mark[64];

    snprintf(mark, sizeof mark, _("usage: detourctl %s "), name);
    text_begin(&t);
    add_paragraph(&t, &layout, mark, command->arguments);
    char *text = text_end(&t);
    fprintf(out, "%s%s\n", text, _(command->summary));
    free(text);
}

int usage_error(int code, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "detourctl: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n%s\n", _("Try 'detourctl --help'."));
    return code;
}

/* Such as head(1): it has read what it wanted. */
static bool reader_is_gone(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* What could not be written was not said: nothing may rely on CODE then. */
static int finish(int code, int unsaid)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;

    if (!failed || reader_is_gone())
        return code;
    fprintf(stderr, "%s\n", _("detourctl: the answer could not be written"));
    return unsaid;
}

static int run(const struct ctl *ctl, int argc, char *argv[])
{
    const struct subcommand *command = find(argv[0]);

    if (command == NULL)
        return usage_error(EXIT_USAGE, _("unknown command: %s"), argv[0]);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout, argv[0]);
        return finish(0, 1);
    }
    optind = 0; /* getopt starts over, with the subcommand's options */
    return finish(command->run(ctl, argc, argv),
                  command->run == command_check || command->run == command_advise ? EXIT_UNKNOWN
                                                                                  : 1);
}

/* Only messages and the characters they are made of: numbers stay as programs write them. */
static void speak_the_callers_language(void)
{
    setlocale(LC_CTYPE, "");
    setlocale(LC_MESSAGES, "");
    bindtextdomain(TEXT_DOMAIN, LOCALEDIR);
}

int main(int argc, char *argv[])
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' },
                                             { "version", no_argument, NULL, 'V' },
                                             { NULL, 0, NULL, 0 } };
    struct ctl ctl = { .config_path = CONFIG_DEFAULT_PATH };
    int c;

    speak_the_callers_language();
    signal(SIGPIPE, SIG_IGN);
    log_open("detourctl", false);
    while ((c = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            ctl.config_path = optarg;
            ctl.config_given = true;
            break;
        case 'h':
            print_help(stdout);
            return 0;
        case 'V':
            printf("detourctl %s\n", PACKAGE_VERSION_TEXT);
            return 0;
        default:
            return usage_error(EXIT_USAGE, _("unknown option"));
        }
    }
    if (optind == argc) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    return run(&ctl, argc - optind, argv + optind);
}
