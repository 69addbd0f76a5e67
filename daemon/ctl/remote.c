/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that ask detourd over its control socket: status, relays, route, hold, ... */
#include "daemon/ctl/command.h"
#include "lib/config.h"
#include "lib/memory.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* detourd answers at once, but for a change, which may take as long as detour-apply takes. */
#define PATIENCE_S 200

/* Where detourd listens. A configuration that is wrong is no reason not to ask: detourd may well
 * run on the one before, at the usual place. */
static char *socket_path(const struct ctl *ctl)
{
    struct complaints *complaints = complaints_new();
    struct config *config = NULL;

    if (ctl->config_given || access(ctl->config_path, R_OK) == 0)
        config = config_load(ctl->config_path, complaints);
    if (complaints_errors(complaints) > 0)
        fprintf(stderr, "detourctl: %s\n", complaints_line(complaints, 0, NULL));
    if (config == NULL)
        config = config_defaults();
    char *path = memory_copy(config->status.socket);
    config_free(config);
    complaints_free(complaints);
    return path;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        fprintf(stderr, "detourctl: detourd cannot be reached at %s: %s\n", path, strerror(errno));
        if (fd != -1)
            close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* "route ses", with " json" at the end where --json was given. */
static char *make_line(int argc, char *argv[])
{
    char *line = memory_copy(argv[0]);
    bool json = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
            continue;
        }
        char *longer = memory_format("%s %s", line, argv[i]);
        free(line);
        line = longer;
    }
    char *whole = memory_format("%s%s\n", line, json ? " json" : "");
    free(line);
    return whole;
}

static char *read_answer(int fd)
{
    char buffer[4096], *text = NULL;
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        text = memory_grow(text, len + (size_t)n + 1, 1);
        memcpy(text + len, buffer, (size_t)n);
        len += (size_t)n;
        text[len] = '\0';
    }
    if (n == -1 || text == NULL)
        fprintf(stderr, "detourctl: no answer: %s\n", n == -1 ? strerror(errno) : "closed");
    return text;
}

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* The empty line at the end is the protocol's, not the reader's. */
static void print_answer(char *text)
{
    size_t len = strlen(text);

    if (len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n')
        text[len - 1] = '\0';
    fputs(text, stdout);
}

int command_remote(const struct ctl *ctl, int argc, char *argv[])
{
    char *path = socket_path(ctl), *line, *text;
    int fd = connect_to(path), code = 1;

    free(path);
    if (fd == -1)
        return 1;
    line = make_line(argc, argv);
    bool one_line = strchr(line, '\n') == line + strlen(line) - 1;
    if (!one_line) {
        free(line);
        close(fd);
        return usage_error(EXIT_USAGE, "an argument holds a line break");
    }
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) &&
        shutdown(fd, SHUT_WR) == 0 && (text = read_answer(fd)) != NULL) {
        print_answer(text);
        code = begins(text, "usage:") || begins(text, "unknown command") ? EXIT_USAGE
               : begins(text, "failed") || begins(text, "denied") || begins(text, "refused") ||
                       begins(text, "busy")
                   ? 1
                   : 0;
        free(text);
    }
    free(line);
    close(fd);
    return code;
}
