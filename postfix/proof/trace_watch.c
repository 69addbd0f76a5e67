/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/trace_watch.h"

#include "lib/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree of depth 2 has 256 directories (postconf(5) hash_queue_depth). */
#define DIRECTORIES_MAX 1024
#define DEPTH_MAX       5
/* Logs open at once; the oldest goes when there are more. */
#define LOGS_MAX 32
#define LOG_MAX  ((size_t)256 * 1024)
#define EVENTS   (IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR)

struct directory {
    int fd, wd, depth;
};

struct log {
    int fd, wd;
    char id[QUEUE_ID_MAX];
    bool has_head;
    struct queue_file head;
};

struct trace_watch {
    int inotify;
    const char *queue_directory;
    struct directory *directories;
    size_t directory_count;
    struct log *logs;
    size_t log_count;
    unsigned missed;
};

static void drop_log(struct trace_watch *watch, size_t n)
{
    close(watch->logs[n].fd);
    watch->log_count--;
    memmove(&watch->logs[n], &watch->logs[n + 1], (watch->log_count - n) * sizeof *watch->logs);
}

static struct log *find_log(struct trace_watch *watch, int wd, const char *id)
{
    for (size_t i = 0; i < watch->log_count; i++)
        if (watch->logs[i].wd == wd && strcmp(watch->logs[i].id, id) == 0)
            return &watch->logs[i];
    return NULL;
}

static void open_log(struct trace_watch *watch, const struct directory *directory, const char *id)
{
    struct stat st;

    if (strlen(id) >= QUEUE_ID_MAX || find_log(watch, directory->wd, id) != NULL)
        return;
    /* First of all, since time is short. Not our file: no link, and no FIFO that hangs us. */
    int fd = openat(directory->fd, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1) {
        watch->missed += errno == ENOENT;
        return;
    }
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        close(fd);
        return;
    }
    if (watch->log_count == LOGS_MAX)
        drop_log(watch, 0);
    struct log *log = &watch->logs[watch->log_count++];
    log->fd = fd;
    log->wd = directory->wd;
    snprintf(log->id, sizeof log->id, "%s", id);
    /* Now, too: the queue manager removes it after the log. */
    log->has_head = queue_file_read(watch->queue_directory, "active", id, &log->head);
}

static bool is_hash(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && name[1] == '\0';
}

static int open_directory(const struct directory *parent, const char *name)
{
    return openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int add_directory(struct trace_watch *watch, int fd, int depth);

/* What was there before the watch was, or came while it was being set. */
static void look_into(struct trace_watch *watch, struct directory directory, bool with_logs)
{
    int fd = openat(directory.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);

    if (dir == NULL && fd != -1)
        close(fd);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (is_hash(entry->d_name))
            add_directory(watch, open_directory(&directory, entry->d_name), directory.depth + 1);
        else if (with_logs && entry->d_name[0] != '.')
            open_log(watch, &directory, entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
}

/* FD is the watch's from then on. 0, or -1 with errno. */
static int add_directory(struct trace_watch *watch, int fd, int depth)
{
    char path[64];

    if (fd == -1)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int wd = depth > DEPTH_MAX || watch->directory_count == DIRECTORIES_MAX
                 ? -1
                 : inotify_add_watch(watch->inotify, path, EVENTS);
    for (size_t i = 0; wd != -1 && i < watch->directory_count; i++)
        if (watch->directories[i].wd == wd)
            wd = -1;
    if (wd == -1) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    struct directory directory = { .fd = fd, .wd = wd, .depth = depth };
    watch->directories[watch->directory_count++] = directory;
    look_into(watch, directory, depth > 0);
    return 0;
}

struct trace_watch *trace_watch_begin(const char *queue_directory, struct why *why)
{
    char *path = memory_format("%s/trace", queue_directory);
    struct trace_watch *watch = memory_zero(1, sizeof *watch);

    watch->queue_directory = queue_directory;
    watch->directories = memory_zero(DIRECTORIES_MAX, sizeof *watch->directories);
    watch->logs = memory_zero(LOGS_MAX, sizeof *watch->logs);
    watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->inotify == -1 ||
        add_directory(watch, open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0) ==
            -1) {
        why_errno(why, "cannot watch %s", path);
        trace_watch_free(watch);
        watch = NULL;
    }
    free(path);
    return watch;
}

int trace_watch_fd(const struct trace_watch *watch)
{
    return watch->inotify;
}

unsigned trace_watch_missed(const struct trace_watch *watch)
{
    return watch->missed;
}

static void hand_on(const struct log *log, trace_seen seen, void *context)
{
    struct stat st;

    if (fstat(log->fd, &st) == -1 || st.st_size <= 0 || (size_t)st.st_size > LOG_MAX)
        return;
    char *text = memory_zero(1, (size_t)st.st_size);
    ssize_t n = pread(log->fd, text, (size_t)st.st_size, 0);
    if (n > 0)
        seen(context, text, (size_t)n, log->has_head ? &log->head : NULL);
    free(text);
}

static const struct directory *find_directory(const struct trace_watch *watch, int wd)
{
    for (size_t i = 0; i < watch->directory_count; i++)
        if (watch->directories[i].wd == wd)
            return &watch->directories[i];
    return NULL;
}

static void take_event(struct trace_watch *watch, const struct inotify_event *event,
                       trace_seen seen, void *context)
{
    const struct directory *directory = find_directory(watch, event->wd);

    if ((event->mask & IN_Q_OVERFLOW) != 0)
        watch->missed++;
    if (directory == NULL || event->len == 0)
        return;
    if ((event->mask & IN_CREATE) != 0 && (event->mask & IN_ISDIR) != 0) {
        if (is_hash(event->name)) {
            watch->missed++; /* a log may have come and gone in it already */
            add_directory(watch, open_directory(directory, event->name), directory->depth + 1);
        }
        return;
    }
    if ((event->mask & IN_CREATE) != 0)
        open_log(watch, directory, event->name);
    struct log *log = find_log(watch, event->wd, event->name);
    if (log != NULL && (event->mask & (IN_CLOSE_WRITE | IN_DELETE)) != 0)
        hand_on(log, seen, context);
    if (log != NULL && (event->mask & IN_DELETE) != 0)
        drop_log(watch, (size_t)(log - watch->logs));
}

void trace_watch_take(struct trace_watch *watch, trace_seen seen, void *context)
{
    _Alignas(struct inotify_event) char bytes[sizeof(struct inotify_event) + NAME_MAX + 1];
    ssize_t n;

    /* One read gives whole events, and as many as fit; few, so that none waits long for its open.
     */
    while ((n = read(watch->inotify, bytes, sizeof bytes)) > 0 || (n == -1 && errno == EINTR))
        for (const char *p = bytes; n > 0 && p < bytes + n;) {
            const struct inotify_event *event = (const void *)p;
            take_event(watch, event, seen, context);
            p += sizeof *event + event->len;
        }
}

void trace_watch_free(struct trace_watch *watch)
{
    if (watch == NULL)
        return;
    while (watch->log_count > 0)
        drop_log(watch, watch->log_count - 1);
    for (size_t i = 0; i < watch->directory_count; i++)
        close(watch->directories[i].fd);
    if (watch->inotify != -1)
        close(watch->inotify);
    free(watch->directories);
    free(watch->logs);
    free(watch);
}
