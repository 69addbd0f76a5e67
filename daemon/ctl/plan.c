/* SPDX-License-Identifier: BSD-2-Clause */
/* detourctl plan: asked of detourd, or, where that is not running, by root of detour-apply itself.
 */
#include "daemon/ctl/ask_apply.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/remote.h"
#include "daemon/report/status.h"
#include "lib/config_load.h"
#include "lib/memory.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* plan [direct | RELAY [PORT]] */
struct wanted {
    char *word[2];
    int count;
    bool json;
};

static bool parse(int argc, char *argv[], struct wanted *out)
{
    *out = (struct wanted){ .count = 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            out->json = true;
        else if (argv[i][0] == '-' || out->count == 2)
            return false;
        else
            out->word[out->count++] = argv[i];
    }
    return true;
}

static int fail(const char *reason, bool json)
{
    json_t *last = json_pack("{s:s, s:s}", "result", "failed", "reason", reason);

    if (json)
        json_dumpf(last, stdout, JSON_COMPACT);
    else
        fprintf(stderr, "detourctl: %s", reason);
    fputc('\n', json ? stdout : stderr);
    json_decref(last);
    return 1;
}

/* An answer of detourd's own: "failed: ...", and so on. */
static int show_words(const char *text, bool json)
{
    char *words = memory_format("%.*s", (int)strcspn(text, "\n"), text);
    int code = remote_code(words);
    const char *reason = strncmp(words, "failed: ", 8) == 0 ? words + 8 : words;

    if (json)
        fail(reason, true);
    else
        printf("%s\n", words);
    free(words);
    return code;
}

/* What detourd or detour-apply said last, on a line of its own. */
static int show(const char *line, bool json)
{
    json_t *last = json_loads(line, 0, NULL);
    const char *result = json_string_value(json_object_get(last, "result"));

    if (result == NULL) {
        json_decref(last);
        return show_words(line, json);
    }
    if (json) {
        printf("%.*s\n", (int)strcspn(line, "\n"), line);
    } else {
        char *text = plan_text(last);
        fputs(text, stdout);
        free(text);
    }
    int code = strcmp(result, "ok") == 0 || strcmp(result, "unchanged") == 0 ? 0 : 1;
    json_decref(last);
    return code;
}

static int plan_without_daemon(const struct ctl *ctl, const struct config *config,
                               const struct wanted *wanted)
{
    struct apply_request request;
    const char *wrong = apply_request(config, "plan", wanted->word, wanted->count, &request);

    if (wrong != NULL)
        return fail(wrong, wanted->json);
    char *line = apply_ask(ctl, &request);
    int code = line == NULL ? 1 : show(line, wanted->json);
    free(line);
    return code;
}

static char *line_of(const struct wanted *wanted)
{
    return memory_format("plan%s%s%s%s json\n", wanted->count > 0 ? " " : "",
                         wanted->count > 0 ? wanted->word[0] : "", wanted->count > 1 ? " " : "",
                         wanted->count > 1 ? wanted->word[1] : "");
}

int command_plan(const struct ctl *ctl, int argc, char *argv[])
{
    struct wanted wanted;
    int fd, code = 1;

    if (!parse(argc, argv, &wanted))
        return usage_error(EXIT_USAGE, "plan [--json] [direct|NAME [PORT]]");
    for (int i = 0; i < wanted.count; i++)
        if (strpbrk(wanted.word[i], " \t\r\n") != NULL)
            return usage_error(EXIT_USAGE, "an argument holds white space");
    struct config *config = ctl_config(ctl);
    if (remote_reach(config, &fd)) {
        char *line = line_of(&wanted), *text = remote_ask(fd, line);
        if (text != NULL)
            code = show(text, wanted.json);
        free(text);
        free(line);
    } else {
        code = plan_without_daemon(ctl, config, &wanted);
    }
    config_free(config);
    return code;
}
