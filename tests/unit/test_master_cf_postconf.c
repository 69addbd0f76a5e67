/* SPDX-License-Identifier: BSD-2-Clause */
/* The same with Postfix's own reader and editor: "postconf -M" before and after our mark differs by
 * just our services, over generated files and every master.cf that Postfix and Debian ship; and
 * what "postconf" does to master.cf meanwhile is what it would have done to the owner's own file.
 */
#include "tests/unit/unit.h"

#include "postfix/base/command.h"
#include "postfix/base/files.h"
#include "postfix/cf/install.h"
#include "postfix/cf/master_cf.h"
#include "tests/unit/master_cf_generator.h"
#include "tests/unit/scratch.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES 100

/* "postconf OPTION ARGUMENT" (NULL: none), which must succeed. The caller frees RESULT. */
static struct command_result postconf(const char *option, const char *argument)
{
    const char *const argv[] = { "postconf", "-c", scratch, option, argument, NULL };
    struct command_result result = { 0 };
    struct why why;

    if (command_ok(argv, COMMAND_TIMEOUT_MS, &result, &why) == -1)
        fail_msg("postconf %s %s: %s", option, argument == NULL ? "" : argument, why.text);
    assert_false(result.truncated);
    return result;
}

static struct bytes edited_by_postconf(const struct bytes *file, const char *option,
                                       const char *argument)
{
    scratch_put(MASTER_CF, file);
    struct command_result result = postconf(option, argument);
    command_result_free(&result);
    return scratch_read(MASTER_CF);
}

static char *services_of(const struct bytes *file)
{
    scratch_put(MASTER_CF, file);
    struct command_result result = postconf("-M", NULL);
    char *out = strdup(result.out);
    command_result_free(&result);
    return out;
}

/* As a relay has them: with a name that is longer than its column, and a value with blanks. */
static void our_services(struct services *services)
{
    struct settings options = { 0 };
    char *text;

    settings_add(&options, "smtp_sasl_password_maps",
                 "hash:/etc/postfix/detourd/private/7/ses.sasl");
    settings_add(&options, "smtp_tls_mandatory_protocols", "!SSLv2, !SSLv3");
    settings_add(&options, "smtp_header_checks", "");
    settings_add(&options, "syslog_name",
                 "${multi_instance_name?{$multi_instance_name}:{postfix}}");
    text = service_text("detour-ses", "n", "-", "smtp", &options);
    services_add(services, "detour-ses/unix", text);
    free(text);
    text = service_text("detour-a-rather-long-name_tls", "y", "20", "smtp", &options);
    services_add(services, "detour-a-rather-long-name_tls/unix", text);
    free(text);
    settings_free(&options);
}

static struct bytes marked(const struct bytes *file)
{
    struct main_cf *cf = main_cf_parse(file->text, file->len);
    struct services services = { 0 };
    struct bytes out;

    assert_non_null(cf);
    our_services(&services);
    out.text = master_mark_set(cf, 7, &services, &out.len);
    services_free(&services);
    main_cf_free(cf);
    return out;
}

/* DRIFT is a word of it, or NULL where there must be none. */
static struct bytes unmarked(const struct bytes *file, const struct bytes *record,
                             const char *drift)
{
    struct main_cf *cf = main_cf_parse(file->text, file->len);
    struct main_cf *written = record == NULL ? NULL : main_cf_parse(record->text, record->len);
    struct master_mark *mark = master_mark_read(cf, written);
    struct bytes out;

    if (mark->drift_count != (drift != NULL))
        fail_msg("%zu times drift, %s, in\n%s", mark->drift_count,
                 mark->drift_count > 0 ? mark->drift[0] : "", file->text);
    if (drift != NULL && strstr(mark->drift[0], drift) == NULL)
        fail_msg("\"%s\" is said, not %s", mark->drift[0], drift);
    out.text = master_mark_remove(cf, mark, &out.len);
    master_mark_free(mark);
    main_cf_free(written);
    main_cf_free(cf);
    return out;
}

