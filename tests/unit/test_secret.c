/* SPDX-License-Identifier: BSD-2-Clause */
/* Password files: what is read, and what is refused. Needs root, since they must be root's. */
#include "tests/unit/unit.h"

#include "lib/secret.h"
#include "lib/trust.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP 4242

static char directory[] = "/tmp/detourd-secret-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/password", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void write_file(const char *bytes, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd != -1);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchown(fd, uid, gid), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void need_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void expect_refusal(const char *word)
{
    char why[300] = "";
    char *secret = secret_read(path, GROUP, why, sizeof why);

    assert_null(secret);
    if (strstr(why, word) == NULL)
        fail_msg("expected '%s' in: %s", word, why);
}

static void good_files_are_read(void **state)
{
    static const char password[] = "p:#ä s\\ $x";
    char why[300];

    (void)state;
    need_root();
    write_file("p:#ä s\\ $x\n", sizeof password, 0640, 0, GROUP);
    char *secret = secret_read(path, GROUP, why, sizeof why);
    assert_non_null(secret);
    assert_string_equal(secret, password);
    secret_free(secret);
    assert_int_equal(secret_check(path, GROUP, why, sizeof why), 0);
}

static void permissions_are_checked(void **state)
{
    (void)state;
    need_root();
    write_file("x\n", 2, 0644, 0, 0);
    expect_refusal("read by everybody");
    write_file("x\n", 2, 0660, 0, GROUP);
    expect_refusal("written by others");
    write_file("x\n", 2, 0640, 0, GROUP + 1);
    expect_refusal("read by group");
    write_file("x\n", 2, 0600, 4242, 0);
    expect_refusal("must belong to root");
}

static void contents_are_checked(void **state)
{
    char many[SECRET_MAX + 10];

    (void)state;
    need_root();
    write_file("", 0, 0600, 0, 0);
    expect_refusal("empty");
    write_file("\n", 1, 0600, 0, 0);
    expect_refusal("empty");
    write_file("a\nb\n", 4, 0600, 0, 0);
    expect_refusal("more than one line");
    write_file("a\n\n", 3, 0600, 0, 0);
    expect_refusal("more than one line");
    write_file("a\r\n", 3, 0600, 0, 0);
    expect_refusal("carriage return");
    write_file("a\0b\n", 4, 0600, 0, 0);
    expect_refusal("NUL");
    memset(many, 'x', sizeof many);
    write_file(many, sizeof many, 0600, 0, 0);
    expect_refusal("longer");
    write_file(many, SECRET_MAX, 0600, 0, 0);
    char why[300];
    char *secret = secret_read(path, GROUP, why, sizeof why);
    assert_non_null(secret);
    assert_int_equal(strlen(secret), SECRET_MAX);
    secret_free(secret);
}

static void a_fifo_does_not_hang(void **state)
{
    (void)state;
    need_root();
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal("not a regular file");
}

static void trust_covers_directories(void **state)
{
    char why[300] = "";

    (void)state;
    need_root();
    write_file("x\n", 2, 0644, 0, 0);
    if (trust_check(path, why, sizeof why) == -1)
        fail_msg("%s", why);
    assert_int_equal(chmod(directory, 0777), 0);
    assert_int_equal(trust_check(path, why, sizeof why), -1);
    assert_int_equal(chmod(directory, 0700), 0);
    write_file("x\n", 2, 0664, 0, 0);
    assert_int_equal(trust_check(path, why, sizeof why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),      cmocka_unit_test(permissions_are_checked),
        cmocka_unit_test(contents_are_checked),     cmocka_unit_test(a_fifo_does_not_hang),
        cmocka_unit_test(trust_covers_directories),
    };
    return cmocka_run_group_tests_name("secret", tests, make_directory, remove_directory);
}
