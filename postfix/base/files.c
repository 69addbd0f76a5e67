/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/files.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Our own trees are three levels deep. */
#define DEPTH_MAX 8

/* Behind the name of a file that is being replaced. */
#define TEMPORARY ".new"

char *file_read_fd(int fd, const char *name, size_t max, size_t *len, struct why *why)
{
    struct stat st;
    size_t have = 0;

    if (fstat(fd, &st) == -1) {
        why_errno(why, "%s", name);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size > max) {
        why_set(why, "%s is not a regular file of at most %zu bytes", name, max);
        return NULL;
    }
    char *bytes = memory_zero((size_t)st.st_size + 1, 1);
    while (have < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + have, (size_t)st.st_size - have);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            why_errno(why, "%s", name);
            free(bytes);
            return NULL;
        }
        if (n == 0)
            break;
        have += (size_t)n;
    }
    bytes[have] = '\0';
    *len = have;
    return bytes;
}

char *file_read(const char *path, size_t max, size_t *len, struct why *why)
{
    /* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd == -1) {
        why_errno(why, "%s", path);
        return NULL;
    }
    char *bytes = file_read_fd(fd, path, max, len, why);
    close(fd);
    return bytes;
}

int64_t file_written_at(const char *path)
{
    struct timespec now;
    struct stat st;
    int64_t age = -1;

    if (stat(path, &st) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
        age = (now.tv_sec - st.st_mtim.tv_sec) * INT64_C(1000) +
              (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
    return age < 0 ? 0 : clock_mono_ms() - age;
}

int file_write_fd(int fd, const char *name, const char *bytes, size_t len, struct why *why)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return why_errno(why, "cannot write %s", name);
        done += (size_t)n;
    }
    return 0;
}

static int create(const char *path, mode_t mode, const char *bytes, size_t len, bool sync,
                  struct why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = 0;

    if (fd == -1)
        return why_errno(why, "cannot create %s", path);
    rc = file_write_fd(fd, path, bytes, len, why);
    if (rc == 0 && fchmod(fd, mode) == -1)
        rc = why_errno(why, "cannot set the mode of %s", path);
    if (rc == 0 && sync && fsync(fd) == -1)
        rc = why_errno(why, "cannot write %s", path);
    if (close(fd) == -1 && rc == 0)
        rc = why_errno(why, "cannot write %s", path);
    if (rc == -1)
        unlink(path);
    return rc;
}

int file_create(const char *path, mode_t mode, const char *bytes, size_t len, struct why *why)
{
    return create(path, mode, bytes, len, false, why);
}

int file_replace(const char *path, mode_t mode, const char *bytes, size_t len, struct why *why)
{
    char *temporary = memory_format("%s" TEMPORARY, path);
    int rc = 0;

    /* What a run that was cut off left behind. */
    if (unlink(temporary) == -1 && errno != ENOENT)
        rc = why_errno(why, "cannot remove %s", temporary);
    if (rc == 0)
        rc = create(temporary, mode, bytes, len, true, why);
    if (rc == 0 && rename(temporary, path) == -1) {
        rc = why_errno(why, "cannot rename %s", temporary);
        unlink(temporary);
    }
    free(temporary);
    return rc;
}

int directory_make(const char *path, mode_t mode, struct why *why)
{
    struct stat st;

    /* With its final mode at once: another run may look at it the moment that it is there. */
    mode_t mask = umask(0);
    int made = mkdir(path, mode);
    int error = errno;
    umask(mask);
    errno = error;
    if (made == 0)
        return 0;
    if (errno != EEXIST)
        return why_errno(why, "cannot create %s", path);
    if (lstat(path, &st) == -1)
        return why_errno(why, "%s", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 0777 & ~mode) != 0)
        return why_set(why, "%s is not a directory of root's with mode %04o or less", path, mode);
    return 0;
}

int directory_sync(const char *path, struct why *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;

    if (fd == -1)
        return why_errno(why, "%s", path);
    if (fsync(fd) == -1)
        rc = why_errno(why, "cannot sync %s", path);
    close(fd);
    return rc;
}

struct dirent *directory_next(DIR *dir, const char *name, int *rc, struct why *why)
{
    errno = 0;
    struct dirent *entry = readdir(dir);
    if (entry == NULL && errno != 0)
        *rc = why_errno(why, "cannot read %s", name);
    return entry;
}

static int sync_at(int dir, const char *name, struct why *why)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int rc = 0;

    if (fd == -1)
        return why_errno(why, "%s", name);
    if (fsync(fd) == -1)
        rc = why_errno(why, "cannot sync %s", name);
    close(fd);
    return rc;
}

int directory_sync_files(const char *path, struct why *why)
{
    DIR *dir = opendir(path);
    int rc = 0;

    if (dir == NULL)
        return why_errno(why, "%s", path);
    for (struct dirent *entry; rc == 0 && (entry = directory_next(dir, path, &rc, why)) != NULL;)
        if (entry->d_name[0] != '.')
            rc = sync_at(dirfd(dir), entry->d_name, why);
    closedir(dir);
    return rc == 0 ? directory_sync(path, why) : -1;
}

static int remove_at(int parent, const char *name, int depth, struct why *why);

static int empty_directory(int fd, const char *name, int depth, struct why *why)
{
    DIR *dir = fdopendir(fd);
    int rc = 0;

    if (dir == NULL) {
        close(fd);
        return why_errno(why, "cannot read %s", name);
    }
    for (struct dirent *entry; rc == 0 && (entry = directory_next(dir, name, &rc, why)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = remove_at(dirfd(dir), entry->d_name, depth + 1, why);
    closedir(dir);
    return rc;
}

static int remove_at(int parent, const char *name, int depth, struct why *why)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return why_errno(why, "cannot remove %s", name);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1 || depth > DEPTH_MAX) {
        why_errno(why, "cannot remove %s", name);
        if (fd != -1)
            close(fd);
        return -1;
    }
    if (empty_directory(fd, name, depth, why) == -1)
        return -1;
    if (unlinkat(parent, name, AT_REMOVEDIR) == -1)
        return why_errno(why, "cannot remove %s", name);
    return 0;
}

int temporaries_remove(const char *path, struct why *why)
{
    DIR *dir = opendir(path);
    int rc = 0;

    if (dir == NULL)
        return why_errno(why, "%s", path);
    for (struct dirent *entry; rc == 0 && (entry = directory_next(dir, path, &rc, why)) != NULL;) {
        size_t len = strlen(entry->d_name), end = strlen(TEMPORARY);
        if (len > end && strcmp(entry->d_name + len - end, TEMPORARY) == 0)
            rc = remove_at(dirfd(dir), entry->d_name, 0, why);
    }
    closedir(dir);
    return rc;
}

int tree_remove(const char *path, struct why *why)
{
    return remove_at(AT_FDCWD, path, 0, why);
}
