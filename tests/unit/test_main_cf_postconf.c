/* SPDX-License-Identifier: BSD-2-Clause */
/* The same with Postfix's own reader: "postconf -n" before and after a route differs by exactly the
 * parameters that the route sets, and draws no new warning. Over generated files, and over every
 * main.cf that Postfix and Debian ship. */
#include "tests/unit/unit.h"

#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/cf/install.h"
#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include "postfix/host/reading.h"
#include "tests/unit/main_cf_generator.h"
#include "tests/unit/scratch.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES 300

static const struct {
    const char *name, *value;
} wanted[] = {
    { "relayhost", "[relay.example]:587" },
    { "smtp_sasl_auth_enable", "yes" },
    { "smtp_sasl_password_maps", "hash:/etc/postfix/detourd/private/7/sasl" },
    { "smtp_tls_policy_maps", "hash:/etc/postfix/detourd/private/7/policy" },
    { "smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt" },
};

#define WANTED (sizeof wanted / sizeof wanted[0])

/* Values that the oracle read as postconf did. */
static size_t agreed_values;

static struct command_result postconf_n(const struct bytes *file, const char *what)
{
    const char *const argv[] = { "postconf", "-c", scratch, "-n", NULL };
    struct command_result result = { 0 };
    struct why why;

    scratch_put(MAIN_CF, file);
    if (command_run(argv, COMMAND_TIMEOUT_MS, &result, &why) == -1)
        fail_msg("%s: %s", what, why.text);
    if (result.truncated)
        fail_msg("%s: postconf says too much", what);
    return result;
}

static const char *setting_of(const char *line)
{
    size_t n = strcspn(line, " =");

    for (size_t i = 0; i < WANTED; i++)
        if (strlen(wanted[i].name) == n && memcmp(wanted[i].name, line, n) == 0)
            return wanted[i].name;
    return NULL;
}

static bool has_line(const char *text, const char *line, size_t len)
{
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        if (n == len && memcmp(at, line, n) == 0)
            return true;
        at += n + (at[n] == '\n');
    }
    return false;
}

/* Whether "postconf -n" leaves a parameter out because nothing refers to it any more: such a one is
 * the owner's own invention, and only what we commented out has referred to it. */
static bool said_unused(const char *warnings, const char *line)
{
    char words[256];

    snprintf(words, sizeof words, ": unused parameter: %.*s=", (int)strcspn(line, " "), line);
    return strstr(warnings, words) != NULL;
}

