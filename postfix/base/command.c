/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/command.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127
#define ROOM_AT_FIRST    ((size_t)16 * 1024)
/* More than a pipe holds: what a tool that has ended wrote last is read whole. */
#define READS_AT_ONCE 256

static const char *const environment[] = { "PATH=" COMMAND_PATH, "LC_ALL=C", "HOME=/", "TZ=UTC",
                                           NULL };

struct stream {
    int fd; /* -1 once it has ended */
    char *text;
    size_t len, room;
    bool truncated;
    bool broken;        /* not all of it could be read */
    command_sink *sink; /* gets it in place of text */
    void *context;
    bool stopped;     /* the sink wants no more */
    int64_t heard_ms; /* when it last said something, or began */
};

struct child {
    pid_t pid;
    int pidfd;
    struct stream out, err;
};

/* The full path of NAME; the caller frees it. NULL when there is none. */
static char *find_tool(const char *name)
{
    if (name[0] == '/')
        return access(name, X_OK) == 0 ? memory_copy(name) : NULL;
    char *path = memory_copy(COMMAND_PATH), *rest = path, *found = NULL;
    for (char *dir; found == NULL && (dir = strsep(&rest, ":")) != NULL;) {
        char *candidate = memory_format("%s/%s", dir, name);
        if (access(candidate, X_OK) == 0)
            found = candidate;
        else
            free(candidate);
    }
    free(path);
    return found;
}

bool command_exists(const char *name)
{
    char *path = find_tool(name);
    bool exists = path != NULL;

    free(path);
    return exists;
}

