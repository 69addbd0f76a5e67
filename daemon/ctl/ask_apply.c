/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/ask_apply.h"

#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

const char *apply_request(const struct config *config, const char *verb, char *const word[],
                          int count, struct apply_request *out)
{
    const char *name = count > 0 ? word[0] : NULL;

    *out = (struct apply_request){ .word = { verb } };
    if (name == NULL && config->relay_count == 0)
        return "no relay is configured";
    if (name == NULL)
        name = config->relays[0].name;
    if (strcmp(name, "direct") == 0) {
        out->word[1] = "direct";
        return count > 1 ? "direct has no port" : NULL;
    }
    const struct relay *relay = config_relay(config, name);
    if (relay == NULL)
        return "no relay of that name is configured";
    unsigned long number = count > 1 ? strtoul(word[1], NULL, 10) : relay->ports.port[0];
    if (number > UINT16_MAX || !ports_contain(&relay->ports, (uint16_t)number))
        return "that relay is not configured with that port";
    snprintf(out->port, sizeof out->port, "%lu", number);
    out->word[1] = "relay";
    out->word[2] = relay->name;
    out->word[3] = out->port;
    return NULL;
}

/* The last line of TEXT, which is freed. */
static char *last_line(char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    char *newline = text == NULL ? NULL : strrchr(text, '\n');
    char *line = text == NULL ? NULL : memory_copy(newline == NULL ? text : newline + 1);
    free(text);
    return line;
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

static char *run_apply(const struct ctl *ctl, const char *apply,
                       const struct apply_request *request)
{
    const char *clean[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
    const char *argv[] = { apply,
                           "-c",
                           ctl->config_path,
                           "--json",
                           request->word[0],
                           request->word[1],
                           request->word[2],
                           request->word[3],
                           NULL };
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

static const char *or_nothing(const char *word)
{
    return word == NULL ? "" : word;
}

char *apply_ask(const struct ctl *ctl, const struct apply_request *request)
{
    const char *const *word = request->word;
    char *apply = find_apply(), *line = NULL;

    if (geteuid() != 0) {
        fprintf(stderr, "detourctl: without detourd, root can ask: %s %s %s %s %s\n", apply,
                word[0], or_nothing(word[1]), or_nothing(word[2]), or_nothing(word[3]));
    } else {
        fprintf(stderr, "detourctl: asking %s instead\n", apply);
        line = last_line(run_apply(ctl, apply, request));
    }
    free(apply);
    return line;
}