/* Every line of A's that sets nothing of ours is a line of B's. */
static void expect_lines(const struct command_result *a, const struct command_result *b,
                         const char *what)
{
    for (const char *line = a->out; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        if (setting_of(line) == NULL && !has_line(b->out, line, n) && !said_unused(b->err, line))
            fail_msg("%s: \"%.*s\" is on one side alone", what, (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static void expect_settings(const struct command_result *after, const char *what)
{
    char line[256];

    for (size_t i = 0; i < WANTED; i++) {
        int n = snprintf(line, sizeof line, "%s = %s", wanted[i].name, wanted[i].value);
        if (!has_line(after->out, line, (size_t)n))
            fail_msg("%s: postconf does not say %s", what, line);
    }
}

/* As a switch would see it. */
static void expect_no_new_warning(const struct command_result *before,
                                  const struct command_result *after, const char *what)
{
    struct reading a = { .warnings = before->err }, b = { .warnings = after->err };
    struct why why;

    if (reading_no_new_warning(&a, &b, &why) == -1)
        fail_msg("%s: %s", what, why.text);
}

/* What postconf prints for an entry: each run of white space as one space. */
static char *printed(const char *name, const char *value)
{
    char *line = malloc(strlen(name) + strlen(value) + 4), *to = stpcpy(stpcpy(line, name), " =");

    for (const char *word = value + strspn(value, " \t\r\n"); *word != '\0';) {
        size_t n = strcspn(word, " \t\r\n");
        *to++ = ' ';
        to = mempcpy(to, word, n);
        word += n + strspn(word + n, " \t\r\n");
    }
    *to = '\0';
    return line;
}

/* What postconf sets itself, whatever main.cf says. */
static bool setting_is_of_postconf(const char *name)
{
    static const char *const own[] = { "config_directory", "process_name", "process_id",
                                       "service_name" };

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return false;
}

static bool has_name(const char *text, const char *name)
{
    char start[256];
    int n = snprintf(start, sizeof start, "%s =", name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, start, (size_t)n) == 0)
            return true;
    }
    return false;
}

/* The other tests trust the oracle; this is where it is held against Postfix. */
static size_t oracle_agrees(const struct bytes *file, const struct command_result *said,
                            const char *what)
{
    struct entries entries = oracle_read(file);
    size_t agreed = 0;

    for (size_t i = 0; i < entries.count; i++) {
        const char *name = entries.item[i].name;
        if (!has_name(said->out, name) || setting_is_of_postconf(name))
            continue;
        char *line = printed(name, entries_value(&entries, name));
        if (!has_line(said->out, line, strlen(line)))
            fail_msg("%s: postconf does not say %s", what, line);
        free(line);
        agreed++;
    }
    entries_free(&entries);
    return agreed;
}

static struct bytes marked(const struct bytes *file, const char *what)
{
    struct main_cf *cf = main_cf_parse(file->text, file->len);
    struct settings settings = { 0 };
    struct route route = route_relay("ses", 587);
    struct bytes out;

    if (cf == NULL)
        fail_msg("%s cannot be parsed", what);
    for (size_t i = 0; i < WANTED; i++)
        settings_add(&settings, wanted[i].name, wanted[i].value);
    out.text = mark_set(cf, &route, 7, &settings, &out.len);
    settings_free(&settings);
    main_cf_free(cf);
    return out;
}

static void comes_back(const struct bytes *file, const struct bytes *with_route, const char *what)
{
    struct main_cf *cf = main_cf_parse(with_route->text, with_route->len);
    struct bytes back;

    assert_non_null(cf);
    struct mark *mark = mark_read(cf, NULL);
    back.text = mark_remove(cf, mark, &back.len);
    mark_free(mark);
    if (back.len != file->len || memcmp(back.text, file->text, file->len) != 0)
        fail_msg("%s does not come back", what);
    free(back.text);
    main_cf_free(cf);
}

/* False when Postfix does not take the file as it is ("macro processing error"). */
static bool check_file(const struct bytes *file, const char *what)
{
    struct command_result before = postconf_n(file, what);

    if (before.status != 0) {
        command_result_free(&before);
        return false;
    }
    struct bytes with_route = marked(file, what);
    struct command_result after = postconf_n(&with_route, what);
    if (after.status != 0)
        fail_msg("%s: postconf exited with status %d: %s", what, after.status, after.err);
    agreed_values += oracle_agrees(file, &before, what);
    expect_lines(&before, &after, what);
    expect_lines(&after, &before, what);
    expect_settings(&after, what);
    expect_no_new_warning(&before, &after, what);
    comes_back(file, &with_route, what);
    command_result_free(&before);
    command_result_free(&after);
    free(with_route.text);
    return true;
}

static void generated_files(void **state)
{
    char what[32];

    (void)state;
    if (!command_exists("postconf"))
        skip();
    for (uint32_t seed = 0; seed < FILES; seed++) {
        struct bytes file = generate_main_cf(seed, GENERATE_LEGAL);
        snprintf(what, sizeof what, "seed %u", seed);
        check_file(&file, what);
        free(file.text);
    }
    print_message("# %d generated files, %zu values, as postconf reads them\n", FILES,
                  agreed_values);
    assert_true(agreed_values > FILES);
}

static void check_path(const char *path)
{
    struct why why;
    struct bytes file;

    file.text = file_read(path, MAIN_CF_MAX, &file.len, &why);
    if (file.text == NULL)
        fail_msg("%s", why.text);
    assert_true(check_file(&file, path));
    print_message("# %s\n", path);
    free(file.text);
}

/* Debian's is put together by the maintainer scripts out of two of these; each counts. */
static void shipped_files(void **state)
{
    static const char *const patterns[] = {
        "/usr/share/postfix/main.cf*",        "/usr/share/postfix/*/main.cf*",
        "/etc/postfix/main.cf.proto",         "/usr/share/doc/postfix*/examples/main.cf*",
        "/usr/share/doc/postfix*/*/main.cf*", "/usr/lib/postfix/main.cf*",
    };
    glob_t found = { 0 };

    (void)state;
    if (!command_exists("postconf"))
        skip();
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        glob(patterns[i], i == 0 ? 0 : GLOB_APPEND, NULL, &found);
    if (found.gl_pathc == 0)
        skip();
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (strstr(found.gl_pathv[i], ".gz") == NULL)
            check_path(found.gl_pathv[i]);
    globfree(&found);
}

/* All that Postfix has, each parameter written out: the longest main.cf that makes sense. */
static void every_parameter_written_out(void **state)
{
    const char *const argv[] = { "postconf", "-d", NULL };
    struct command_result result = { 0 };
    struct why why;

    (void)state;
    if (!command_exists("postconf"))
        skip();
    if (command_run(argv, COMMAND_TIMEOUT_MS, &result, &why) == -1)
        fail_msg("%s", why.text);
    struct bytes file = { result.out, result.out_len };
    assert_true(check_file(&file, "postconf -d"));
    command_result_free(&result);
}

/* Somebody's script: one "postconf -e" after the other, each of a name of its own. */
static void set_a_parameter(int editor, int edit, char *argument, size_t len)
{
    snprintf(argument, len, "edit_%d_%d = %d", editor, edit, edit);
}

static struct bytes unmarked(const struct bytes *file)
{
    struct main_cf *cf = main_cf_parse(file->text, file->len);
    struct mark *mark = mark_read(cf, NULL);
    struct bytes out;

    if (mark->drift_count > 0)
        fail_msg("%s", mark->drift[0]);
    out.text = mark_remove(cf, mark, &out.len);
    mark_free(mark);
    main_cf_free(cf);
    return out;
}

/* A route and its return, each as soon as nobody has edited the file in between; how often somebody
 * had. */
static size_t route_and_return(void)
{
    size_t collisions = 0;
    struct why why;

    for (int step = 0; step < 2;) {
        struct bytes old = scratch_read(MAIN_CF);
        struct bytes new = step == 0 ? marked(&old, "main.cf") : unmarked(&old);
        enum install_result result =
            install_file(scratch, MAIN_CF, old.text, old.len, new.text, new.len, &why);
        if (result != INSTALL_DONE && result != INSTALL_CHANGED)
            fail_msg("%s", why.text);
        step += result == INSTALL_DONE;
        collisions += result == INSTALL_CHANGED;
        free(old.text);
        free(new.text);
    }
    return collisions;
}

/* Nothing of either is lost: every edit is there, and all else is as it was. */
static void edits_at_the_same_time_are_kept(void **state)
{
    struct bytes original = generate_main_cf(7, GENERATE_LEGAL), expected = { NULL, 0 };
    struct editors editors;
    size_t rounds = 0, collisions = 0;

    (void)state;
    if (!command_exists("postconf"))
        skip();
    scratch_put(MAIN_CF, &original);
    editors_start(&editors, "-e", set_a_parameter);
    while (!editors_ended(&editors)) {
        collisions += route_and_return();
        rounds++;
    }
    struct bytes left = scratch_read(MAIN_CF);
    FILE *out = open_memstream(&expected.text, &expected.len);
    for (const char *line = left.text; *line != '\0';) {
        size_t n = strcspn(line, "\n") + 1;
        if (strncmp(line, "edit_", 5) != 0)
            fwrite(line, 1, n, out);
        line += n;
    }
    fclose(out);
    assert_string_equal(expected.text, original.text);
    struct entries entries = oracle_read(&left);
    for (int i = 0; i < EDITORS * EDITS; i++) {
        char name[32];
        snprintf(name, sizeof name, "edit_%d_%d", i / EDITS, i % EDITS);
        assert_int_equal(entries_named(&entries, name), 1);
    }
    print_message("# %d edits, %zu routes and returns, of which %zu had to begin again\n",
                  EDITORS * EDITS, rounds, collisions);
    assert_true(collisions > 0);
    entries_free(&entries);
    free(expected.text);
    free(left.text);
    free(original.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_files),
        cmocka_unit_test(shipped_files),
        cmocka_unit_test(every_parameter_written_out),
        cmocka_unit_test(edits_at_the_same_time_are_kept),
    };
    return cmocka_run_group_tests_name("main_cf and postconf", tests, scratch_make, scratch_remove);
}
