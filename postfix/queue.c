/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

/* hash_queue_depth is at most 3 (Postfix's mail_queue.h, MAX_DIR_DEPTH is 15, far from any use). */
#define DEPTH_MAX 5

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

static void count_in(int parent, const char *name, int depth, long *count)
{
    DIR *dir = depth > DEPTH_MAX ? NULL : open_directory(parent, name);

    if (dir == NULL)
        return;
    for (struct dirent *entry; *count < QUEUE_MAX && (entry = readdir(dir)) != NULL;) {
        unsigned char type = entry->d_name[0] == '.' ? DT_UNKNOWN : type_of(dirfd(dir), entry);
        if (type == DT_DIR)
            count_in(dirfd(dir), entry->d_name, depth + 1, count);
        else if (type == DT_REG)
            (*count)++;
    }
    closedir(dir);
}

long queue_count(const char *queue_directory)
{
    int fd = open(queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long count = 0;

    if (fd == -1)
        return -1;
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        count_in(fd, queues[i], 0, &count);
    close(fd);
    return count;
}
