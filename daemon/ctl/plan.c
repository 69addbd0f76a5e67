/* SPDX-License-Identifier: BSD-2-Clause */
/* detourctl plan: asked of detourd, or, where that is not running, by root of detour-apply itself.
 */
#include "daemon/ctl/command.h"
#include "daemon/ctl/remote.h"
#include "daemon/report/status.h"
#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 4

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

/* Beside this program, as after a build, or where it is installed. */
static char *find_apply(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    self[n > 0 ? n : 0] = '\0';
    char *beside = memory_format("%s/detour-apply", dirname(self));
    if (n > 0 && access(beside, X_OK) == 0)
        return beside;
    free(beside);
    return memory_copy(PKGLIBEXECDIR "/detour-apply");
}

/* The request in detour-apply's words: the first relay and its first port where none is named. */
static const char *request_of(const struct config *config, const struct wanted *wanted,
                              const char *words[WORDS_MAX], char port[8])
{
    const char *name = wanted->count > 0 ? wanted->word[0] : NULL;

    if (name == NULL && config->relay_count == 0)
        return "no relay is configured";
    if (name == NULL)
        name = config->relays[0].name;
    words[0] = "plan";
    if (strcmp(name, "direct") == 0) {
        words[1] = "direct";
        return wanted->count > 1 ? "direct has no port" : NULL;
    }
    const struct relay *relay = config_relay(config, name);
    if (relay == NULL)
        return "no relay of that name is configured";
    unsigned long number =
        wanted->count > 1 ? strtoul(wanted->word[1], NULL, 10) : relay->ports.port[0];
    if (number > UINT16_MAX || !ports_contain(&relay->ports, (uint16_t)number))
        return "that relay is not configured with that port";
    snprintf(port, 8, "%lu", number);
    words[1] = "relay";
    words[2] = relay->name;
    words[3] = port;
    return NULL;
}

static char *last_line(char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    char *newline = text == NULL ? NULL : strrchr(text, '\n');
    return newline == NULL ? text : newline + 1;
}

static char *read_all(int fd)
{
    char buffer[4096], *text = NULL;
    size_t len = 0;

    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0 || (n == -1 && errno == EINTR);) {
        if (n == -1)
            continue;
        text = memory_grow(text, len + (size_t)n + 1, 1);
        memcpy(text + len, buffer, (size_t)n);
        len += (size_t)n;
        text[len] = '\0';
    }
    return text;
}

static char *run_apply(const struct ctl *ctl, const char *apply, const char *words[WORDS_MAX])
{
    const char *clean[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
    const char *argv[] = { apply,    "-c",     ctl->config_path, "--json", words[0],
                           words[1], words[2], words[3],         NULL };
    posix_spawn_file_actions_t actions;
    int out[2], status;
    char *text = NULL;
    pid_t pid;

    if (pipe2(out, O_CLOEXEC) == -1)
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    int error = posix_spawn(&pid, apply, &actions, NULL, (char *const *)(uintptr_t)argv,
                            (char *const *)(uintptr_t)clean);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    if (error != 0) {
        fprintf(stderr, "detourctl: %s: %s\n", apply, strerror(error));
    } else {
        text = read_all(out[0]);
        waitpid(pid, &status, 0);
    }
    close(out[0]);
    return text;
}

static int plan_without_daemon(const struct ctl *ctl, const struct config *config,
                               const struct wanted *wanted)
{
    const char *words[WORDS_MAX] = { NULL };
    char port[8];
    const char *wrong = request_of(config, wanted, words, port);

    if (wrong != NULL)
        return fail(wrong, wanted->json);
    char *apply = find_apply();
    int code = 1;
    if (geteuid() != 0) {
        fprintf(stderr, "detourctl: without detourd, root can ask: %s %s %s %s %s\n", apply,
                words[0], words[1], words[2] == NULL ? "" : words[2],
                words[3] == NULL ? "" : words[3]);
    } else {
        fprintf(stderr, "detourctl: asking %s instead\n", apply);
        char *text = run_apply(ctl, apply, words), *line = last_line(text);
        if (line != NULL)
            code = show(line, wanted->json);
        free(text);
    }
    free(apply);
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
