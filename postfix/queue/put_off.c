/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/put_off.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/queue/queue.h"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS      20000
#define LOOK_EVERY_MS 50
#define FILES_MOST    65536
#define FILES_SPARE   64 /* for what else we open meanwhile */

/* Postfix's mail_queue.h: a message that is wholly written. One that is not yet must not be locked:
 * cleanup(8) is about to. */
#define IS_READY(st) (S_ISREG((st).st_mode) && ((st).st_mode & 0700) == 0700)

struct put_off {
    char *queue_directory;
    int *fd;
    dev_t device;
    ino_t *inode; /* sorted when all are locked */
    size_t count, room, most;
    struct rlimit limit; /* as it was */
    size_t busy;         /* seen where qmgr(8) has not put them off yet */
};

static bool lock(void *context, int directory, const char *below, const char *id)
{
    struct put_off *p = context;
    struct stat st;
    int fd = openat(directory, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    (void)below;
    if (fd == -1)
        return true;
    if (fstat(fd, &st) == -1 || !IS_READY(st) || flock(fd, LOCK_SH | LOCK_NB) == -1) {
        close(fd);
        return true;
    }
    if (p->count == p->room) {
        p->room = p->room == 0 ? 64 : 2 * p->room;
        p->fd = memory_grow(p->fd, p->room, sizeof *p->fd);
        p->inode = memory_grow(p->inode, p->room, sizeof *p->inode);
    }
    p->device = st.st_dev;
    p->inode[p->count] = st.st_ino;
    p->fd[p->count++] = fd;
    return p->count < p->most;
}

/* Raised for a moment, as far as the service manager lets us; how many files may be open then. */
static size_t raise_limit(struct rlimit *before)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, before) == -1)
        return 0;
    limit = *before;
    limit.rlim_cur = limit.rlim_max < FILES_MOST ? limit.rlim_max : FILES_MOST;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > FILES_SPARE ? limit.rlim_cur - FILES_SPARE : 0;
}

static int compare_inode(const void *a, const void *b)
{
    const ino_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* A time stamp is set on a queue file alone: the directories are Postfix's own user's. */
static void postpone(int directory, const char *id, const struct stat *st, int64_t until)
{
    struct timespec times[2] = { { .tv_sec = until }, { .tv_sec = until } };

    if (IS_READY(*st) && st->st_uid != 0 && st->st_nlink == 1)
        utimensat(directory, id, times, AT_SYMLINK_NOFOLLOW);
}

struct due {
    int64_t now;
    size_t count;
    bool postpone;
};

static bool see_due(void *context, int directory, const char *below, const char *id)
{
    struct due *d = context;
    struct stat st;

    (void)below;
    if (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == -1 || st.st_mtime > d->now + 1)
        return true;
    d->count++;
    if (d->postpone)
        postpone(directory, id, &st, d->now + PUT_OFF_S);
    return true;
}

static void postpone_due(const char *queue_directory)
{
    struct due d = { .now = clock_wall() };

    queue_walk(queue_directory, "deferred", see_due, &d);
    d.postpone = d.count > PUT_OFF_LEAST;
    if (d.postpone)
        queue_walk(queue_directory, "deferred", see_due, &d);
}

static void put_off_free(struct put_off *p)
{
    for (size_t i = 0; i < p->count; i++)
        close(p->fd[i]);
    setrlimit(RLIMIT_NOFILE, &p->limit);
    free(p->fd);
    free(p->inode);
    free(p->queue_directory);
    free(p);
}

struct put_off *put_off_begin(const char *queue_directory)
{
    struct put_off *p = memory_zero(1, sizeof *p);

    postpone_due(queue_directory);
    p->queue_directory = memory_copy(queue_directory);
    p->most = raise_limit(&p->limit);
    if (p->most > 0) {
        queue_walk(queue_directory, "active", lock, p);
        if (p->count < p->most)
            queue_walk(queue_directory, "incoming", lock, p);
    }
    if (p->count > PUT_OFF_LEAST) {
        qsort(p->inode, p->count, sizeof *p->inode, compare_inode);
        return p;
    }
    put_off_free(p);
    return NULL;
}

static bool is_locked(const struct put_off *p, const struct stat *st)
{
    return st->st_dev == p->device &&
           bsearch(&st->st_ino, p->inode, p->count, sizeof *p->inode, compare_inode) != NULL;
}

static bool see_busy(void *context, int directory, const char *below, const char *id)
{
    struct put_off *p = context;
    struct stat st;

    (void)below;
    p->busy += fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_locked(p, &st) &&
               st.st_mtime <= clock_wall() + 1;
    return true;
}

static bool all_seen(struct put_off *p)
{
    p->busy = 0;
    queue_walk(p->queue_directory, "incoming", see_busy, p);
    queue_walk(p->queue_directory, "active", see_busy, p);
    return p->busy == 0;
}

void put_off_end(struct put_off *p, bool reloaded)
{
    int64_t start = clock_mono_ms();

    if (p == NULL)
        return;
    while (reloaded && !all_seen(p) && clock_mono_ms() - start < LIMIT_MS)
        poll(NULL, 0, LOOK_EVERY_MS);
    put_off_free(p);
}

struct again {
    bool (*wanted)(void *context, const char *id);
    void *context;
    int64_t now;
    bool incoming; /* what is due there is on its way */
};

static bool see_again(void *context, int directory, const char *below, const char *id)
{
    struct again *a = context;
    struct stat st;

    (void)below;
    if (!a->wanted(a->context, id) || fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return true;
    if (st.st_mtime < a->now + PUT_OFF_S / 2 && (!a->incoming || st.st_mtime > a->now + 1))
        postpone(directory, id, &st, a->now + PUT_OFF_S);
    return true;
}

void put_off_again(const char *queue_directory, bool (*wanted)(void *context, const char *id),
                   void *context)
{
    struct again a = { .wanted = wanted, .context = context, .now = clock_wall() };

    queue_walk(queue_directory, "deferred", see_again, &a);
    a.incoming = true;
    queue_walk(queue_directory, "incoming", see_again, &a);
}
