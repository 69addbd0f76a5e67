/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/cf/install.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/attributes.h"
#include "postfix/base/files.h"
#include "postfix/base/lock.h"
#include "postfix/cf/main_cf.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 10000

/* Behind the name of the file that postconf(1) edits: Postfix's EDIT_FILE_SUFFIX. */
#define LOCK_SUFFIX ".tmp"

/* Postfix's programs wait until a main.cf is about two seconds old, lest they read half of one.
 * Ours arrives whole by rename, so it may say that it is older (Postfix's dict_load_file_xt). */
#define MTIME_BACK_S 5

struct installation {
    const char *name;      /* main.cf or master.cf */
    char *path;            /* its name in Postfix's directory, which may be a link */
    char *lock_path;       /* postconf's: the same with ".tmp" */
    int lock_fd;           /* held until the rename is done */
    char target[PATH_MAX]; /* the file itself, behind any symbolic links */
    char *new_path;        /* what is renamed: lock_path, or a file beside a linked target */
    int new_fd;
};

/* Whether PATH still names what was opened. */
static bool is_named(const struct stat *opened, const char *path)
{
    struct stat named;

    return stat(path, &named) == 0 && opened->st_dev == named.st_dev &&
           opened->st_ino == named.st_ino;
}

/* Whether a file may be written to: what a crash left behind may have other permissions, or be
 * the file in force under a second name. */
static bool is_usable(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_nlink == 1 && (st->st_mode & 07777) == 0600 &&
           st->st_uid == geteuid();
}

/* One turn of edit_file_open(): the descriptor, or -1 with a reason, or -2 to try again, since
 * whoever held the lock before us has renamed or removed the file that we opened, or we have put an
 * unusable one out of the way. */
static int try_to_lock(const char *path, const char *name, struct why *why)
{
    struct stat st;
    int rc = -2, fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd == -1)
        return why_errno(why, "cannot create %s", path);
    if (!lock_exclusive(fd, LOCK_TIMEOUT_MS))
        rc = why_set(why, "somebody else edits %s: %s stays locked", name, path);
    else if (fstat(fd, &st) == -1)
        rc = why_errno(why, "%s", path);
    else if (!is_named(&st, path))
        rc = -2;
    else if (is_usable(&st))
        return fd;
    else if (unlink(path) == -1 && errno != ENOENT)
        rc = why_errno(why, "cannot remove %s", path);
    close(fd);
    return rc;
}

/* The protocol of edit_file_open(), with an end: on a file system that gives our files another
 * owner or mode, no file would ever do. */
static int open_locked(const char *path, const char *name, struct why *why)
{
    int64_t deadline = clock_mono_ms() + LOCK_TIMEOUT_MS;

    for (;;) {
        int fd = try_to_lock(path, name, why);
        if (fd != -2)
            return fd;
        if (clock_mono_ms() > deadline)
            return why_set(why, "%s cannot be made a file of our own", path);
    }
}

static char *beside(const char *target)
{
    return memory_format("%s.detourd", target);
}

/* Where the name is a link, the new file has to stand beside its target for the rename. The lock
 * keeps a second one of us away from the name, so what stands there is a dead run's. */
