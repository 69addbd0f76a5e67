/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/request/listen.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "lib/trust.h"
#include "postfix/request/answer.h"
#include "postfix/request/intake.h"
#include "postfix/request/peer.h"
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 16

struct listener {
    const struct config *config;
    int socket;
    int signals;
    int children;
};

static int fill_address(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (path[0] != '/' || strlen(path) >= sizeof address->sun_path) {
        log_error("%s: a socket has an absolute path of at most %zu bytes", path,
                  sizeof address->sun_path - 1);
        return -1;
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return 0;
}

/* In a directory that others can write, they could put a socket of their own in our place. */
static int check_directory(const char *path)
{
    char why[512];
    char *directory = memory_copy(path);
    int rc;

    *strrchr(directory, '/') = '\0';
    rc = trust_check(directory[0] == '\0' ? "/" : directory, why, sizeof why);
    if (rc == -1)
        log_error("%s: %s", path, why);
    free(directory);
    return rc;
}

/* A socket that nobody listens on is a dead listener's, and goes; a live one stays. */
static int clear_way(const struct sockaddr_un *address)
{
    struct stat st;

    if (lstat(address->sun_path, &st) == -1 && errno == ENOENT)
        return 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool stale = rc == -1 && errno == ECONNREFUSED && S_ISSOCK(st.st_mode);
    close(fd);
    if (stale && unlink(address->sun_path) == 0)
        return 0;
    log_error("%s: %s", address->sun_path,
              rc == 0 || S_ISSOCK(st.st_mode) ? "another listener has it" : "is not a socket");
    return -1;
}

/* Bound with no permissions (the umask is 077), then opened to root and the daemon's group. */
static int open_socket(const char *path, gid_t group)
{
    struct sockaddr_un address;

    if (fill_address(path, &address) == -1 || check_directory(path) == -1 ||
        clear_way(&address) == -1)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd != -1 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        chown(path, 0, group) == 0 && chmod(path, 0660) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    log_error("%s: %s", path, strerror(errno));
    if (fd != -1)
        close(fd);
    return -1;
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* This very program, even if the file was replaced by an upgrade meanwhile. */
static _Noreturn void serve(const char *config_path, int connection)
{
    static char program[] = "detour-apply", option[] = "-c";
    char *path = memory_copy(config_path);
    char *const argv[] = { program, option, path, NULL };
    char *const environment[] = { NULL };
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(connection, STDIN_FILENO) != -1 && dup2(connection, STDOUT_FILENO) != -1)
        execve("/proc/self/exe", argv, environment);
    _exit(EXIT_FAILURE);
}

static void turn_away(int connection, const char *result, const char *reason)
{
    struct answer answer = { .fd = connection };

    intake_discard(connection);
    answer_end(&answer, result, reason, NULL);
}

static void accept_one(struct listener *l)
{
    int connection = accept4(l->socket, NULL, NULL, SOCK_CLOEXEC);

    if (connection == -1)
        return;
    if (!peer_allowed(connection, l->config->user)) {
        turn_away(connection, "refused", "only root and the configured user may ask");
    } else if (l->children >= LISTEN_CHILDREN_MAX) {
        turn_away(connection, "busy", "too many requests at the same time");
    } else {
        pid_t pid = fork();
        if (pid == 0)
            serve(l->config->path, connection);
        if (pid == -1)
            turn_away(connection, "failed", "cannot fork");
        else
            l->children++;
    }
    close(connection);
}

/* False when it is time to end. */
static bool take_signal(struct listener *l)
{
    struct signalfd_siginfo info;

    if (read(l->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return true;
    while (l->children > 0 && waitpid(-1, NULL, WNOHANG) > 0)
        l->children--;
    return info.ssi_signo == SIGCHLD;
}

static void loop(struct listener *l)
{
    for (bool going = true; going;) {
        struct pollfd fds[] = { { .fd = l->socket, .events = POLLIN },
                                { .fd = l->signals, .events = POLLIN } };
        if (poll(fds, 2, -1) == -1)
            continue;
        if (fds[1].revents != 0)
            going = take_signal(l);
        if (going && fds[0].revents != 0)
            accept_one(l);
    }
}

int listen_run(const struct config *config, const char *path)
{
    struct listener l = { .config = config };
    const struct passwd *entry = getpwnam(config->user);

    if (entry == NULL) {
        log_error("there is no user %s, to whom the socket would belong", config->user);
        return 2;
    }
    l.signals = open_signals();
    l.socket = l.signals == -1 ? -1 : open_socket(path, entry->pw_gid);
    if (l.socket == -1)
        return 1;
    log_info("listening on %s", path);
    loop(&l);
    unlink(path);
    close(l.socket);
    close(l.signals);
    return 0;
}
