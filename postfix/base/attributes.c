/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/base/attributes.h"

#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NAMES_MAX 65536 /* XATTR_LIST_MAX */
#define VALUE_MAX 65536 /* XATTR_SIZE_MAX */

/* chattr(1): what can be set on a file at any time and says how it is to be kept. */
#define FLAGS_KEPT                                                                        \
    (FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL | \
     FS_NOCOMP_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL)

struct names {
    char *text; /* each ended by NUL */
    size_t len;
};

static int list_names(int fd, struct names *names, struct why *why)
{
    *names = (struct names){ .text = memory_zero(1, NAMES_MAX) };
    ssize_t n = flistxattr(fd, names->text, NAMES_MAX);

    if (n == -1 && errno != ENOTSUP)
        return why_errno(why, "cannot list the attributes of main.cf");
    names->len = n == -1 ? 0 : (size_t)n;
    return 0;
}

static bool is_named(const struct names *names, const char *name)
{
    for (const char *p = names->text; p < names->text + names->len; p += strlen(p) + 1)
        if (strcmp(p, name) == 0)
            return true;
    return false;
}

/* Labels that a security module sets by itself may be denied; all else has to be kept. */
static bool may_differ(const char *name, int error)
{
    return strncmp(name, "security.", 9) == 0 || error == ENOTSUP;
}

static int remove_others(int to, const struct names *wanted, struct why *why)
{
    struct names there;
    int rc = list_names(to, &there, why);

    for (const char *p = there.text; rc == 0 && p < there.text + there.len; p += strlen(p) + 1)
        if (!is_named(wanted, p) && fremovexattr(to, p) == -1 && errno != ENODATA &&
            !may_differ(p, errno))
            rc = why_errno(why, "cannot take the attribute %s off the new main.cf", p);
    free(there.text);
    return rc;
}

static int copy_value(int from, int to, const char *name, char *value, struct why *why)
{
    ssize_t n = fgetxattr(from, name, value, VALUE_MAX);

    if (n == -1 && errno == ENODATA)
        return 0;
    if ((n == -1 || fsetxattr(to, name, value, (size_t)n, 0) == -1) && !may_differ(name, errno))
        return why_errno(why, "cannot keep the attribute %s of main.cf", name);
    return 0;
}

static int copy_values(int from, int to, const struct names *names, struct why *why)
{
    char *value = memory_zero(1, VALUE_MAX);
    int rc = 0;

    for (const char *p = names->text; rc == 0 && p < names->text + names->len; p += strlen(p) + 1)
        rc = copy_value(from, to, p, value, why);
    free(value);
    return rc;
}

static bool get_flags(int fd, int *flags)
{
    return ioctl(fd, FS_IOC_GETFLAGS, flags) == 0;
}

static int copy_flags(int from, int to, struct why *why)
{
    int old, new;

    if (!get_flags(from, &old) || !get_flags(to, &new))
        return 0;
    int wanted = (new & ~FLAGS_KEPT) | (old & FLAGS_KEPT);
    if (wanted != new &&ioctl(to, FS_IOC_SETFLAGS, &wanted) == -1)
        return why_errno(why, "cannot keep the flags (chattr) of main.cf");
    return 0;
}

/* Owner first: a change of it may clear mode bits. A list that the new file must not have goes
 * before the mode is set, since it would take part of the bits; one that it must have comes behind.
 */
static int copy_all(int from, int to, const struct names *names, struct why *why)
{
    struct stat st;

    if (fstat(from, &st) == -1 || fchown(to, st.st_uid, st.st_gid) == -1)
        return why_errno(why, "cannot give the new main.cf the owner of the old");
    if (remove_others(to, names, why) == -1)
        return -1;
    if (fchmod(to, st.st_mode & 07777) == -1)
        return why_errno(why, "cannot give the new main.cf the mode of the old");
    if (copy_values(from, to, names, why) == -1)
        return -1;
    return copy_flags(from, to, why);
}

int attributes_copy(int from, int to, struct why *why)
{
    struct names names;
    int rc = list_names(from, &names, why);

    if (rc == 0)
        rc = copy_all(from, to, &names, why);
    free(names.text);
    return rc;
}

int attributes_replaceable(const char *path, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int flags = 0;

    if (fd == -1)
        return why_errno(why, "%s", path);
    if (!get_flags(fd, &flags))
        flags = 0;
    close(fd);
    if (flags & FS_IMMUTABLE_FL)
        return why_set(why, "%s is immutable; \"chattr -i\" allows changes again", path);
    if (flags & FS_APPEND_FL)
        return why_set(why, "%s is append-only; \"chattr -a\" allows changes again", path);
    return 0;
}
