/* SPDX-License-Identifier: BSD-2-Clause */
/* The operator's tool. */
#include "daemon/ctl/command.h"
#include "lib/config.h"
#include "lib/log.h"
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct subcommand {
    const char *name;
    command_run *run;
    const char *arguments, *summary;
} subcommands[] = {
    { "check", command_check, "[--json] [--targets A,B,C] [--timeout S] [--family 4|6]",
      "is outbound port 25 open from here?" },
    { "advise", command_advise, "[--json]", "check, and say what to do about it on this host" },
    { "providers", command_providers, "[--json|--csv] [NAME]",
      "what access providers do to port 25, and how they open it" },
    { "check-config", command_check_config, "[--json] [FILE]", "is the configuration file right?" },
    { "status", command_remote, "[--json]", "route, verdict, relays, what is next, what is wrong" },
    { "relays", command_remote, "[--json]", "each relay and its last proof" },
    { "route", command_remote, "direct|NAME|auto", "take that route and hold it, or decide again" },
    { "hold", command_remote, "", "stay on the present route" },
    { "release", command_remote, "", "end a hold" },
    { "fragment", command_fragment,
      "[--json] [--format main.cf|postconf|ansible|salt] direct|NAME [PORT]",
      "what configuration management applies for that route" },
    { "applied", command_remote, "GENERATION", "configuration management has applied it" },
    { "plan", command_plan, "[--json] [direct|NAME [PORT]]",
      "the exact difference that a switch would make, and which mail would not follow" },
};

#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

static void print_help(FILE *out)
{
    fprintf(out, "usage: detourctl [-c FILE] COMMAND [ARGUMENT ...]\n\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-13s %s\n                %s\n", subcommands[i].name,
                subcommands[i].summary, subcommands[i].arguments);
    fprintf(out, "\ncheck and advise exit with 0 open, 1 doubtful, 2 blocked, 3 cannot say;\n"
                 "the others with 0 done, 1 failed, 2 usage.\n");
}

int usage_error(int code, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "detourctl: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'detourctl --help'.\n");
    return code;
}

static int run(const struct ctl *ctl, int argc, char *argv[])
{
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(argv[0], subcommands[i].name) == 0) {
            optind = 0; /* getopt starts over, with the subcommand's options */
            return subcommands[i].run(ctl, argc, argv);
        }
    return usage_error(EXIT_USAGE, "unknown command: %s", argv[0]);
}

int main(int argc, char *argv[])
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' },
                                             { "version", no_argument, NULL, 'V' },
                                             { NULL, 0, NULL, 0 } };
    struct ctl ctl = { .config_path = CONFIG_DEFAULT_PATH };
    int c;

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
            return usage_error(EXIT_USAGE, "unknown option");
        }
    }
    if (optind == argc) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    return run(&ctl, argc - optind, argv + optind);
}