static int open_new_file(struct installation *in, bool is_link, struct why *why)
{
    if (!is_link) {
        in->new_path = memory_copy(in->lock_path);
        in->new_fd = in->lock_fd;
        if (ftruncate(in->new_fd, 0) == -1)
            return why_errno(why, "cannot truncate %s", in->new_path);
        return 0;
    }
    in->new_path = beside(in->target);
    if (unlink(in->new_path) == -1 && errno != ENOENT)
        return why_errno(why, "cannot remove %s", in->new_path);
    in->new_fd = open(in->new_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (in->new_fd == -1)
        return why_errno(why, "cannot create %s", in->new_path);
    return 0;
}

static int set_time_back(int fd, struct why *why)
{
    struct timespec times[2];

    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    times[1].tv_sec -= MTIME_BACK_S;
    if (futimens(fd, times) == -1)
        return why_errno(why, "cannot set the time of the new main.cf");
    return 0;
}

static int fill_new_file(struct installation *in, int old_fd, const char *bytes, size_t len,
                         struct why *why)
{
    if (file_write_fd(in->new_fd, in->new_path, bytes, len, why) == -1 ||
        attributes_copy(old_fd, in->new_fd, why) == -1)
        return -1;
    /* For master.cf, master(8) waits for nothing. */
    if (strcmp(in->name, MAIN_CF) == 0 && set_time_back(in->new_fd, why) == -1)
        return -1;
    if (fsync(in->new_fd) == -1)
        return why_errno(why, "cannot write %s", in->new_path);
    return 0;
}

/* Under the lock, and as late as can be, since not every editor takes it: is it still the file and
 * the bytes that the caller has read? */
static enum install_result compare_old(const struct installation *in, const struct stat *old_st,
                                       const char *old, size_t old_len, struct why *why)
{
    struct stat st;
    size_t len;
    char *bytes = file_read(in->target, MAIN_CF_MAX, &len, why);

    if (bytes == NULL)
        return INSTALL_FAILED;
    bool same = len == old_len && memcmp(bytes, old, len) == 0 && stat(in->target, &st) == 0 &&
                st.st_ino == old_st->st_ino && st.st_mode == old_st->st_mode &&
                st.st_uid == old_st->st_uid && st.st_gid == old_st->st_gid;
    free(bytes);
    if (same)
        return INSTALL_DONE;
    why_set(why, "%s was changed by somebody else in the meantime", in->name);
    return INSTALL_CHANGED;
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == path ? memory_copy("/") : memory_format("%.*s", (int)(slash - path), path);
}

static int sync_parent(const char *path, struct why *why)
{
    char *directory = parent_of(path);
    int rc = directory_sync(directory, why);

    free(directory);
    return rc;
}

/* Known before anything is written, and said in words that help. */
static bool may_be_replaced(const char *path, struct why *why)
{
    char *directory = parent_of(path);
    bool may =
        attributes_replaceable(path, why) == 0 && attributes_replaceable(directory, why) == 0;

    free(directory);
    return may;
}

static enum install_result replace(struct installation *in, const char *old, size_t old_len,
                                   const char *new, size_t new_len, struct why *why)
{
    struct stat st, link;
    enum install_result result = INSTALL_FAILED;
    int old_fd = open(in->target, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (old_fd == -1 || fstat(old_fd, &st) == -1 || lstat(in->path, &link) == -1)
        why_errno(why, "%s", in->target);
    else if (open_new_file(in, S_ISLNK(link.st_mode), why) == 0 &&
             fill_new_file(in, old_fd, new, new_len, why) == 0)
        result = compare_old(in, &st, old, old_len, why);
    if (result == INSTALL_DONE && rename(in->new_path, in->target) == -1) {
        why_errno(why, "cannot rename %s to %s", in->new_path, in->target);
        result = INSTALL_FAILED;
    }
    if (result == INSTALL_DONE && sync_parent(in->target, why) == -1)
        result = INSTALL_UNSYNCED;
    if (old_fd != -1)
        close(old_fd);
    return result;
}

/* The name of the lock is ours to remove only as long as we hold its lock. After a plain rename
 * there is no such name any more; another editor's may already stand there. */
static void finish(struct installation *in, enum install_result result)
{
    bool in_place = result == INSTALL_DONE || result == INSTALL_UNSYNCED;
    bool linked = in->new_fd != in->lock_fd;

    if (!in_place && in->new_path != NULL && linked)
        unlink(in->new_path);
    if (in->lock_fd != -1 && (linked || !in_place))
        unlink(in->lock_path);
    if (linked && in->new_fd != -1)
        close(in->new_fd);
    if (in->lock_fd != -1)
        close(in->lock_fd);
    free(in->new_path);
    free(in->lock_path);
    free(in->path);
}

enum install_result install_file(const char *directory, const char *name, const char *old,
                                 size_t old_len, const char *new, size_t new_len, struct why *why)
{
    struct installation in = { .name = name, .lock_fd = -1, .new_fd = -1 };
    enum install_result result = INSTALL_FAILED;

    in.path = memory_format("%s/%s", directory, name);
    in.lock_path = memory_format("%s" LOCK_SUFFIX, in.path);
    /* In an append-only directory the lock's file could be made, but never removed. */
    if (attributes_replaceable(directory, why) == 0)
        in.lock_fd = open_locked(in.lock_path, name, why);
    if (in.lock_fd != -1) {
        if (realpath(in.path, in.target) == NULL)
            why_errno(why, "%s", in.path);
        else if (may_be_replaced(in.target, why))
            result = replace(&in, old, old_len, new, new_len, why);
    }
    finish(&in, result);
    return result;
}

/* A file beside the target of a link is made after the lock's, and goes before it. */
static void clean(const char *directory, const char *name)
{
    char target[PATH_MAX], *path = memory_format("%s/%s", directory, name);
    char *lock_path = memory_format("%s" LOCK_SUFFIX, path);
    struct why ignored;
    int fd = access(lock_path, F_OK) == 0 ? open_locked(lock_path, name, &ignored) : -1;

    if (fd != -1) {
        if (realpath(path, target) != NULL) {
            char *stray = beside(target);
            unlink(stray);
            free(stray);
        }
        unlink(lock_path);
        close(fd);
    }
    free(lock_path);
    free(path);
}

void install_clean(const char *directory)
{
    clean(directory, MAIN_CF);
    clean(directory, MASTER_CF);
}
