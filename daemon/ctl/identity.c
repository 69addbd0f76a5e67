/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/identity.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX  4096
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
    while (started && have < ANSWER_MAX - 1 && poll(&wait, 1, POSTCONF_MS) == 1) {
        ssize_t n = read(out[0], answer + have, ANSWER_MAX - 1 - have);
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

static void set_source(struct identity *id, enum family family, const char *text)
{
    struct address address;

    if (address_parse(text, 0, &address) && address_family(&address) == family) {
        id->settings.source[family] = address;
        id->settings.has_source[family] = true;
    }
}

static void take_parameters(struct identity *id, char *answer)
{
    char *values[PARAMETERS], *rest = answer;

    for (int i = 0; i < PARAMETERS; i++) {
        values[i] = strsep(&rest, "\n");
        if (values[i] == NULL)
            return;
    }
    if (hostname_valid(values[HELO_NAME]))
        snprintf(id->settings.helo_name, sizeof id->settings.helo_name, "%s", values[HELO_NAME]);
    set_source(id, FAMILY_IPV4, values[BIND4]);
    set_source(id, FAMILY_IPV6, values[BIND6]);
    if (strstr(values[PROTOCOLS], "all") == NULL && *values[PROTOCOLS] != '\0') {
        id->families[FAMILY_IPV4] = strstr(values[PROTOCOLS], "ipv4") != NULL;
        id->families[FAMILY_IPV6] = strstr(values[PROTOCOLS], "ipv6") != NULL;
    }
}

/* The canonical name of this host as the resolver knows it, or its bare name. */
static void own_name(char *out, size_t size)
{
    struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM }, *found;
    char name[HOST_MAX + 1] = "";

    gethostname(name, sizeof name - 1);
    snprintf(out, size, "%s", hostname_valid(name) ? name : "localhost");
    if (strchr(name, '.') != NULL || getaddrinfo(name, NULL, &hints, &found) != 0)
        return;
    if (found->ai_canonname != NULL && hostname_valid(found->ai_canonname))
        snprintf(out, size, "%s", found->ai_canonname);
    freeaddrinfo(found);
}

void identity_find(const char *config_directory, struct identity *out)
{
    char answer[ANSWER_MAX];

    memset(out, 0, sizeof *out);
    out->families[FAMILY_IPV4] = out->families[FAMILY_IPV6] = true;
    if (ask_postconf(config_directory, answer) > 0)
        take_parameters(out, answer);
    if (out->settings.helo_name[0] == '\0')
        own_name(out->settings.helo_name, sizeof out->settings.helo_name);
}
