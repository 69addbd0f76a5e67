/* SPDX-License-Identifier: BSD-2-Clause */
/* detourctl check-config: every error of a configuration file at once, and its password files. */
#include "daemon/ctl/command.h"
#include "lib/config_load.h"
#include "lib/secret.h"
#include <getopt.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>

/* Password files as far as this caller may look at them. */
static void check_secrets(const struct config *config, struct complaints *complaints)
{
    const struct passwd *user = getpwnam(config->user);
    gid_t group = user != NULL ? user->pw_gid : SECRET_NO_GROUP;
    char why[512];

    if (user == NULL && config->relay_count > 0)
        complain_warning(complaints, config->path, 0,
                         "user %s does not exist on this host; detourd will not start here",
                         config->user);
    for (size_t i = 0; i < config->relay_count; i++)
        if (secret_check(config->relays[i].password_file, group, why, sizeof why) == -1)
            complain(complaints, config->path, config->relays[i].line, "relay %s: %s",
                     config->relays[i].name, why);
}

static void print_json(struct complaints *complaints)
{
    json_t *errors = json_array(), *warnings = json_array();
    const char *line;
    bool is_error;

    for (size_t i = 0; (line = complaints_line(complaints, i, &is_error)) != NULL; i++)
        json_array_append_new(is_error ? errors : warnings, json_string(line));
    json_t *o =
        json_pack("{s:i, s:b, s:o, s:o}", "schema", 1, "ok", complaints_errors(complaints) == 0,
                  "errors", errors, "warnings", warnings);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void print_text(const char *path, struct complaints *complaints)
{
    const char *line;

    for (size_t i = 0; (line = complaints_line(complaints, i, NULL)) != NULL; i++)
        fprintf(stderr, "%s\n", line);
    if (complaints_errors(complaints) == 0)
        printf("%s: good\n", path);
}

int command_check_config(const struct ctl *ctl, int argc, char *argv[])
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { NULL, 0, NULL, 0 } };
    bool json = false;
    int c;

    while ((c = getopt_long(argc, argv, "j", options, NULL)) != -1) {
        if (c != 'j')
            return usage_error(EXIT_USAGE, "expected: check-config [--json] [FILE]");
        json = true;
    }
    if (argc - optind > 1)
        return usage_error(EXIT_USAGE, "expected: check-config [--json] [FILE]");

    const char *path = optind < argc ? argv[optind] : ctl->config_path;
    struct complaints *complaints = complaints_new();
    struct config *config = config_load(path, complaints);
    if (config != NULL)
        check_secrets(config, complaints);
    if (json)
        print_json(complaints);
    else
        print_text(path, complaints);
    int code = complaints_errors(complaints) == 0 ? 0 : 1;
    config_free(config);
    complaints_free(complaints);
    return code;
}
