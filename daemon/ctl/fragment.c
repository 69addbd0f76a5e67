/* SPDX-License-Identifier: BSD-2-Clause */
/* detourctl fragment: what configuration management applies for a route, in its own words. */
#include "daemon/ctl/ask_apply.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/remote.h"
#include "lib/config_load.h"
#include "lib/memory.h"
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "fragment [--json] [--format main.cf|postconf|ansible|salt] "
                            "direct|NAME [PORT]";

struct wanted {
    char *word[2];
    int count;
    const char *format;
    bool json;
};

static bool is_format(const char *name)
{
    static const char *const formats[] = { "main.cf", "master.cf", "postconf", "ansible", "salt" };

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i], name) == 0)
            return true;
    return false;
}

static bool parse(int argc, char *argv[], struct wanted *out)
{
    static const struct option options[] = { { "format", required_argument, NULL, 'f' },
                                             { "json", no_argument, NULL, 'j' },
                                             { NULL, 0, NULL, 0 } };

    *out = (struct wanted){ .format = "main.cf" };
    for (int c; (c = getopt_long(argc, argv, "f:", options, NULL)) != -1;) {
        if (c == 'f')
            out->format = optarg;
        else if (c == 'j')
            out->json = true;
        else
            return false;
    }
    for (int i = optind; i < argc; i++) {
        if (out->count == 2 || strpbrk(argv[i], " \t\r\n") != NULL)
            return false;
        out->word[out->count++] = argv[i];
    }
    return out->count > 0 && is_format(out->format);
}

static int fail(const char *reason)
{
    fprintf(stderr, "detourctl: %.*s\n", (int)strcspn(reason, "\n"), reason);
    return 1;
}

/* Its maps are named in it, but not there. */
static void warn_unwritten(const json_t *last)
{
    if (json_is_false(json_object_get(last, "written")))
        fprintf(stderr,
                "detourctl: a preview: its files are built when the route is asked for with "
                "mode = fragment; do not apply it before\n");
}

static int show(const char *line, const struct wanted *wanted)
{
    json_t *last = json_loads(line, 0, NULL);
    const char *result = json_string_value(json_object_get(last, "result"));
    const char *reason = json_string_value(json_object_get(last, "reason"));
    const char *text =
        json_string_value(json_object_get(json_object_get(last, "files"), wanted->format));
    bool unchanged = result != NULL && strcmp(result, "unchanged") == 0;
    int code = result != NULL && (unchanged || strcmp(result, "ok") == 0) ? 0 : 1;

    if (result != NULL && wanted->json)
        printf("%.*s\n", (int)strcspn(line, "\n"), line);
    else if (result == NULL)
        code = fail(line);
    else if (unchanged)
        fprintf(stderr, "detourctl: %s\n", reason == NULL ? result : reason);
    else if (code == 1)
        code = fail(reason == NULL ? result : reason);
    else if (text == NULL && strcmp(wanted->format, "master.cf") != 0)
        code = fail("the answer holds nothing in that format");
    else if (text != NULL)
        fputs(text, stdout);
    if (code == 0)
        warn_unwritten(last);
    json_decref(last);
    return code;
}

static int ask_apply(const struct ctl *ctl, const struct config *config,
                     const struct wanted *wanted)
{
    struct apply_request request;
    const char *wrong = apply_request(config, "fragment", wanted->word, wanted->count, &request);

    if (wrong != NULL)
        return fail(wrong);
    char *line = apply_ask(ctl, &request);
    int code = line == NULL ? 1 : show(line, wanted);
    free(line);
    return code;
}

int command_fragment(const struct ctl *ctl, int argc, char *argv[])
{
    struct wanted wanted;
    int fd, code = 1;

    if (!parse(argc, argv, &wanted))
        return usage_error(EXIT_USAGE, "%s", usage);
    struct config *config = ctl_config(ctl);
    if (remote_reach(config, &fd)) {
        char *line =
            memory_format("fragment %s%s%s json\n", wanted.word[0], wanted.count > 1 ? " " : "",
                          wanted.count > 1 ? wanted.word[1] : "");
        char *text = remote_ask(fd, line);
        if (text != NULL)
            code = show(text, &wanted);
        free(text);
        free(line);
    } else {
        code = ask_apply(ctl, config, &wanted);
    }
    config_free(config);
    return code;
}