/* Signals as a tool expects them: we ignore SIGPIPE and hold others back, it must not. */
static void default_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        sigaction(s, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_tool(const char *path, const char *const argv[], int out, int err,
                                  pid_t parent)
{
    int null = open("/dev/null", O_RDWR);

    setsid(); /* Not setpgid(): master(8) wants a session of its own, which a group leader cannot
                 make. */
    /* A tool must not outlive us and change Postfix behind the back of the next run. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || null == -1 || dup2(null, STDIN_FILENO) == -1 ||
        dup2(out, STDOUT_FILENO) == -1 || dup2(err, STDERR_FILENO) == -1 || chdir("/") == -1)
        _exit(EXIT_NOT_STARTED);
    close_range(3, ~0U, 0);
    default_signals();
    execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
    _exit(EXIT_NOT_STARTED);
}

static int open_streams(struct stream *out, struct stream *err, int ends[2], struct why *why)
{
    int a[2] = { -1, -1 }, b[2] = { -1, -1 };

    if (pipe2(a, O_CLOEXEC) == -1 || pipe2(b, O_CLOEXEC) == -1) {
        why_errno(why, "pipe");
        if (a[0] != -1) {
            close(a[0]);
            close(a[1]);
        }
        return -1;
    }
    fcntl(a[0], F_SETFL, O_NONBLOCK);
    fcntl(b[0], F_SETFL, O_NONBLOCK);
    out->fd = a[0];
    err->fd = b[0];
    ends[0] = a[1];
    ends[1] = b[1];
    return 0;
}

static void end_stream(struct stream *s)
{
    if (s->fd != -1)
        close(s->fd);
    s->fd = -1;
}

static int start(struct child *child, const char *path, const char *const argv[], struct why *why)
{
    pid_t self = getpid();
    int ends[2];

    if (open_streams(&child->out, &child->err, ends, why) == -1)
        return -1;
    child->pid = fork();
    if (child->pid == 0)
        become_tool(path, argv, ends[0], ends[1], self);
    if (child->pid == -1)
        why_errno(why, "fork");
    close(ends[0]);
    close(ends[1]);
    if (child->pid == -1)
        return -1;
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd != -1)
        return 0;
    why_errno(why, "pidfd_open");
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    return -1;
}

/* Not by realloc(), which may leave a copy of what was a password behind. */
static void make_room(struct stream *s, size_t len)
{
    size_t room = s->room;

    while (room < s->len + len)
        room *= 2;
    if (room == s->room)
        return;
    char *text = memory_zero(1, room + 1);
    memcpy(text, s->text, s->len);
    explicit_bzero(s->text, s->len);
    free(s->text);
    s->text = text;
    s->room = room;
}

static void keep(struct stream *s, const char *bytes, size_t len)
{
    if (s->sink != NULL) {
        s->stopped = s->stopped || !s->sink(s->context, bytes, len);
        return;
    }
    if (len > COMMAND_OUTPUT_MAX - s->len) {
        len = COMMAND_OUTPUT_MAX - s->len;
        s->truncated = true;
    }
    make_room(s, len);
    memcpy(s->text + s->len, bytes, len);
    s->len += len;
    s->text[s->len] = '\0';
}

/* Reads what is there now; of a tool that never pauses, so much that the deadline is seen. */
static void drain(struct stream *s)
{
    char bytes[16384];

    for (int i = 0; i < READS_AT_ONCE && s->fd != -1; i++) {
        ssize_t n = read(s->fd, bytes, sizeof bytes);
        if (n > 0) {
            keep(s, bytes, (size_t)n);
            s->heard_ms = clock_mono_ms();
        } else if (n == -1 && errno == EAGAIN)
            break;
        else if (n == 0 || errno != EINTR) {
            s->broken = n == -1;
            end_stream(s);
        }
    }
    explicit_bzero(bytes, sizeof bytes);
}

/* What is left of the time: a stream has much of it as long as it goes on. */
static int64_t time_left(const struct child *child, int64_t deadline, int silence_ms)
{
    int64_t left = deadline - clock_mono_ms();
    int64_t silence = child->out.heard_ms + silence_ms - clock_mono_ms();

    return silence_ms != 0 && silence < left ? silence : left;
}

/* Until the tool itself has ended: a daemon that it left behind may hold its output open. */
static bool wait_for_end(struct child *child, int timeout_ms, int silence_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;

    child->out.heard_ms = clock_mono_ms();
    for (;;) {
        int64_t left = time_left(child, deadline, silence_ms);
        if (left <= 0)
            return false;
        struct pollfd fds[] = { { .fd = child->pidfd, .events = POLLIN },
                                { .fd = child->out.fd, .events = POLLIN },
                                { .fd = child->err.fd, .events = POLLIN } };
        if (poll(fds, 3, (int)left) <= 0)
            continue;
        drain(&child->out);
        drain(&child->err);
        if (fds[0].revents != 0 || child->out.stopped)
            return true;
    }
}

static int reap(struct child *child)
{
    int status = 0;

    while (waitpid(child->pid, &status, 0) == -1 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void stream_start(struct stream *s)
{
    s->fd = -1;
    s->room = ROOM_AT_FIRST;
    s->text = memory_zero(1, s->room + 1);
}

static int run_child(struct child *child, const char *path, const char *const argv[],
                     int timeout_ms, int silence_ms, int *status, struct why *why)
{
    if (start(child, path, argv, why) == -1)
        return -1;
    int64_t began = clock_mono_ms();
    bool ended = wait_for_end(child, timeout_ms, silence_ms);
    if ((!ended || child->out.stopped) && kill(-child->pid, SIGKILL) == -1)
        kill(child->pid, SIGKILL);
    *status = reap(child);
    drain(&child->out);
    drain(&child->err);
    close(child->pidfd);
    if (!ended && clock_mono_ms() - began < timeout_ms)
        return why_set(why, "%s said nothing for %d s and was killed", argv[0], silence_ms / 1000);
    if (!ended)
        return why_set(why, "%s did not end within %d s and was killed", argv[0],
                       timeout_ms / 1000);
    /* Half an answer must not be taken for the whole: what is missing could be a refusal. */
    if (child->out.broken || child->err.broken)
        return why_set(why, "cannot read what %s says", argv[0]);
    return 0;
}

int command_run(const char *const argv[], int timeout_ms, struct command_result *result,
                struct why *why)
{
    return command_stream(argv, timeout_ms, 0, NULL, NULL, result, why);
}

int command_stream(const char *const argv[], int timeout_ms, int silence_ms, command_sink *sink,
                   void *context, struct command_result *result, struct why *why)
{
    struct child child = { .pidfd = -1, .out = { .sink = sink, .context = context } };
    char *path = find_tool(argv[0]);
    int rc;

    result->status = EXIT_NOT_STARTED;
    stream_start(&child.out);
    stream_start(&child.err);
    if (path == NULL)
        rc = why_set(why, "there is no %s in %s", argv[0], COMMAND_PATH);
    else
        rc = run_child(&child, path, argv, timeout_ms, silence_ms, &result->status, why);
    end_stream(&child.out);
    end_stream(&child.err);
    free(path);
    result->out = child.out.text;
    result->out_len = child.out.len;
    result->err = child.err.text;
    result->err_len = child.err.len;
    result->truncated = child.out.truncated || child.err.truncated;
    return rc;
}

/* One of several tools that run at the same time. */
struct runner {
    struct child child;
    bool runs;
};

static bool begin_runner(struct runner *r, const char *path, const char *const argv[],
                         struct why *why)
{
    r->child = (struct child){ .pidfd = -1 };
    stream_start(&r->child.out);
    stream_start(&r->child.err);
    r->runs = start(&r->child, path, argv, why) == 0;
    return r->runs;
}

static void free_runner(struct runner *r)
{
    end_stream(&r->child.out);
    end_stream(&r->child.err);
    free(r->child.out.text);
    free(r->child.err.text);
}

/* Whether it went well. */
static bool end_runner(struct runner *r, const char *name, struct why *why)
{
    int status = reap(&r->child);

    drain(&r->child.out);
    drain(&r->child.err);
    close(r->child.pidfd);
    r->runs = false;
    if (status != 0) {
        struct command_result result = { .out = r->child.out.text,
                                         .err = r->child.err.text,
                                         .err_len = r->child.err.len };
        char words[WHY_MAX / 2];
        command_words(&result, words, sizeof words);
        why_set(why, "%s exited with status %d: %s", name, status, words);
    }
    free_runner(r);
    return status == 0;
}

/* Until one has ended, or the time is over: those that ended are taken, well or not. */
static size_t await_runners(struct runner runners[], int left_ms, const char *name, struct why *why)
{
    struct pollfd fds[3 * COMMAND_PARALLEL];
    size_t well = 0;

    for (size_t i = 0; i < COMMAND_PARALLEL; i++) {
        const struct runner *r = &runners[i];
        fds[3 * i] = (struct pollfd){ .fd = r->runs ? r->child.pidfd : -1, .events = POLLIN };
        fds[3 * i + 1] = (struct pollfd){ .fd = r->runs ? r->child.out.fd : -1, .events = POLLIN };
        fds[3 * i + 2] = (struct pollfd){ .fd = r->runs ? r->child.err.fd : -1, .events = POLLIN };
    }
    if (poll(fds, 3 * COMMAND_PARALLEL, left_ms) <= 0)
        return 0;
    for (size_t i = 0; i < COMMAND_PARALLEL; i++) {
        if (!runners[i].runs)
            continue;
        drain(&runners[i].child.out);
        drain(&runners[i].child.err);
        if (fds[3 * i].revents != 0)
            well += end_runner(&runners[i], name, why);
    }
    return well;
}

static size_t count_runners(const struct runner runners[])
{
    size_t count = 0;

    for (size_t i = 0; i < COMMAND_PARALLEL; i++)
        count += runners[i].runs;
    return count;
}

static void kill_runners(struct runner runners[], const char *name, struct why *why)
{
    for (size_t i = 0; i < COMMAND_PARALLEL; i++) {
        if (!runners[i].runs)
            continue;
        if (kill(-runners[i].child.pid, SIGKILL) == -1)
            kill(runners[i].child.pid, SIGKILL);
        end_runner(&runners[i], name, why);
    }
}

size_t command_each(const char *const argv[], const char *const words[], size_t count,
                    int timeout_ms, struct why *why)
{
    struct runner runners[COMMAND_PARALLEL] = { 0 };
    char *path = find_tool(argv[0]);
    int64_t deadline = clock_mono_ms() + timeout_ms, left = timeout_ms;
    size_t next = 0, well = 0, argc = 0;

    if (path == NULL)
        why_set(why, "there is no %s in %s", argv[0], COMMAND_PATH);
    while (argv[argc] != NULL)
        argc++;
    const char **line = memory_zero(argc + 2, sizeof *line);
    memcpy(line, argv, argc * sizeof *line);
    while (path != NULL && left > 0 && (next < count || count_runners(runners) > 0)) {
        for (size_t i = 0; i < COMMAND_PARALLEL && next < count; i++) {
            if (runners[i].runs)
                continue;
            line[argc] = words[next++];
            if (!begin_runner(&runners[i], path, line, why))
                free_runner(&runners[i]);
        }
        well += await_runners(runners, (int)left, argv[0], why);
        left = deadline - clock_mono_ms();
    }
    kill_runners(runners, argv[0], why);
    free(line);
    free(path);
    return well;
}

int command_ok(const char *const argv[], int timeout_ms, struct command_result *result,
               struct why *why)
{
    char words[WHY_MAX / 2];

    if (command_run(argv, timeout_ms, result, why) == -1)
        return -1;
    if (result->status == 0)
        return 0;
    command_words(result, words, sizeof words);
    return why_set(why, "%s exited with status %d%s%s", argv[0], result->status,
                   words[0] == '\0' ? "; the mail log may say more" : ": ", words);
}

void command_result_free(struct command_result *result)
{
    if (result->out != NULL)
        explicit_bzero(result->out, result->out_len);
    free(result->out);
    free(result->err);
    memset(result, 0, sizeof *result);
}

void command_words(const struct command_result *result, char *out, size_t len)
{
    const char *text = result->err_len > 0 ? result->err : result->out;
    size_t used = 0;

    for (; *text != '\0' && used + 1 < len; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n' && text[1] == '\0')
            break;
        out[used++] = c == '\n' ? ';' : (char)(c < 0x20 || c == 0x7f ? ' ' : c);
    }
    out[used] = '\0';
}
