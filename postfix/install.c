/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/install.h"

#include "lib/memory.h"
#include "postfix/files.h"
#include "postfix/lock.h"
#include "postfix/main_cf.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 10000

/* Postfix's programs wait until a main.cf is about two seconds old, lest they read half of one.
 * Ours arrives whole by rename, so it may say that it is older (Postfix's dict_load_file_xt). */
#define MTIME_BACK_S 5

#define XATTR_NAMES_MAX 4096
#define XATTR_VALUE_MAX 65536

struct installation {
    char *lock_path;       /* postconf's: main.cf.tmp beside the name main.cf */
    int lock_fd;           /* held until the rename is done */
    char target[PATH_MAX]; /* the file itself, behind any symbolic links */
    char *new_path;        /* what is renamed: lock_path, or a file beside a linked target */
    int new_fd;
};

/* The protocol of edit_file_open(): whoever held the lock before us may have renamed or removed the
 * file that we opened; and a file that a crash left behind, with other permissions or a second
 * name, is not written to but put out of the way. */
static int open_locked(const char *path, struct why *why)
{
    struct stat opened, named;

    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd == -1)
            return why_errno(why, "cannot create %s", path);
        if (!lock_exclusive(fd, LOCK_TIMEOUT_MS)) {
            why_set(why, "somebody else edits main.cf: %s stays locked", path);
            close(fd);
            return -1;
        }
        bool same = fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
                    opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
        if (same && S_ISREG(opened.st_mode) && opened.st_nlink == 1 &&
            (opened.st_mode & 07777) == 0600 && opened.st_uid == 0)
            return fd;
        if (same && unlink(path) == -1 && errno != ENOENT) {
            why_errno(why, "cannot remove %s", path);
            close(fd);
            return -1;
        }
        close(fd);
    }
}

/* Where main.cf is a link, the new file has to stand beside its target for the rename. The lock
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
    in->new_path = memory_format("%s.detourd", in->target);
    if (unlink(in->new_path) == -1 && errno != ENOENT)
        return why_errno(why, "cannot remove %s", in->new_path);
    in->new_fd = open(in->new_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (in->new_fd == -1)
        return why_errno(why, "cannot create %s", in->new_path);
    return 0;
}

/* Labels that a security module sets by itself may be denied; all else has to be kept. */
static bool may_differ(const char *name, int error)
{
    return strncmp(name, "security.", 9) == 0 || error == ENOTSUP;
}

static int copy_xattr(int from, int to, const char *name, char *value, struct why *why)
{
    ssize_t n = fgetxattr(from, name, value, XATTR_VALUE_MAX);

    if (n == -1 && errno == ENODATA)
        return 0;
    if ((n == -1 || fsetxattr(to, name, value, (size_t)n, 0) == -1) && !may_differ(name, errno))
        return why_errno(why, "cannot keep the attribute %s of main.cf", name);
    return 0;
}

static int copy_xattrs(int from, int to, struct why *why)
{
    char names[XATTR_NAMES_MAX];
    ssize_t n = flistxattr(from, names, sizeof names);
    int rc = 0;

    if (n == -1 && errno == ENOTSUP)
        return 0;
    if (n == -1)
        return why_errno(why, "cannot list the attributes of main.cf");
    char *value = memory_zero(1, XATTR_VALUE_MAX);
    for (char *name = names; rc == 0 && name < names + n; name += strlen(name) + 1)
        rc = copy_xattr(from, to, name, value, why);
    free(value);
    return rc;
}

/* Owner first: a change of it may clear mode bits. Then the mode, which the lists may refine. */
static int copy_attributes(int from, const struct stat *st, int to, struct why *why)
{
    struct timespec now, times[2];

    if (fchown(to, st->st_uid, st->st_gid) == -1 || fchmod(to, st->st_mode & 07777) == -1)
        return why_errno(why, "cannot give the new main.cf the owner and mode of the old");
    if (copy_xattrs(from, to, why) == -1)
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    times[0] = times[1] = now;
    times[1].tv_sec -= MTIME_BACK_S;
    if (futimens(to, times) == -1)
        return why_errno(why, "cannot set the time of the new main.cf");
    return 0;
}

static int fill_new_file(struct installation *in, int old_fd, const struct stat *st,
                         const char *bytes, size_t len, struct why *why)
{
    if (file_write_fd(in->new_fd, in->new_path, bytes, len, why) == -1 ||
        copy_attributes(old_fd, st, in->new_fd, why) == -1)
        return -1;
    if (fsync(in->new_fd) == -1)
        return why_errno(why, "cannot write %s", in->new_path);
    return 0;
}

/* Under the lock, and as late as can be, since not every editor takes it: is main.cf still the file
 * and the bytes that the caller has read? */
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
    why_set(why, "main.cf was changed by somebody else in the meantime");
    return INSTALL_CHANGED;
}

static int sync_parent(const char *path, struct why *why)
{
    char *directory = memory_copy(path);

    *strrchr(directory, '/') = '\0';
    int rc = directory_sync(directory[0] == '\0' ? "/" : directory, why);
    free(directory);
    return rc;
}

static enum install_result replace(struct installation *in, const char *main_cf, const char *old,
                                   size_t old_len, const char *new, size_t new_len, struct why *why)
{
    struct stat st, link;
    enum install_result result = INSTALL_FAILED;
    int old_fd = open(in->target, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (old_fd == -1 || fstat(old_fd, &st) == -1 || lstat(main_cf, &link) == -1)
        why_errno(why, "%s", in->target);
    else if (open_new_file(in, S_ISLNK(link.st_mode), why) == 0 &&
             fill_new_file(in, old_fd, &st, new, new_len, why) == 0)
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

/* The name main.cf.tmp is ours to remove only as long as we hold its lock. After a plain rename
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
}

enum install_result install_main_cf(const char *directory, const char *old, size_t old_len,
                                    const char *new, size_t new_len, struct why *why)
{
    struct installation in = { .lock_fd = -1, .new_fd = -1 };
    enum install_result result = INSTALL_FAILED;
    char *main_cf = memory_format("%s/main.cf", directory);

    in.lock_path = memory_format("%s/main.cf.tmp", directory);
    in.lock_fd = open_locked(in.lock_path, why);
    if (in.lock_fd != -1) {
        if (realpath(main_cf, in.target) == NULL)
            why_errno(why, "%s", main_cf);
        else
            result = replace(&in, main_cf, old, old_len, new, new_len, why);
    }
    finish(&in, result);
    free(main_cf);
    return result;
}
