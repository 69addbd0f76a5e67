/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/run_tool.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 16384

static bool start(const char *path, const char *const argv[], int out, pid_t *pid)
{
    const char *clean[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
    posix_spawn_file_actions_t actions;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool started =
        posix_spawn(pid, path, &actions, NULL, (char *const *)argv, (char *const *)clean) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return started;
}

/* Reads to the end of what comes from FD. */
static enum tool_end collect(int fd, int64_t deadline_ms, size_t max, char **out)
{
    size_t have = 0;

    for (;;) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int64_t left = deadline_ms - clock_mono_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;

        if (ready == -1 && errno == EINTR)
            continue;
        if (ready <= 0)
            return TOOL_LATE;
        *out = memory_grow(*out, have + CHUNK + 1, 1);
        ssize_t n = read(fd, *out + have, CHUNK);
        if (n == -1 && errno == EINTR)
            n = 0;
        else if (n <= 0)
            return n == 0 ? TOOL_OK : TOOL_FAILED;
        have += (size_t)n;
        (*out)[have] = '\0';
        if (have > max)
            return TOOL_LONG;
    }
}

/* Whether PID has ended, which is waited for a little: one that has closed its output and goes on
 * running is stuck too. */
static bool has_ended(pid_t pid, int64_t deadline_ms, int *status)
{
    const struct timespec nap = { .tv_nsec = 1000000 };
    pid_t ended;

    while ((ended = waitpid(pid, status, WNOHANG)) == 0 && clock_mono_ms() < deadline_ms)
        nanosleep(&nap, NULL);
    return ended != 0;
}

static enum tool_end await(pid_t pid, int64_t deadline_ms, enum tool_end end)
{
    int status = 0;

    if (end == TOOL_OK && has_ended(pid, deadline_ms, &status))
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TOOL_OK : TOOL_FAILED;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return end == TOOL_OK ? TOOL_LATE : end;
}

enum tool_end run_tool(const char *path, const char *const argv[], int64_t deadline_ms, size_t max,
                       char **out)
{
    enum tool_end end = TOOL_FAILED;
    int ends[2];
    pid_t pid;

    *out = memory_copy("");
    if (access(path, X_OK) == -1)
        return TOOL_ABSENT;
    if (pipe2(ends, O_CLOEXEC) == -1)
        return TOOL_FAILED;
    bool started = start(path, argv, ends[1], &pid);
    close(ends[1]);
    if (started)
        end = await(pid, deadline_ms, collect(ends[0], deadline_ms, max, out));
    close(ends[0]);
    return end;
}
