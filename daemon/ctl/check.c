/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * detourctl check: the daemon's own round, once, in this process. Needs no root, no daemon and no
 * configuration; where there is one, its targets and relays are used.
 */
#include "daemon/report/check.h"
#include "daemon/ctl/check_options.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/diagnose.h"
#include "daemon/ctl/remote.h"
#include "daemon/ctl/terminal.h"
#include "lib/config_load.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <unistd.h>

struct check {
    struct check_options options;
    struct config *config;
    struct relay_catalogue *catalogue;
};

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

static int print_result(const struct check *check, const json_t *document)
{
    int code = (int)json_integer_value(json_object_get(document, "exit"));
    char *text = text_of(document, check->options.form);

    fputs(text, stdout);
    free(text);
    return code;
}

static void release(struct check *check)
{
    relay_catalogue_free(check->catalogue);
    config_free(check->config);
    check_options_free(&check->options);
}

static json_t *run(const struct check *check)
{
    const struct diagnose_input input = { .config = check->config,
                                          .relays = check->catalogue,
                                          .options = &check->options,
                                          .live = check->options.form == CHECK_TEXT };

    return diagnose(&input);
}

int command_check(const struct ctl *ctl, int argc, char *argv[])
{
    struct check check = { 0 };
    int code;

    if (check_options_parse(&check.options, argc, argv, &code) &&
        (check.config = ctl_config_right(ctl)) == NULL)
        code = EXIT_UNKNOWN;
    if (check.config != NULL) {
        check.catalogue = relay_catalogue_load_quietly(check.config->catalogue_directory);
        json_t *document = run(&check);
        code = print_result(&check, document);
        json_decref(document);
    }
    release(&check);
    return code;
}
