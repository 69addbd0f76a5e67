/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 0, or -1 when somebody but root could put other content at PATH. */
static int check_one(const char *path, char *why, size_t whylen)
{
    struct stat st;

    if (stat(path, &st) == -1)
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    else if (st.st_uid != 0)
        snprintf(why, whylen, "%s belongs to uid %lu; it must belong to root", path,
                 (unsigned long)st.st_uid);
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
             !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0))
        snprintf(why, whylen, "%s can be written by others than root (mode %04o)", path,
                 st.st_mode & 07777u);
    else
        return 0;
    return -1;
}

int trust_check(const char *path, char *why, size_t whylen)
{
    char real[PATH_MAX];

    if (realpath(path, real) == NULL) {
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (check_one(real, why, whylen) == -1)
        return -1;
    for (char *slash = strrchr(real, '/'); slash != NULL && slash != real;
         slash = strrchr(real, '/')) {
        *slash = '\0';
        if (check_one(real, why, whylen) == -1)
            return -1;
    }
    return check_one("/", why, whylen);
}
