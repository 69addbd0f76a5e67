/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* hash_queue_depth is at most 3 (Postfix's mail_queue.h, MAX_DIR_DEPTH is 15, far from any use). */
#define DEPTH_MAX 5
#define BELOW_MAX 1024

static const char *const queues[] = { "incoming", "active", "deferred", "hold", "maildrop" };

/* Links are not followed: these directories are not root's. */
static DIR *open_directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1)
        return NULL;
    DIR *dir = fdopendir(fd);
    if (dir == NULL)
        close(fd);
    return dir;
}

static unsigned char type_of(int parent, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(parent, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return DT_UNKNOWN;
    return (unsigned char)IFTODT(st.st_mode);
}

struct walk {
    queue_file *visit;
    void *context;
    long count;
    bool stopped;
    char below[BELOW_MAX];
};

static void walk_directory(struct walk *w, DIR *dir, int depth);

static void walk_below(struct walk *w, int parent, const char *name, int depth)
{
    size_t len = strlen(w->below);
    DIR *dir = depth > DEPTH_MAX || len + strlen(name) + 2 > sizeof w->below
                   ? NULL
                   : open_directory(parent, name);

    if (dir == NULL)
        return;
    snprintf(w->below + len, sizeof w->below - len, "%s/", name);
    walk_directory(w, dir, depth);
    w->below[len] = '\0';
    closedir(dir);
}

static void walk_directory(struct walk *w, DIR *dir, int depth)
{
    for (struct dirent *entry;
         !w->stopped && w->count < QUEUE_MAX && (entry = readdir(dir)) != NULL;) {
        unsigned char type = entry->d_name[0] == '.' ? DT_UNKNOWN : type_of(dirfd(dir), entry);
        if (type == DT_DIR)
            walk_below(w, dirfd(dir), entry->d_name, depth + 1);
        else if (type == DT_REG) {
            w->count++;
            w->stopped =
                w->visit != NULL && !w->visit(w->context, dirfd(dir), w->below, entry->d_name);
        }
    }
}

static int walk(int queue_directory, const char *queue, struct walk *w)
{
    DIR *dir = open_directory(queue_directory, queue);

    if (dir == NULL)
        return -1;
    walk_directory(w, dir, 0);
    closedir(dir);
    return 0;
}

int queue_walk(const char *queue_directory, const char *queue, queue_file *visit, void *context)
{
    int fd = open(queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct walk w = { .visit = visit, .context = context };

    if (fd == -1)
        return -1;
    int rc = walk(fd, queue, &w), error = errno;
    close(fd);
    errno = error;
    return rc;
}

long queue_count(const char *queue_directory)
{
    int fd = open(queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct walk w = { 0 };

    if (fd == -1)
        return -1;
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        walk(fd, queues[i], &w);
    close(fd);
    return w.count;
}
