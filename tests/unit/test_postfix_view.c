/* SPDX-License-Identifier: BSD-2-Clause */
/* A view has what the code asks it for: a name that is not in its list would read as "". Here the
 * names that the sources have in so many words; those in tables are looked at wherever a test of a
 * build with sanitizers comes by. */
#include "tests/unit/unit.h"

#include "postfix/base/files.h"
#include "postfix/host/view.h"
#include <glob.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOURCE_MAX 1000000
#define CALL       "(view_value|view_smtp_value|view_raw|note_if_set|is_set)\\([^\"();]*\"([^\"]*)\""

/* How many names the source asks for. */
static size_t look_at_source(const char *path, const regex_t *call)
{
    regmatch_t match[3];
    struct why why;
    size_t len, count = 0;
    char *text = file_read(path, SOURCE_MAX, &len, &why);

    if (text == NULL)
        fail_msg("%s", why.text);
    for (const char *at = text; regexec(call, at, 3, match, 0) == 0; at += match[0].rm_eo) {
        char *name = strndup(at + match[2].rm_so, (size_t)(match[2].rm_eo - match[2].rm_so));
        if (!view_knows(name))
            fail_msg("%s asks a view for %s", path, name);
        free(name);
        count++;
    }
    free(text);
    return count;
}

static void names_in_the_sources(void **state)
{
    const char *top = getenv("TOP_SRCDIR");
    char pattern[4096];
    glob_t sources = { 0 };
    size_t count = 0;
    regex_t call;

    (void)state;
    if (top == NULL)
        skip();
    snprintf(pattern, sizeof pattern, "%s/postfix/*.c", top);
    assert_int_equal(glob(pattern, 0, NULL, &sources), 0);
    snprintf(pattern, sizeof pattern, "%s/postfix/*/*.c", top);
    assert_int_equal(glob(pattern, GLOB_APPEND, NULL, &sources), 0);
    assert_int_equal(regcomp(&call, CALL, REG_EXTENDED), 0);
    for (size_t i = 0; i < sources.gl_pathc; i++)
        count += look_at_source(sources.gl_pathv[i], &call);
    print_message("# %zu names\n", count);
    assert_true(count > 50);
    regfree(&call);
    globfree(&sources);
}

/* In a process of its own; its words are not for the log. */
static int ask_for(const char *name)
{
    static const struct rlimit no_core = { 0 };
    struct view_texts texts = { 0 };
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        fclose(stderr);
        signal(SIGABRT, SIG_DFL);
        struct view *view = view_new(&texts);
        bool empty = view_value(view, name)[0] == '\0';
        view_free(view);
        _exit(empty ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_name_that_is_not_there(void **state)
{
    (void)state;
    assert_false(view_knows("smtp_tls_levle"));
    assert_int_equal(ask_for("relayhost"), 0);
#ifdef __SANITIZE_ADDRESS__
    assert_true(WIFSIGNALED(ask_for("smtp_tls_levle")));
#else
    assert_int_equal(ask_for("smtp_tls_levle"), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_the_sources),
        cmocka_unit_test(a_name_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
