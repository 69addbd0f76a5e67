/* SPDX-License-Identifier: BSD-2-Clause */
/* main.cf and master.cf are replaced whole, keep what they were, and wait for Postfix's own
 * editors. */
#include "tests/unit/unit.h"

#include "postfix/base/files.h"
#include "postfix/cf/install.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *name;
static char directory[64], in_force[128], temporary[128];

static int make_directory(const char *of)
{
    name = of;
    snprintf(directory, sizeof directory, "/tmp/detourd-install-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(in_force, sizeof in_force, "%s/%s", directory, name);
    snprintf(temporary, sizeof temporary, "%s/%s.tmp", directory, name);
    return 0;
}

static int for_main_cf(void **state)
{
    (void)state;
    return make_directory(MAIN_CF);
}

static int for_master_cf(void **state)
{
    (void)state;
    return make_directory(MASTER_CF);
}

static int remove_directory(void **state)
{
    struct why why;

    (void)state;
    return tree_remove(directory, &why);
}

static void put(const char *path, const char *text, mode_t mode)
{
    struct why why;

    if (file_replace(path, mode, text, strlen(text), &why) == -1)
        fail_msg("%s", why.text);
}

static void expect(const char *path, const char *text)
{
    struct why why;
    size_t len;
    char *bytes = file_read(path, 1000, &len, &why);

    assert_non_null(bytes);
    assert_string_equal(bytes, text);
    free(bytes);
}

static enum install_result install(const char *old, const char *new, struct why *why)
{
    return install_file(directory, name, old, strlen(old), new, strlen(new), why);
}

/* The mode, the owner and extended attributes are the old file's; the time lies back. */
static void attributes_are_kept(void **state)
{
    struct why why;
    struct stat st;
    char value[16];

    (void)state;
    put(in_force, "old\n", 0600);
    assert_int_equal(chmod(in_force, 0640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(in_force, 0, 4242), 0);
    bool has_xattrs = setxattr(in_force, "user.note", "mine", 4, 0) == 0;
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    expect(in_force, "new\n");
    assert_int_equal(stat(in_force, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    if (geteuid() == 0)
        assert_int_equal(st.st_gid, 4242);
    /* Postfix's programs wait until main.cf is two seconds old. */
    assert_int_equal(time(NULL) - st.st_mtime >= 3, strcmp(name, MAIN_CF) == 0);
    if (has_xattrs) {
        assert_int_equal(getxattr(in_force, "user.note", value, sizeof value), 4);
        assert_memory_equal(value, "mine", 4);
    }
    assert_int_equal(access(temporary, F_OK), -1);
}

/* An access control list as the kernel keeps it (linux/posix_acl_xattr.h), little endian:
 * user::rw-, user:4243:rw-, group::r--, mask::rw-, other::---. */
static const unsigned char list[] = {
    2, 0,    0,    0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,   6,
    0, 0x93, 0x10, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16,  0,
    6, 0,    255,  255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255,
};

static void access_lists_are_kept(void **state)
{
    unsigned char found[sizeof list + 100];
    struct why why;
    struct stat st;

    (void)state;
    put(in_force, "old\n", 0640);
    if (setxattr(in_force, "system.posix_acl_access", list, sizeof list, 0) == -1)
        skip();
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    assert_int_equal(getxattr(in_force, "system.posix_acl_access", found, sizeof found),
                     sizeof list);
    assert_memory_equal(found, list, sizeof list);
    assert_int_equal(stat(in_force, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

/* What a default list of the directory gives to every new file, the old one may not have had. */
static void a_default_list_gives_nothing(void **state)
{
    struct why why;
    struct stat st;

    (void)state;
    put(in_force, "old\n", 0644);
    if (setxattr(directory, "system.posix_acl_default", list, sizeof list, 0) == -1)
        skip();
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    assert_int_equal(getxattr(in_force, "system.posix_acl_access", NULL, 0), -1);
    assert_int_equal(stat(in_force, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    expect(in_force, "new\n");
}

/* The inode flags of chattr(1); false where the file system has none. */
static bool change_flags(const char *path, int set, int clear)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;
    bool done = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

    flags = (flags | set) & ~clear;
    done = done && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    close(fd);
    return done;
}

static int flags_of(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;

    assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
    close(fd);
    return flags;
}

static void flags_are_kept(void **state)
{
    struct why why;

    (void)state;
    put(in_force, "old\n", 0644);
    if (!change_flags(in_force, FS_NODUMP_FL | FS_NOATIME_FL, 0))
        skip();
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    assert_int_equal(flags_of(in_force) & (FS_NODUMP_FL | FS_NOATIME_FL),
                     FS_NODUMP_FL | FS_NOATIME_FL);
}

static void expect_reason(const char *old, const char *word)
{
    struct why why;

    assert_int_equal(install(old, "new\n", &why), INSTALL_FAILED);
    if (strstr(why.text, word) == NULL)
        fail_msg("expected '%s' in: %s", word, why.text);
    assert_int_equal(access(temporary, F_OK), -1);
}

/* Somebody wants no changes, and knows how to allow them again. */
static void what_chattr_forbids_is_left_alone(void **state)
{
    static const struct {
        int flag;
        const char *word;
    } cases[] = { { FS_IMMUTABLE_FL, " is immutable; \"chattr -i" },
                  { FS_APPEND_FL, " is append-only; \"chattr -a" } };
    char of_the_file[64];

    (void)state;
    put(in_force, "old\n", 0644);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!change_flags(in_force, cases[i].flag, 0))
            skip();
        snprintf(of_the_file, sizeof of_the_file, "%s%s", name, cases[i].word);
        expect_reason("old\n", of_the_file);
        assert_true(change_flags(in_force, 0, cases[i].flag));
        expect(in_force, "old\n");
        assert_true(change_flags(directory, cases[i].flag, 0));
        expect_reason("old\n", cases[i].word);
        assert_true(change_flags(directory, 0, cases[i].flag));
        expect(in_force, "old\n");
    }
}

/* As with "postconf -e": the other name, a copy of somebody's for all we know, keeps what it has.
 */
static void a_second_name_keeps_the_old(void **state)
{
    char second[128];
    struct why why;

    (void)state;
    snprintf(second, sizeof second, "%s/second", directory);
    put(in_force, "old\n", 0644);
    assert_int_equal(link(in_force, second), 0);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    expect(in_force, "new\n");
    expect(second, "old\n");
}

static void a_changed_file_is_left_alone(void **state)
{
    struct why why;

    (void)state;
    put(in_force, "theirs\n", 0644);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_CHANGED);
    expect(in_force, "theirs\n");
    assert_int_equal(access(temporary, F_OK), -1);
}

static void a_link_stays_a_link(void **state)
{
    char target[128];
    struct why why;
    struct stat st;

    (void)state;
    snprintf(target, sizeof target, "%s/real.cf", directory);
    put(target, "old\n", 0644);
    assert_int_equal(symlink("real.cf", in_force), 0);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    assert_int_equal(lstat(in_force, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    expect(target, "new\n");
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(install("old\n", "newer\n", &why), INSTALL_CHANGED);
    expect(target, "new\n");
    struct why ignored;
    assert_int_equal(tree_remove(in_force, &ignored), 0);
    /* Nothing else was left beside the target. */
    assert_int_equal(unlink(target), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(mkdir(directory, 0700), 0);
}

/* An absolute link, and a chain of them into another directory. */
static void links_are_followed(void **state)
{
    char other[100], target[128], middle[128], to[128];
    struct why why;
    ssize_t n;

    (void)state;
    snprintf(other, sizeof other, "%s/other", directory);
    snprintf(target, sizeof target, "%s/real", other);
    snprintf(middle, sizeof middle, "%s/middle", directory);
    assert_int_equal(mkdir(other, 0700), 0);
    put(target, "old\n", 0644);
    assert_int_equal(symlink("other/real", middle), 0);
    assert_int_equal(symlink(middle, in_force), 0);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    expect(target, "new\n");
    n = readlink(in_force, to, sizeof to - 1);
    assert_int_equal(n, strlen(middle));
    assert_memory_equal(to, middle, (size_t)n);
    assert_int_equal(readlink(middle, to, sizeof to - 1), strlen("other/real"));
    assert_int_equal(unlink(target), 0);
    assert_int_equal(rmdir(other), 0);
    expect_reason("new\n", "No such file");
}

/* What a crash left under the temporary name: with other permissions or a second name it may be
 * anything, also main.cf itself. */
static void leftovers_are_put_out_of_the_way(void **state)
{
    struct why why;

    (void)state;
    put(in_force, "old\n", 0644);
    put(temporary, "half of someth", 0644);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_DONE);
    expect(in_force, "new\n");
    assert_int_equal(link(in_force, temporary), 0);
    assert_int_equal(install("new\n", "newer\n", &why), INSTALL_DONE);
    expect(in_force, "newer\n");
    assert_int_equal(access(temporary, F_OK), -1);
}

/* A run that was cut off left both of its files, and the next one has nothing to install. */
static void leftovers_are_removed(void **state)
{
    char real[128], stray[160];

    (void)state;
    snprintf(real, sizeof real, "%s/real.cf", directory);
    snprintf(stray, sizeof stray, "%s.detourd", real);
    put(real, "old\n", 0644);
    assert_int_equal(symlink("real.cf", in_force), 0);
    put(temporary, "half of someth", 0644);
    put(stray, "half of someth", 0600);
    install_clean(directory);
    expect(in_force, "old\n");
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(access(stray, F_OK), -1);
}

/* A postconf that is at work first: we wait, and see that the file has changed. */
static void postconf_goes_first(void **state)
{
    struct why why;
    int ready[2];

    (void)state;
    put(in_force, "old\n", 0644);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(temporary, O_WRONLY | O_CREAT, 0600);
        struct timespec moment = { .tv_nsec = 200000000 };
        if (fd == -1 || flock(fd, LOCK_EX) == -1 || write(ready[1], "x", 1) != 1)
            _exit(1);
        nanosleep(&moment, NULL); /* long enough for the parent to have to wait */
        if (write(fd, "postconf's\n", 11) != 11 || fchmod(fd, 0644) == -1 ||
            rename(temporary, in_force) == -1)
            _exit(1);
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_CHANGED);
    expect(in_force, "postconf's\n");
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ready[0]);
    close(ready[1]);
}

static void nothing_to_replace(void **state)
{
    struct why why;

    (void)state;
    unlink(in_force);
    assert_int_equal(install("old\n", "new\n", &why), INSTALL_FAILED);
    assert_int_equal(access(in_force, F_OK), -1);
    assert_int_equal(access(temporary, F_OK), -1);
}

/* Links are removed, not followed. */
static void trees_end_at_links(void **state)
{
    char outside[128], inside[128], link_path[160];
    struct why why;

    (void)state;
    snprintf(outside, sizeof outside, "%s/outside", directory);
    snprintf(inside, sizeof inside, "%s/inside", directory);
    snprintf(link_path, sizeof link_path, "%s/link", inside);
    assert_int_equal(mkdir(outside, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    char kept[160];
    snprintf(kept, sizeof kept, "%s/kept", outside);
    put(kept, "x", 0600);
    assert_int_equal(symlink(outside, link_path), 0);
    assert_int_equal(tree_remove(inside, &why), 0);
    assert_int_equal(access(inside, F_OK), -1);
    expect(kept, "x");
    assert_int_equal(tree_remove(inside, &why), 0);
}

/* For each of the two files. */
#define BOTH(test)                                                        \
    cmocka_unit_test_setup_teardown(test, for_main_cf, remove_directory), \
        cmocka_unit_test_setup_teardown(test, for_master_cf, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(attributes_are_kept),
        BOTH(access_lists_are_kept),
        BOTH(a_default_list_gives_nothing),
        BOTH(flags_are_kept),
        BOTH(what_chattr_forbids_is_left_alone),
        BOTH(a_second_name_keeps_the_old),
        BOTH(links_are_followed),
        BOTH(a_changed_file_is_left_alone),
        BOTH(a_link_stays_a_link),
        BOTH(leftovers_are_put_out_of_the_way),
        BOTH(leftovers_are_removed),
        BOTH(postconf_goes_first),
        BOTH(nothing_to_replace),
        cmocka_unit_test_setup_teardown(trees_end_at_links, for_main_cf, remove_directory),
    };
    return cmocka_run_group_tests_name("install", tests, NULL, NULL);
}
