/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int privilege_find(const char *name, struct privilege *out, char *why, size_t whylen)
{
    const struct passwd *user = getpwnam(name);

    if (user == NULL)
        snprintf(why, whylen, "user %s does not exist; root has to be given up to somebody", name);
    else if (user->pw_uid == 0 || user->pw_gid == 0)
        snprintf(why, whylen, "user %s is root or in root's group; detourd runs as neither", name);
    else if (geteuid() != 0 && geteuid() != user->pw_uid)
        snprintf(why, whylen, "started by uid %lu, which is neither root nor %s",
                 (unsigned long)geteuid(), name);
    else {
        out->uid = user->pw_uid;
        out->gid = user->pw_gid;
        return 0;
    }
    return -1;
}

int privilege_directory(const struct privilege *to, const char *path, mode_t mode, char *why,
                        size_t whylen)
{
    if (geteuid() != 0)
        return 0;
    if (mkdir(path, mode) == -1) {
        if (errno == EEXIST)
            return 0; /* whoever made it knew what it is for */
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (chmod(path, mode) == -1 || chown(path, to->uid, to->gid) == -1) {
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

static int become(const struct privilege *to, const char *group_name)
{
    const struct group *group = group_name != NULL ? getgrnam(group_name) : NULL;
    gid_t groups[2] = { to->gid, group != NULL ? group->gr_gid : to->gid };

    if (setgroups(group != NULL ? 2 : 1, groups) == -1 ||
        setresgid(to->gid, to->gid, to->gid) == -1 || setresuid(to->uid, to->uid, to->uid) == -1)
        return -1;
    if (setuid(0) != -1 || setgid(0) != -1) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int privilege_drop(const struct privilege *to, const char *group, char *why, size_t whylen)
{
    const struct rlimit none = { 0, 0 };

    if (geteuid() == 0 && become(to, group) == -1) {
        snprintf(why, whylen, "root cannot be given up: %s", strerror(errno));
        return -1;
    }
    /* A password is in this process for moments; no core dump and no debugger may find it. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || setrlimit(RLIMIT_CORE, &none) == -1 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
        snprintf(why, whylen, "the process cannot be closed off: %s", strerror(errno));
        return -1;
    }
    return 0;
}
