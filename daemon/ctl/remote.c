/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands that ask detourd over its control socket: status, relays, route, hold, ... */
#include "daemon/ctl/remote.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/terminal.h"
#include "daemon/report/status.h"
#include "daemon/report/translate.h"
#include "lib/config_load.h"
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

/* A configuration is used where there is one; only a named one must be there. */
static struct config *load(const struct ctl *ctl, struct complaints *complaints)
{
    if (ctl->config_given || access(ctl->config_path, R_OK) == 0)
        return config_load(ctl->config_path, complaints);
    if (errno != ENOENT && errno != ENOTDIR)
        fprintf(stderr, _("detourctl: %s: %s; going on with the defaults\n"), ctl->config_path,
                strerror(errno));
    return config_defaults();
}

struct config *ctl_config_right(const struct ctl *ctl)
{
    struct complaints *complaints = complaints_new();
    struct config *config = load(ctl, complaints);
    const char *line;

    for (size_t i = 0; (line = complaints_line(complaints, i, NULL)) != NULL; i++)
        fprintf(stderr, "%s\n", line);
    complaints_free(complaints);
    return config;
}

struct config *ctl_config(const struct ctl *ctl)
{
    struct complaints *complaints = complaints_new();
    struct config *config = load(ctl, complaints);

    if (complaints_errors(complaints) > 0)
        fprintf(stderr, "detourctl: %s\n", complaints_line(complaints, 0, NULL));
    if (config == NULL)
        config = config_defaults();
    complaints_free(complaints);
    return config;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        int error = errno;
        fprintf(stderr, _("detourctl: detourd cannot be reached at %s: %s\n"), path,
                strerror(error));
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
        fprintf(stderr, _("detourctl: no answer: %s\n"),
                n == -1 ? strerror(errno) : _("the connection was closed"));
    return text;
}

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

void remote_print(char *text)
{
    size_t len = strlen(text);

    if (len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n')
        text[len - 1] = '\0';
    fputs(text, stdout);
}

bool remote_reach(const struct config *config, int *fd)
{
    *fd = connect_to(config->status.socket);
    return *fd != -1;
}

char *remote_ask(int fd, const char *line)
{
    char *text = NULL;

    if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line) &&
        shutdown(fd, SHUT_WR) == 0)
        text = read_answer(fd);
    close(fd);
    return text;
}

int remote_code(const char *text)
{
    if (begins(text, "usage:") || begins(text, "unknown command"))
        return EXIT_USAGE;
    return begins(text, "failed") || begins(text, "denied") || begins(text, "refused") ||
                   begins(text, "busy")
               ? 1
               : 0;
}

/* What people read is made here, in their language; detourd speaks English alone. Commands whose
 * answer is a document of which that can be done: */
static const struct shown {
    const char *command;
    char *(*text)(const json_t *document);
} shown[] = {
    { "status", status_text },
    { "relays", relays_text },
};

static const struct shown *shown_here(int argc, char *argv[])
{
    if (argc != 1)
        return NULL;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (strcmp(argv[0], shown[i].command) == 0)
            return &shown[i];
    return NULL;
}

/* Programs read a fact a line. */
static void print_wrapped(const char *text)
{
    struct layout layout = terminal_layout(STDOUT_FILENO);
    char *lines = wrapped(text, &layout, status_label_columns());

    fputs(lines, stdout);
    free(lines);
}

/* An answer that is no document is shown as it came. */
static void show(char *answer, const struct shown *how)
{
    json_t *document = how != NULL ? json_loads(answer, 0, NULL) : NULL;

    if (!json_is_object(document)) {
        remote_print(answer);
    } else {
        char *text = how->text(document);
        if (isatty(STDOUT_FILENO))
            print_wrapped(text);
        else
            fputs(text, stdout);
        free(text);
    }
    json_decref(document);
}

static char *line_for(int argc, char *argv[], const struct shown *how)
{
    char *as_document[] = { argv[0], (char[]){ "--json" } };

    return how != NULL ? make_line(2, as_document) : make_line(argc, argv);
}

int command_remote(const struct ctl *ctl, int argc, char *argv[])
{
    struct config *config;
    char *line, *text;
    int fd, code = 1;

    const struct shown *how = shown_here(argc, argv);
    line = line_for(argc, argv, how);
    if (strchr(line, '\n') != line + strlen(line) - 1) {
        free(line);
        return usage_error(EXIT_USAGE, _("an argument holds a line break"));
    }
    config = ctl_config(ctl);
    text = remote_reach(config, &fd) ? remote_ask(fd, line) : NULL;
    if (text != NULL) {
        show(text, how);
        code = remote_code(text);
    }
    free(text);
    free(line);
    config_free(config);
    return code;
}
