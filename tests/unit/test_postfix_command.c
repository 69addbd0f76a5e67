/* SPDX-License-Identifier: BSD-2-Clause */
/* Tools are run without a shell, in a world of their own, for a bounded time. */
#include "tests/unit/unit.h"

#include "lib/clock.h"
#include "postfix/base/command.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct command_result run(const char *script, int timeout_ms, int expected, struct why *why)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct command_result result;

    assert_int_equal(command_run(argv, timeout_ms, &result, why), expected);
    return result;
}

static void output_and_status(void **state)
{
    struct why why;
    struct command_result r = run("echo out; echo err >&2; exit 3", 10000, 0, &why);

    (void)state;
    assert_int_equal(r.status, 3);
    assert_string_equal(r.out, "out\n");
    assert_string_equal(r.err, "err\n");
    assert_false(r.truncated);
    command_result_free(&r);
    r = run("kill -TERM $$", 10000, 0, &why);
    assert_int_equal(r.status, 128 + SIGTERM);
    command_result_free(&r);
}

/* No variable, descriptor, signal setting or input of the caller's reaches a tool. */
static void a_world_of_its_own(void **state)
{
    struct why why;
    int leaked = open("/dev/null", O_RDONLY);

    (void)state;
    assert_true(leaked > 2);
    setenv("LD_PRELOAD_TEST", "x", 1);
    signal(SIGPIPE, SIG_IGN);
    struct command_result r =
        run("env | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; "
            "grep SigIgn /proc/self/status; pwd",
            10000, 0, &why);
    signal(SIGPIPE, SIG_DFL);
    close(leaked);
    assert_null(strstr(r.out, "LD_PRELOAD_TEST"));
    assert_non_null(strstr(r.out, "LC_ALL=C"));
    assert_non_null(strstr(r.out, "PATH=" COMMAND_PATH));
    /* 0, 1, 2 and the directory that ls reads */
    assert_non_null(strstr(r.out, " 4\n"));
    assert_non_null(strstr(r.out, "/dev/null\n"));
    /* The C library keeps 32 and 33 to itself and does not let anybody set them. */
    char *ignored = strstr(r.out, "SigIgn:");
    assert_non_null(ignored);
    assert_int_equal(strtoull(ignored + 7, NULL, 16) & 0x7fffffff, 0);
    assert_non_null(strstr(ignored, "\n/\n"));
    command_result_free(&r);
}

static void a_missing_tool(void **state)
{
    const char *const argv[] = { "no-such-tool", NULL };
    struct command_result r;
    struct why why;

    (void)state;
    assert_int_equal(command_run(argv, 1000, &r, &why), -1);
    assert_non_null(strstr(why.text, "no-such-tool"));
    command_result_free(&r);
    assert_false(command_exists("no-such-tool"));
    assert_true(command_exists("sh"));
}

/* The whole group is killed, also what the tool has started. */
static void the_deadline(void **state)
{
    struct why why;
    char path[] = "/tmp/detourd-command-XXXXXX";
    int lock = mkstemp(path);
    int64_t start = clock_mono_ms();
    char *script = NULL;

    (void)state;
    assert_true(lock != -1);
    assert_true(asprintf(&script, "flock -x %s sleep 60 & wait", path) > 0);
    struct command_result r = run(script, 300, -1, &why);
    assert_true(clock_mono_ms() - start < 10000);
    assert_non_null(strstr(why.text, "killed"));
    command_result_free(&r);
    /* The sleep is gone when its lock is. */
    free(script);
    assert_true(asprintf(&script, "exec flock -w 5 -x %s true", path) > 0);
    r = run(script, 10000, 0, &why);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    free(script);
    close(lock);
    unlink(path);
}

static void a_talkative_tool(void **state)
{
    struct why why;
    struct command_result r =
        run("head -c 30000000 /dev/zero | tr '\\0' x; echo end >&2", 20000, 0, &why);

    (void)state;
    assert_true(r.truncated);
    assert_int_equal(r.out_len, COMMAND_OUTPUT_MAX);
    assert_string_equal(r.err, "end\n");
    command_result_free(&r);
}

