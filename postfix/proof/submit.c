/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/submit.h"

#include "lib/memory.h"
#include "postfix/base/command.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* postdrop(1) waits a long time for room on a full disk. */
#define TIMEOUT_MS 30000

struct submit {
    pid_t pid;
    int fd;
};

/* What the child says: nothing when all is well, else the reason. */
static _Noreturn void run(const char *const argv[], int out, pid_t parent)
{
    struct command_result result = { 0 };
    struct why why;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int rc = command_ok(argv, TIMEOUT_MS, &result, &why);
    if (rc == -1 && write(out, why.text, strlen(why.text)) == -1)
        _exit(1);
    _exit(rc == 0 ? 0 : 1);
}

struct submit *submit_begin(const char *const argv[], struct why *why)
{
    pid_t self = getpid(), pid;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == -1) {
        why_errno(why, "pipe");
        return NULL;
    }
    pid = fork();
    if (pid == 0)
        run(argv, ends[1], self);
    if (pid == -1)
        why_errno(why, "fork");
    close(ends[1]);
    if (pid == -1) {
        close(ends[0]);
        return NULL;
    }
    struct submit *submit = memory_zero(1, sizeof *submit);
    submit->pid = pid;
    submit->fd = ends[0];
    return submit;
}

int submit_fd(const struct submit *submit)
{
    return submit->fd;
}

static int reap(struct submit *submit)
{
    int status = 0;

    while (waitpid(submit->pid, &status, 0) == -1 && errno == EINTR)
        continue;
    submit->pid = 0;
    return status;
}

static void close_pipe(struct submit *submit)
{
    if (submit->fd != -1)
        close(submit->fd);
    submit->fd = -1;
}

int submit_result(struct submit *submit, struct why *why)
{
    char text[WHY_MAX];
    ssize_t n;

    do
        n = read(submit->fd, text, sizeof text - 1);
    while (n == -1 && errno == EINTR);
    close_pipe(submit);
    if (reap(submit) == 0 && n == 0)
        return 0;
    text[n < 0 ? 0 : n] = '\0';
    return why_set(why, "%s", n > 0 ? text : "the probe could not be sent");
}

void submit_free(struct submit *submit)
{
    if (submit == NULL)
        return;
    close_pipe(submit);
    if (submit->pid > 0) {
        kill(submit->pid, SIGKILL);
        reap(submit);
    }
    free(submit);
}