/* What Postfix's own editor makes of an empty file is what we write. */
static void we_write_as_postconf_does(void **state)
{
    struct services services = { 0 };
    struct bytes empty = { (char[]){ "" }, 0 };

    (void)state;
    if (!command_exists("postconf"))
        skip();
    our_services(&services);
    for (size_t k = 0; k < services.count; k++) {
        const struct service *s = &services.item[k];
        char argument[1000];
        snprintf(argument, sizeof argument, "%s = %s", s->name, s->text);
        for (char *c = argument; *c != '\0'; c++)
            *c = *c == '\n' ? ' ' : *c;
        struct bytes written = edited_by_postconf(&empty, "-Me", argument);
        assert_string_equal(written.text, s->text);
        free(written.text);
    }
    services_free(&services);
}

/* The other tests trust the oracle; this is where it is held against Postfix. */
static size_t oracle_agrees(const struct bytes *file, const char *said, const char *what)
{
    struct entries entries = oracle_services(file);

    for (size_t i = 0; i < entries.count; i++) {
        char name[64], type[64];
        if (sscanf(said, "%63s %63s", name, type) != 2)
            fail_msg("%s: postconf does not say %s", what, entries.item[i].name);
        size_t len = strlen(name);
        assert_memory_equal(entries.item[i].name, name, len);
        assert_string_equal(entries.item[i].name + len + 1, type);
        said = strchr(said, '\n') + 1;
    }
    assert_string_equal(said, "");
    size_t count = entries.count;
    entries_free(&entries);
    return count;
}

/* How many services of the owner's postconf reads in it. */
static size_t check_file(const struct bytes *file, const char *what)
{
    struct bytes with = marked(file), ours = marked(&(struct bytes){ (char[]){ "" }, 0 });
    char *before = services_of(file), *after = services_of(&with), *alone = services_of(&ours);
    size_t n = strlen(before);

    if (strncmp(after, before, n) != 0 || strcmp(after + n, alone) != 0)
        fail_msg("%s: with our services, postconf reads\n%s", what, after);
    struct bytes back = unmarked(&with, NULL, NULL);
    assert_int_equal(back.len, file->len);
    assert_memory_equal(back.text, file->text, file->len);
    size_t services = oracle_agrees(file, before, what);
    free(back.text);
    free(before);
    free(after);
    free(alone);
    free(ours.text);
    free(with.text);
    return services;
}

static void generated_files(void **state)
{
    size_t services = 0;
    char what[32];

    (void)state;
    if (!command_exists("postconf"))
        skip();
    for (uint32_t seed = 0; seed < FILES; seed++) {
        struct bytes file = generate_master_cf(seed, GENERATE_LEGAL);
        snprintf(what, sizeof what, "seed %u", seed);
        services += check_file(&file, what);
        free(file.text);
    }
    print_message("# %d generated files, %zu services, as postconf reads them\n", FILES, services);
    assert_true(services > FILES);
}

struct edit {
    const char *option, *argument;
    const char *says; /* the drift */
    bool stays;       /* what was made of our service */
};

static const struct edit edits_of_theirs[] = {
    { "-Me", "smtp/unix = smtp unix - - n - 5 smtp -o a=b", NULL, false },
    { "-Me", "new/unix = new unix - - n - 5 smtp -o a=b", NULL, false },
    { "-Me", "smtp/unix = renamed unix - - n - - smtp", NULL, false },
    { "-M#", "smtp/unix", NULL, false },
    { "-MX", "smtp/unix", NULL, false },
    { "-MX", "last/unix", NULL, false },
    { "-Fe", "smtp/unix/chroot=n", NULL, false },
    { "-Fe", "last/unix/command=pipe -v flags=R argv=/bin/true", NULL, false },
    { "-Fe", "last/unix/service=the-last", NULL, false },
    { "-Pe", "smtp/unix/smtp_helo_timeout=9", NULL, false },
    { "-Pe", "last/unix/smtp_helo_timeout=9", NULL, false },
    { "-PX", "last/unix/a", NULL, false },
    { "-P", "last/unix/a=c", NULL, false },
    { "-M#", "last/unix", NULL, false },
};

