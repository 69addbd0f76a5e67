/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands of detourctl: one table, one function each. */
#ifndef DETOURD_CTL_COMMAND_H
#define DETOURD_CTL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

/* The monitoring plugins' code for "cannot say", which `check` uses for usage errors as well. */
#define EXIT_UNKNOWN 3
#define EXIT_USAGE   2

struct ctl {
    const char *config_path; /* the default path unless -c was given */
    bool config_given;
};

/* ARGV[0] is the subcommand's own name. The result is the exit code. */
typedef int command_run(const struct ctl *ctl, int argc, char *argv[]);

command_run command_advise, command_check, command_check_config, command_fragment, command_plan,
    command_providers, command_remote;

/* Prints what the subcommand NAME takes. */
void print_usage(FILE *out, const char *name);

/* Prints FORMAT and how to get help on stderr; returns CODE. */
int usage_error(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