/* A daemon that a tool leaves behind may keep its output open: it is not waited for. */
static void a_daemon_left_behind(void **state)
{
    struct why why;
    int64_t start = clock_mono_ms();
    struct command_result r = run("echo $$; (exec sleep 20) & exit 0", 15000, 0, &why);
    pid_t group = (pid_t)atoi(r.out);

    (void)state;
    assert_true(clock_mono_ms() - start < 10000);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    assert_true(group > 1);
    kill(-group, SIGKILL);
}

static void the_words_of_a_failure(void **state)
{
    const char *const argv[] = { "sh", "-c", "printf 'one\\ntwo\\033[0m\\n' >&2; exit 1", NULL };
    struct command_result r;
    struct why why;

    (void)state;
    assert_int_equal(command_ok(argv, 10000, &r, &why), -1);
    assert_string_equal(why.text, "sh exited with status 1: one;two [0m");
    command_result_free(&r);
}

struct counted {
    size_t bytes, enough;
};

static bool count(void *context, const char *bytes, size_t len)
{
    struct counted *c = context;

    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], 'x');
    c->bytes += len;
    return c->enough == 0 || c->bytes < c->enough;
}

#define SILENCE_MS 300

static int stream(const char *script, int timeout_ms, struct counted *c, struct command_result *r)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct why why;

    return command_stream(argv, timeout_ms, SILENCE_MS, count, c, r, &why);
}

/* More than is kept, all of it seen, none of it held. */
static void a_stream(void **state)
{
    struct counted all = { 0 }, some = { .enough = 1 };
    struct command_result r;

    (void)state;
    assert_int_equal(
        stream("head -c 20000000 /dev/zero | tr '\\0' x; echo y >&2; exit 5", 60000, &all, &r), 0);
    assert_int_equal(all.bytes, 20000000);
    assert_int_equal(r.status, 5);
    assert_string_equal(r.out, "");
    assert_string_equal(r.err, "y\n");
    assert_false(r.truncated);
    command_result_free(&r);
    /* One that never ends is ended when enough was seen, */
    assert_int_equal(stream("exec tr '\\0' x </dev/zero", 60000, &some, &r), 0);
    assert_int_equal(r.status, 128 + SIGKILL);
    command_result_free(&r);
    /* or at the deadline, also while it goes on to talk. */
    assert_int_equal(stream("exec tr '\\0' x </dev/zero", 200, &all, &r), -1);
    command_result_free(&r);
    /* One that hangs is ended long before that, */
    assert_int_equal(stream("printf x; exec sleep 1000", 3600000, &all, &r), -1);
    command_result_free(&r);
    /* and one that goes on is not, however slow it is. */
    assert_int_equal(stream("for i in 1 2 3 4 5; do printf x; sleep 0.1; done", 3600000, &all, &r),
                     0);
    command_result_free(&r);
}

/* Each is run, several at a time; one that fails or hangs costs the others nothing. */
static void one_for_each_word(void **state)
{
    static const char *const argv[] = { "sh", "-c", "test $0 != 3 || { echo no >&2; exit 7; }",
                                        NULL },
                             *const slow[] = { "sh", "-c", "test $0 = 1 || exec sleep 60", NULL },
                             *const none[] = { "no-such-tool", NULL };
    const char *words[40];
    struct why why = { "" };

    (void)state;
    for (size_t i = 0; i < 40; i++)
        words[i] = i == 20 ? "3" : "1";
    assert_int_equal(command_each(argv, words, 20, 60000, &why), 20);
    assert_string_equal(why.text, "");
    assert_int_equal(command_each(argv, words, 40, 60000, &why), 39);
    assert_string_equal(why.text, "sh exited with status 7: no");
    assert_int_equal(command_each(slow, words, 40, 2000, &why), 39);
    assert_string_equal(why.text, "sh exited with status 137: ");
    assert_int_equal(command_each(argv, words, 0, 60000, &why), 0);
    assert_int_equal(command_each(none, words, 2, 60000, &why), 0);
    assert_non_null(strstr(why.text, "there is no no-such-tool"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status),      cmocka_unit_test(a_world_of_its_own),
        cmocka_unit_test(a_missing_tool),         cmocka_unit_test(the_deadline),
        cmocka_unit_test(a_talkative_tool),       cmocka_unit_test(a_daemon_left_behind),
        cmocka_unit_test(the_words_of_a_failure), cmocka_unit_test(a_stream),
        cmocka_unit_test(one_for_each_word),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
