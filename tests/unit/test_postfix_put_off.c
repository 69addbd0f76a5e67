/* SPDX-License-Identifier: BSD-2-Clause */
/* What is put off, and above all what is not: files that are no messages yet, or not Postfix's. */
#include "tests/unit/unit.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/queue/put_off.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define POSTFIX_USER 65534
#define MANY         (PUT_OFF_LEAST + 10)

static char directory[] = "/tmp/test_put_off.XXXXXX";

static int make_queue(void **state)
{
    (void)state;
    strcpy(strrchr(directory, '.'), ".XXXXXX");
    if (mkdtemp(directory) == NULL || chdir(directory) == -1)
        return -1;
    return mkdir("active", 0700) | mkdir("incoming", 0700) | mkdir("deferred", 0700) |
           mkdir("deferred/A", 0700);
}

static int remove_queue(void **state)
{
    char *command = memory_format("rm -rf %s", directory);
    int rc = chdir("/") | system(command);

    (void)state;
    free(command);
    return rc;
}

static void set_due(const char *path, int64_t in_s)
{
    struct timespec times[2] = { { .tv_sec = clock_wall() + in_s },
                                 { .tv_sec = clock_wall() + in_s } };

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int64_t due(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mtime - clock_wall();
}

static void put(const char *path, mode_t mode, int64_t due_s)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    assert_true(fd != -1);
    if (geteuid() == 0)
        assert_int_equal(fchown(fd, POSTFIX_USER, POSTFIX_USER), 0);
    close(fd);
    set_due(path, due_s);
}

static void put_many(const char *queue, size_t count, int64_t due_s)
{
    for (size_t i = 0; i < count; i++) {
        char *path = memory_format("%s/%zu", queue, i);
        put(path, 0700, due_s);
        free(path);
    }
}

/* As qmgr(8) would find it. */
static bool locked(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool can = flock(fd, LOCK_EX | LOCK_NB) == 0;

    close(fd);
    return !can;
}

static void a_few_are_left_alone(void **state)
{
    (void)state;
    put_many("active", PUT_OFF_LEAST, 0);
    put_many("deferred/A", PUT_OFF_LEAST, -10);
    assert_null(put_off_begin(directory));
    assert_false(locked("active/0"));
    assert_true(due("deferred/A/0") < 0);
    put_off_end(NULL, true);
}

static void many_are_locked_until_the_end(void **state)
{
    (void)state;
    put_many("active", MANY, 0);
    put("incoming/ready", 0700, 0);
    put("incoming/growing", 0600, 0);
    put("secret", 0700, 0);
    assert_int_equal(symlink("../secret", "active/link"), 0);
    assert_int_equal(mkfifo("active/fifo", 0700), 0);
    int reader = open("active/1", O_RDONLY | O_CLOEXEC);
    struct put_off *p = put_off_begin(directory);
    assert_non_null(p);
    assert_true(locked("active/0") && locked("incoming/ready"));
    /* A delivery goes on, cleanup(8) too. */
    assert_int_equal(flock(reader, LOCK_SH | LOCK_NB), 0);
    close(reader);
    assert_false(locked("incoming/growing"));
    assert_false(locked("secret"));
    put_off_end(p, false);
    assert_false(locked("active/0") || locked("incoming/ready"));
}

/* What qmgr(8) has put off is not waited for any more. */
static void what_was_seen(void **state)
{
    (void)state;
    put_many("active", MANY, 0);
    struct put_off *p = put_off_begin(directory);
    for (size_t i = 0; i < MANY; i++) {
        char *from = memory_format("active/%zu", i), *to = memory_format("incoming/%zu", i);
        assert_int_equal(rename(from, to), 0);
        set_due(to, 60);
        free(from);
        free(to);
    }
    int64_t start = clock_mono_ms();
    put_off_end(p, true);
    assert_true(clock_mono_ms() - start < 10000);
}

static void many_that_are_due_become_due_later(void **state)
{
    (void)state;
    put_many("deferred/A", MANY, -10);
    put("deferred/A/later", 0700, 4000);
    assert_null(put_off_begin(directory));
    assert_true(due("deferred/A/0") > PUT_OFF_S / 2 && due("deferred/A/0") <= PUT_OFF_S);
    assert_true(due("deferred/A/later") > 3000);
}

static bool begins_with_w(void *context, const char *id)
{
    (void)context;
    return id[0] == 'w';
}

static void until_its_turn_comes(void **state)
{
    (void)state;
    put("deferred/A/w-due", 0700, -10);
    put("deferred/A/w-soon", 0700, 60);
    put("deferred/A/w-later", 0700, 4000);
    put("deferred/A/other", 0700, -10);
    put("incoming/w-due", 0700, -10);
    put("incoming/w-soon", 0700, 60);
    put("deferred/A/w-linked", 0700, -10);
    assert_int_equal(link("deferred/A/w-linked", "elsewhere"), 0);
    put("victim", 0700, -10);
    assert_int_equal(symlink("../../victim", "deferred/A/w-link"), 0);
    put_off_again(directory, begins_with_w, NULL);
    assert_true(due("deferred/A/w-due") > PUT_OFF_S / 2);
    assert_true(due("deferred/A/w-soon") > PUT_OFF_S / 2);
    assert_true(due("deferred/A/w-later") > 3000);
    assert_true(due("deferred/A/other") < 0);
    /* It is on its way. */
    assert_true(due("incoming/w-due") < 0);
    assert_true(due("incoming/w-soon") > PUT_OFF_S / 2);
    /* Not Postfix's alone. */
    assert_true(due("elsewhere") < 0);
    assert_true(due("victim") < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_queue, remove_queue)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_few_are_left_alone), TEST(many_are_locked_until_the_end),
        TEST(what_was_seen),        TEST(many_that_are_due_become_due_later),
        TEST(until_its_turn_comes),
    };

    return cmocka_run_group_tests_name("put_off", tests, NULL, NULL);
}
