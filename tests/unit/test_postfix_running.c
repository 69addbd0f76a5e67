/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether Postfix runs, by a master(8) that says what the test wants. */
#include "tests/unit/unit.h"

#include "postfix/base/files.h"
#include "postfix/running/running.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not below /dev/shm, from where nothing may be run on many a machine. */
static char place[32];

static int make_place(void **state)
{
    (void)state;
    strcpy(place, "/tmp/detourd-running-XXXXXX");
    return mkdtemp(place) != NULL ? 0 : -1;
}

static int remove_place(void **state)
{
    struct why why;

    (void)state;
    return tree_remove(place, &why);
}

static void put(const char *name, const char *text, mode_t mode)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", place, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* What a shell makes of SCRIPT in the place of "master -t", and master.pid names PID. */
static int running(const char *script, pid_t pid, struct why *why)
{
    const struct config config = { .postfix.config_directory = place };
    char line[512];

    snprintf(line, sizeof line, "#!/bin/sh\ncd %s || exit 9\n%s\n", place, script);
    put("master", line, 0755);
    snprintf(line, sizeof line, "%s/pid", place);
    mkdir(line, 0755);
    snprintf(line, sizeof line, "%15ld\n", (long)pid);
    put("pid/master.pid", line, 0644);
    why->text[0] = '\0';
    return postfix_running(&config, place, place, why);
}

static void what_master_says(void **state)
{
    struct why why;

    (void)state;
    assert_int_equal(running("exit 0", getpid(), &why), 0);
    assert_int_equal(running("exit 1", getpid(), &why), 1);
    assert_string_equal(why.text, "");
}

static void somebody_else_who_tries_the_lock_is_waited_for(void **state)
{
    struct why why;

    (void)state;
    assert_int_equal(running("[ -e tried ] && exit 0; : >tried; exit 1", 0, &why), 0);
    assert_string_equal(why.text, "");
    /* A master that has only just begun: its pid comes after its lock. */
    char script[128];
    snprintf(script, sizeof script, "[ -e begun ] && echo %ld >pid/master.pid; : >begun; exit 1",
             (long)getpid());
    assert_int_equal(running(script, 0, &why), 1);
    assert_string_equal(why.text, "");
}

static void what_cannot_be_found_out_is_said(void **state)
{
    struct why why;

    (void)state;
    assert_int_equal(running("exit 1", 0, &why), -1);
    assert_non_null(strstr(why.text, "master -t exited with status 1"));
    assert_int_equal(running("exit 3", getpid(), &why), -1);
    assert_non_null(strstr(why.text, "exited with status 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_master_says, make_place, remove_place),
        cmocka_unit_test_setup_teardown(somebody_else_who_tries_the_lock_is_waited_for, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(what_cannot_be_found_out_is_said, make_place, remove_place),
    };
    return cmocka_run_group_tests_name("running", tests, NULL, NULL);
}
