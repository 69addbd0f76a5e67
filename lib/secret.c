/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int permissions_ok(const char *path, const struct stat *st, gid_t group, char *why,
                          size_t whylen)
{
    if (!S_ISREG(st->st_mode))
        snprintf(why, whylen, "%s is not a regular file", path);
    else if (st->st_uid != 0)
        snprintf(why, whylen, "%s belongs to uid %lu; it must belong to root", path,
                 (unsigned long)st->st_uid);
    else if (st->st_mode & (S_IWGRP | S_IWOTH))
        snprintf(why, whylen, "%s can be written by others than root (mode %04o); use 0640 or 0600",
                 path, st->st_mode & 07777u);
    else if (st->st_mode & S_IRWXO)
        snprintf(why, whylen, "%s can be read by everybody (mode %04o); use 0640 or 0600", path,
                 st->st_mode & 07777u);
    else if ((st->st_mode & S_IRWXG) != 0 && st->st_gid != group && st->st_gid != 0)
        snprintf(why, whylen,
                 "%s can be read by group %lu; only root and the group of the configured user may",
                 path, (unsigned long)st->st_gid);
    else
        return 0;
    return -1;
}

int secret_check(const char *path, gid_t group, char *why, size_t whylen)
{
    struct stat st;

    if (stat(path, &st) == 0)
        return permissions_ok(path, &st, group, why, whylen);
    if (errno == EACCES)
        return 0;
    snprintf(why, whylen, "%s: %s", path, strerror(errno));
    return -1;
}

/* Reads everything up to SECRET_MAX + 2 bytes; returns the count or -1. */
static ssize_t read_whole(int fd, char *buffer)
{
    size_t have = 0;

    while (have < SECRET_MAX + 2) {
        ssize_t n = read(fd, buffer + have, SECRET_MAX + 2 - have);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

/* Takes the one newline from the end and judges the rest. */
static const char *content_wrong(char *buffer, size_t *len)
{
    if (*len > 0 && buffer[*len - 1] == '\n')
        (*len)--;
    if (*len == 0)
        return "is empty; it must hold the password";
    if (*len > SECRET_MAX)
        return "is longer than 4096 bytes; it must hold the password alone";
    if (memchr(buffer, '\0', *len) != NULL)
        return "holds a NUL byte";
    if (memchr(buffer, '\n', *len) != NULL)
        return "holds more than one line; it must hold the password alone";
    if (memchr(buffer, '\r', *len) != NULL)
        return "holds a carriage return; its line must end in a newline alone";
    return NULL;
}

static char *take(int fd, const char *path, char *why, size_t whylen)
{
    char *buffer = calloc(1, SECRET_MAX + 3);
    if (buffer == NULL) {
        snprintf(why, whylen, "out of memory");
        return NULL;
    }
    ssize_t n = read_whole(fd, buffer);
    if (n == -1) {
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    } else {
        size_t len = (size_t)n;
        const char *wrong = content_wrong(buffer, &len);
        if (wrong == NULL) {
            buffer[len] = '\0';
            return buffer;
        }
        snprintf(why, whylen, "%s %s", path, wrong);
    }
    explicit_bzero(buffer, SECRET_MAX + 3);
    free(buffer);
    return NULL;
}

char *secret_read(const char *path, gid_t group, char *why, size_t whylen)
{
    /* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    char *secret = NULL;

    if (fd == -1 || fstat(fd, &st) == -1)
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    else if (permissions_ok(path, &st, group, why, whylen) == 0)
        secret = take(fd, path, why, whylen);
    if (fd != -1)
        close(fd);
    return secret;
}

void secret_free(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}
