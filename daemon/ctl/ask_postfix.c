/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/ask_postfix.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POSTCONF_MS 3000

enum parameter { HELO_NAME, BIND4, BIND6, PROTOCOLS, PARAMETERS };

/* Runs "postconf -xh" and returns the length of what it printed, 0 where it failed. */
static size_t ask_postconf(const char *config_directory, char *answer)
{
    const char *clean[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
    const char *argv[] = { "postconf",
                           "-c",
                           config_directory,
                           "-xh",
                           "smtp_helo_name",
                           "smtp_bind_address",
                           "smtp_bind_address6",
                           "inet_protocols",
                           NULL };
    posix_spawn_file_actions_t actions;
    int out[2], status = -1;
    size_t have = 0;
    pid_t pid;

    if (pipe2(out, O_CLOEXEC) == -1)
        return 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool started = posix_spawn(&pid, "/usr/sbin/postconf", &actions, NULL, (char *const *)argv,
                               (char *const *)clean) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    struct pollfd wait = { .fd = out[0], .events = POLLIN };
    while (started && have < POSTFIX_ANSWER_MAX - 1 && poll(&wait, 1, POSTCONF_MS) == 1) {
        ssize_t n = read(out[0], answer + have, POSTFIX_ANSWER_MAX - 1 - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(out[0]);
    if (started) {
        kill(pid, SIGKILL); /* it has printed everything or is stuck */
        waitpid(pid, &status, 0);
    }
    answer[have] = '\0';
    return have;
}

static void split_protocols(char *text, struct postfix_identity *out)
{
    int count = 0;

    for (char *word; (word = strsep(&text, ", \t")) != NULL;)
        if (*word != '\0' && count < FAMILIES)
            out->protocols[count++] = word;
}

void ask_postfix(const char *config_directory, char *answer, struct postfix_identity *out)
{
    char *values[PARAMETERS], *rest = answer;

    memset(out, 0, sizeof *out);
    if (ask_postconf(config_directory, answer) == 0)
        return;
    for (int i = 0; i < PARAMETERS; i++) {
        values[i] = strsep(&rest, "\n");
        if (values[i] == NULL)
            return;
    }
    out->helo_name = values[HELO_NAME];
    out->bind_address[FAMILY_IPV4] = values[BIND4];
    out->bind_address[FAMILY_IPV6] = values[BIND6];
    split_protocols(values[PROTOCOLS], out);
}