#define LONG "detour-a-rather-long-name_tls"

static const struct edit edits_of_ours[] = {
    /* nothing is changed by them */
    { "-Pe", "detour-ses/unix/smtp_header_checks=", NULL, false },
    { "-Pe", LONG "/unix/smtp_header_checks=", NULL, false },
    { "-Fe", "detour-ses/unix/chroot=n", NULL, false },
    { "-Fe", LONG "/unix/process_limit=20", NULL, false },
    { "-PX", LONG "/unix/smtp_helo_timeout", NULL, false },
    { "-Pe", "detour-ses/unix/smtp_header_checks=x", "detour-ses was edited", true },
    { "-Pe", "detour-ses/unix/smtp_helo_timeout=9", "detour-ses was edited", true },
    { "-P", LONG "/unix/smtp_helo_timeout=9", LONG " was edited", true },
    { "-PX", "detour-ses/unix/smtp_sasl_password_maps", "detour-ses was edited", true },
    { "-Fe", "detour-ses/unix/chroot=y", "detour-ses was edited", true },
    { "-Fe", LONG "/unix/chroot=-", LONG " was edited", true },
    { "-Me", "detour-ses/unix=detour-ses unix - - n - - smtp", "detour-ses was edited", true },
    { "-Me", "smtp/unix=detour-ses unix - - n - - smtp", "detour-ses was edited", true },
    { "-M#", "detour-ses/unix", "detour-ses was commented out", false },
    { "-M#", LONG "/unix", LONG " was commented out", false },
    { "-MX", "detour-ses/unix", "detour-ses was taken out", false },
    { "-MX", LONG "/unix", LONG " was taken out", false },
};

/* Whether the last line ends in a newline is not for postconf to keep. */
static size_t without_newline(const struct bytes *file)
{
    return file->len > 0 && file->text[file->len - 1] == '\n' ? file->len - 1 : file->len;
}

static void expect_alike(const struct bytes *a, const struct bytes *b, const struct edit *edit)
{
    size_t n = without_newline(a);

    if (n != without_newline(b) || memcmp(a->text, b->text, n) != 0)
        fail_msg("postconf %s '%s': there is left\n%s", edit->option, edit->argument, a->text);
}

static void edit_theirs(const struct bytes *file, const struct edit *edit)
{
    struct bytes with = marked(file);
    struct bytes edited = edited_by_postconf(&with, edit->option, edit->argument);
    struct bytes expected = edited_by_postconf(file, edit->option, edit->argument);
    struct bytes back = unmarked(&edited, &with, edit->says);

    expect_alike(&back, &expected, edit);
    free(back.text);
    free(expected.text);
    free(edited.text);
    free(with.text);
}

static bool names_ours(const char *services)
{
    return strstr(services, "\ndetour-") != NULL || strncmp(services, "detour-", 7) == 0;
}

