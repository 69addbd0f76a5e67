/* SPDX-License-Identifier: BSD-2-Clause */
/* detourctl providers: what is known of access providers. Needs no daemon and no network. */
#include "daemon/report/providers.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/remote.h"
#include "daemon/ctl/terminal.h"
#include "daemon/report/translate.h"
#include "lib/config_load.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct wanted {
    bool json, csv;
    const char *name; /* NULL for all */
};

static int take_options(int argc, char *argv[], struct wanted *out)
{
    enum { JSON = 1, CSV };
    static const struct option options[] = {
        { "json", no_argument, NULL, JSON },
        { "csv", no_argument, NULL, CSV },
        { NULL, 0, NULL, 0 },
    };

    *out = (struct wanted){ .name = NULL };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == '?')
            return usage_error(EXIT_USAGE, "%s", _("unknown option of providers"));
        out->json = out->json || c == JSON;
        out->csv = out->csv || c == CSV;
    }
    if (out->json && out->csv)
        return usage_error(EXIT_USAGE, "%s", _("--json or --csv, not both"));
    if (optind + 1 < argc)
        return usage_error(EXIT_USAGE, _("providers takes one name: %s"), argv[optind + 1]);
    out->name = optind < argc ? argv[optind] : NULL;
    return 0;
}

static struct provider_catalogue *load(const struct ctl *ctl)
{
    struct config *config = ctl_config(ctl);
    struct complaints *complaints = complaints_new();
    struct provider_catalogue *catalogue =
        provider_catalogue_load(config->catalogue_directory, complaints);
    const char *line;

    for (size_t i = 0; (line = complaints_line(complaints, i, NULL)) != NULL; i++)
        fprintf(stderr, "detourctl: %s\n", line);
    complaints_free(complaints);
    config_free(config);
    return catalogue;
}

static void print(const json_t *document, const struct wanted *wanted)
{
    const struct layout layout = terminal_layout(STDOUT_FILENO);

    if (wanted->json) {
        json_dumpf(document, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    char *text = wanted->csv            ? providers_csv(document)
                 : wanted->name != NULL ? provider_text(document, &layout)
                                        : providers_text(document);
    fputs(text, stdout);
    free(text);
}

int command_providers(const struct ctl *ctl, int argc, char *argv[])
{
    struct wanted wanted;
    int code = take_options(argc, argv, &wanted);

    if (code != 0)
        return code;
    struct provider_catalogue *catalogue = load(ctl);
    if (catalogue == NULL)
        return 1;
    const struct provider *only =
        wanted.name != NULL ? provider_catalogue_find(catalogue, wanted.name) : NULL;
    if (wanted.name != NULL && only == NULL) {
        fprintf(stderr, _("detourctl: no provider of that name is in the catalogue: %s\n"),
                wanted.name);
        code = 1;
    } else {
        json_t *document = providers_json(catalogue, only);
        print(document, &wanted);
        json_decref(document);
    }
    provider_catalogue_free(catalogue);
    return code;
}
