/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/home.h"

#include "lib/clock.h"
#include "lib/trust.h"
#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/base/lock.h"
#include "postfix/base/paths.h"
#include "postfix/method/senders.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_WAIT_MS 30000

static int check_file(const struct config *config, const char *name, struct why *why)
{
    char *path = home_path(config, name);
    struct stat st;
    int rc = 0;

    if (stat(path, &st) == -1)
        rc = why_errno(why, "Postfix is not configured: %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = why_set(why, "Postfix is not configured: %s is not a regular file", path);
    free(path);
    return rc;
}

int home_check(const struct config *config, struct why *why)
{
    if (!command_exists("postconf"))
        return why_set(why, "Postfix is not installed: no postconf in %s", COMMAND_PATH);
    if (config->postfix.config_directory[0] != '/')
        return why_set(why, "config_directory %s is not an absolute path",
                       config->postfix.config_directory);
    if (check_file(config, "main.cf", why) == -1 || check_file(config, "master.cf", why) == -1)
        return -1;
    return trust_check(config->postfix.config_directory, why->text, sizeof why->text);
}

static int make(const struct config *config, const char *name, mode_t mode, struct why *why)
{
    char *path = home_path(config, name);
    int rc = directory_make(path, mode, why);

    free(path);
    return rc;
}

/* Makes the directories of ours that are missing. */
static int prepare(const struct config *config, struct why *why)
{
    if (make(config, OUR_DIRECTORY, 0755, why) == -1)
        return -1;
    return make(config, PRIVATE, 0700, why);
}

/* Who waited for the lock may have got that of a file which is gone: somebody took away all that is
 * ours meanwhile (home_remove). */
static bool is_gone(int fd, const char *path)
{
    struct stat own, now;

    if (fstat(fd, &own) == -1)
        return false;
    if (lstat(path, &now) == -1)
        return errno == ENOENT;
    return own.st_ino != now.st_ino || own.st_dev != now.st_dev;
}

/* *AGAIN when the file went away. */
static int lock_file(const char *path, int wait_ms, int *fd, bool *again, struct why *why)
{
    int rc = 0;

    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    *again = *fd == -1 && errno == ENOENT;
    if (*fd == -1)
        rc = why_errno(why, "cannot open %s", path);
    else if (!lock_exclusive(*fd, wait_ms))
        rc = errno == EINTR ? 1 : why_errno(why, "cannot lock %s", path);
    else
        *again = is_gone(*fd, path);
    if (*fd != -1 && (rc != 0 || *again)) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

int home_lock(const struct config *config, int *fd, struct why *why)
{
    int64_t deadline = clock_mono_ms() + LOCK_WAIT_MS, left = LOCK_WAIT_MS;
    char *path = home_path(config, LOCK_FILE);
    bool again = true;
    int rc = 0;

    *fd = -1;
    while (again && left > 0) {
        again = false;
        rc = prepare(config, why);
        if (rc == 0)
            rc = lock_file(path, (int)left, fd, &again, why);
        left = deadline - clock_mono_ms();
    }
    free(path);
    if (rc != 0 || again)
        return again ? 1 : rc;
    /* They may have gone between the two. */
    rc = prepare(config, why);
    if (rc == -1) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

/* *IN_USE: it is a directory that is not empty. */
static int take_away(const struct config *config, const char *name, bool *in_use, struct why *why)
{
    char *path = home_path(config, name);
    int rc = 0;

    if (remove(path) == -1 && errno != ENOENT) {
        *in_use = errno == ENOTEMPTY || errno == EEXIST;
        rc = *in_use ? 0 : why_errno(why, "cannot remove %s", path);
    }
    free(path);
    return rc;
}

int home_remove(const struct config *config, struct why *why)
{
    static const char *const names[] = { FRAGMENTS, PRIVATE, ROUTES,    MASTER_BEFORE,
                                         BEFORE,    REVERTS, LOCK_FILE, OUR_DIRECTORY };
    bool in_use = false;
    int rc = 0;

    for (size_t i = 0; rc == 0 && !in_use && i < sizeof names / sizeof names[0]; i++)
        rc = take_away(config, names[i], &in_use, why);
    return rc == 0 ? directory_sync(config->postfix.config_directory, why) : rc;
}