/* The owner's services are what they were; what was edited is there as it was edited. */
static void edit_ours(const struct bytes *file, const struct edit *edit)
{
    struct bytes with = marked(file);
    struct bytes edited = edited_by_postconf(&with, edit->option, edit->argument);
    struct bytes back = unmarked(&edited, &with, edit->says);

    if (!edit->stays) {
        expect_alike(&back, file, edit);
    } else if (strncmp(edit->argument, "smtp", 4) != 0) {
        char *services = services_of(&back), *before = services_of(file);
        size_t n = strlen(before);
        if (strncmp(services, before, n) != 0 || !names_ours(services + n) ||
            strchr(services + n, '\n')[1] != '\0' || strstr(back.text, "detourd: ") != NULL)
            fail_msg("postconf %s '%s': there is left\n%s", edit->option, edit->argument, services);
        free(services);
        free(before);
    }
    free(back.text);
    free(edited.text);
    free(with.text);
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* FILE with a service at its end that the edits speak of. */
static void postconf_at_work(const struct bytes *file)
{
    static const char last[] = "last unix - - n - - smtp\n  -o a=b\n# the end\n\n  # of it\n";
    struct bytes longer = { NULL, 0 };
    FILE *out = open_memstream(&longer.text, &longer.len);

    fprintf(out, "%s%s", file->text, last);
    fclose(out);
    for (size_t i = 0; i < COUNT(edits_of_theirs); i++)
        edit_theirs(&longer, &edits_of_theirs[i]);
    for (size_t i = 0; i < COUNT(edits_of_ours); i++)
        edit_ours(&longer, &edits_of_ours[i]);
    free(longer.text);
}

static void shipped_files(void **state)
{
    static const char *const patterns[] = {
        "/usr/share/postfix/master.cf*",        "/usr/share/postfix/*/master.cf*",
        "/etc/postfix/master.cf.proto",         "/usr/share/doc/postfix*/examples/master.cf*",
        "/usr/share/doc/postfix*/*/master.cf*", "/usr/lib/postfix/master.cf*",
    };
    glob_t found = { 0 };
    struct why why;

    (void)state;
    if (!command_exists("postconf"))
        skip();
    for (size_t i = 0; i < COUNT(patterns); i++)
        glob(patterns[i], i == 0 ? 0 : GLOB_APPEND, NULL, &found);
    assert_true(found.gl_pathc > 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct bytes file;
        file.text = file_read(found.gl_pathv[i], MAIN_CF_MAX, &file.len, &why);
        assert_non_null(file.text);
        check_file(&file, found.gl_pathv[i]);
        postconf_at_work(&file);
        print_message("# %s\n", found.gl_pathv[i]);
        free(file.text);
    }
    globfree(&found);
}

/* Somebody's script: one "postconf -Me" after the other, each of a service of its own. */
static void add_a_service(int editor, int edit, char *argument, size_t len)
{
    snprintf(argument, len, "edit-%d-%d/unix = edit-%d-%d unix - - n - - smtp", editor, edit,
             editor, edit);
}

/* Our services entered and taken out, each as soon as nobody has edited the file in between; how
 * often somebody had. */
static size_t enter_and_take_out(void)
{
    size_t collisions = 0;
    struct why why;

    for (int step = 0; step < 2;) {
        struct bytes old = scratch_read(MASTER_CF);
        struct bytes new = step == 0 ? marked(&old) : unmarked(&old, NULL, NULL);
        enum install_result result =
            install_file(scratch, MASTER_CF, old.text, old.len, new.text, new.len, &why);
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
    struct bytes original = generate_master_cf(8, GENERATE_LEGAL);
    struct editors editors;
    size_t rounds = 0, collisions = 0;

    (void)state;
    if (!command_exists("postconf"))
        skip();
    scratch_put(MASTER_CF, &original);
    editors_start(&editors, "-Me", add_a_service);
    while (!editors_ended(&editors)) {
        collisions += enter_and_take_out();
        rounds++;
    }
    struct bytes left = scratch_read(MASTER_CF);
    assert_memory_equal(left.text, original.text, original.len);
    struct entries before = oracle_services(&original), after = oracle_services(&left);
    assert_int_equal(after.count, before.count + EDITORS * EDITS);
    for (int i = 0; i < EDITORS * EDITS; i++) {
        char name[32];
        snprintf(name, sizeof name, "edit-%d-%d/unix", i / EDITS, i % EDITS);
        assert_int_equal(entries_named(&after, name), 1);
    }
    print_message("# %d edits, %zu times entered and taken out, of which %zu had to begin again\n",
                  EDITORS * EDITS, rounds, collisions);
    assert_true(collisions > 0);
    entries_free(&before);
    entries_free(&after);
    free(left.text);
    free(original.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_write_as_postconf_does),
        cmocka_unit_test(generated_files),
        cmocka_unit_test(shipped_files),
        cmocka_unit_test(edits_at_the_same_time_are_kept),
    };
    return cmocka_run_group_tests_name("master_cf and postconf", tests, scratch_make,
                                       scratch_remove);
}
