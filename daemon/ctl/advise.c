/* SPDX-License-Identifier: BSD-2-Clause */
/* detourctl advise: checks this host, and says what to do. Needs no root, no daemon and no
 * configuration. */
#include "daemon/ctl/command.h"
#include "daemon/ctl/diagnose.h"
#include "daemon/ctl/remote.h"
#include "daemon/ctl/terminal.h"
#include "daemon/report/advice.h"
#include "daemon/report/translate.h"
#include "lib/clock.h"
#include "lib/config_load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print(const json_t *advice, const json_t *document, bool json)
{
    const struct layout layout = terminal_layout(STDOUT_FILENO);

    if (json) {
        json_dumpf(advice, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    char *text = advice_text(advice, document, &layout);
    fputs(text, stdout);
    free(text);
}

static json_t *look(const struct config *config, const struct relay_catalogue *relays)
{
    const struct check_options options = { .form = CHECK_JSON };
    const struct diagnose_input input = { .config = config, .relays = relays, .options = &options };

    return diagnose(&input);
}

int command_advise(const struct ctl *ctl, int argc, char *argv[])
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc > 1 && !json)
        return usage_error(EXIT_UNKNOWN, _("advise takes --json alone: %s"), argv[1]);
    struct config *config = ctl_config_right(ctl);
    if (config == NULL)
        return EXIT_UNKNOWN;
    struct relay_catalogue *relays = relay_catalogue_load_quietly(config->catalogue_directory);
    json_t *document = look(config, relays);
    const struct advice_input input = {
        .document = document, .config = config, .relays = relays, .now = clock_wall()
    };
    json_t *advice = advice_json(&input);
    int code = (int)json_integer_value(json_object_get(advice, "exit"));

    print(advice, document, json);
    json_decref(advice);
    json_decref(document);
    relay_catalogue_free(relays);
    config_free(config);
    return code;
}
