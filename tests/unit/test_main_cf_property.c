/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds for every main.cf, over thousands that are generated: the owner's file comes back to
 * the byte, and in between Postfix reads what it read before and what the route sets. */
#include "tests/unit/unit.h"

#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include "tests/unit/main_cf_generator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES      8000
#define GENERATION 7

static const struct {
    const char *name, *value;
} wanted[] = {
    { "relayhost", "[relay.example]:587" },
    { "smtp_sasl_auth_enable", "yes" },
    { "smtp_sasl_password_maps", "hash:/etc/postfix/detourd/private/7/sasl, $mine" },
    { "smtp_delivery_status_filter",
      "regexp:/etc/postfix/detourd/private/7/shield, "
      "pipemap:{regexp:/z,regexp:/etc/postfix/detourd/private/7/shield}, regexp:/z" },
    { "smtp_tls_policy_maps", "hash:/etc/postfix/detourd/private/7/policy" },
    { "smtp_tls_CAfile", "/etc/$$ssl/ca.pem" },
};

#define WANTED (sizeof wanted / sizeof wanted[0])

/* Of the file at hand, for messages. */
static uint32_t seed;

static const char *shown(const struct bytes *file)
{
    static char text[4000];

    snprintf(text, sizeof text, "seed %u:\n%.*s", seed, 3000, file->text);
    return text;
}

static void settings_of(struct settings *settings, const struct route *route)
{
    for (size_t i = 0; i < WANTED; i++)
        if (!route_is_direct(route) || strcmp(wanted[i].name, "relayhost") != 0)
            settings_add(settings, wanted[i].name, wanted[i].value);
}

static struct main_cf *parse(const struct bytes *file)
{
    struct main_cf *cf = main_cf_parse(file->text, file->len);

    assert_non_null(cf);
    return cf;
}

static void expect_same(const struct bytes *a, const struct bytes *b, const struct bytes *original,
                        const char *what)
{
    if (a->len != b->len || memcmp(a->text, b->text, a->len) != 0)
        fail_msg("%s: %s\nis not\n%.3000s\nfor %s", what, a->text, b->text, shown(original));
}

static void lines_are_the_file(const struct bytes *file)
{
    struct main_cf *cf = parse(file);
    struct bytes all = { NULL, 0 };
    FILE *out = open_memstream(&all.text, &all.len);

    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        fwrite(main_cf_line(cf, i)->text, 1, main_cf_line(cf, i)->len, out);
    fclose(out);
    expect_same(&all, file, file, "the lines");
    free(all.text);
    main_cf_free(cf);
}

/* Whether somebody's mark, or a part of one, is in the file: then a route is refused. */
static bool bears_marks(const struct bytes *file)
{
    struct main_cf *cf = parse(file);
    struct mark *mark = mark_read(cf, NULL);
    bool bears = mark->drift_count > 0 || mark->generation != 0;

    mark_free(mark);
    main_cf_free(cf);
    return bears;
}

static struct bytes with_route(const struct bytes *file, const struct route *route)
{
    struct main_cf *cf = parse(file);
    struct settings settings = { 0 };
    struct bytes out;

    settings_of(&settings, route);
    out.text = mark_set(cf, route, GENERATION, &settings, &out.len);
    settings_free(&settings);
    main_cf_free(cf);
    return out;
}

/* RECORD is what was written for the route, or NULL where that is not known. */
static struct bytes without_route(const struct bytes *file, const struct bytes *record)
{
    struct main_cf *cf = parse(file), *written = record == NULL ? NULL : parse(record);
    struct mark *mark = mark_read(cf, written);
    struct bytes out;

    out.text = mark_remove(cf, mark, &out.len);
    mark_free(mark);
    main_cf_free(written);
    main_cf_free(cf);
    return out;
}

static void mark_is_legible(const struct bytes *marked, const struct route *route,
                            const struct bytes *original)
{
    struct main_cf *cf = parse(marked);
    struct mark *mark = mark_read(cf, NULL);
    struct settings settings = { 0 };

    settings_of(&settings, route);
    if (mark->drift_count != 0)
        fail_msg("drift: %s in %s", mark->drift[0], shown(original));
    if (!route_equal(&mark->route, route) || mark->generation != GENERATION ||
        !settings_equal(&mark->settings, &settings))
        fail_msg("the mark is not read as it was written: %s", shown(original));
    settings_free(&settings);
    mark_free(mark);
    main_cf_free(cf);
}

static bool is_ours(const char *name, const struct route *route)
{
    for (size_t i = 0; i < WANTED; i++)
        if (strcmp(wanted[i].name, name) == 0)
            return !route_is_direct(route) || strcmp(name, "relayhost") != 0;
    return false;
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
    if ((a->value == NULL) != (b->value == NULL) || strcmp(a->name, b->name) != 0)
        return false;
    return a->value == NULL || strcmp(a->value, b->value) == 0;
}

/* The owner's entries, in their order, less those that the route sets; then the route's, once. */
static void postfix_reads_what_was_meant(const struct bytes *original, const struct bytes *marked,
                                         const struct route *route)
{
    struct entries before = oracle_read(original), after = oracle_read(marked);
    size_t at = 0;

    for (size_t i = 0; i < before.count; i++) {
        if (is_ours(before.item[i].name, route))
            continue;
        if (at == after.count || !same_entry(&before.item[i], &after.item[at]))
            fail_msg("%s is not what it was: %s", before.item[i].name, shown(original));
        at++;
    }
    for (size_t i = 0; i < WANTED; i++) {
        if (!is_ours(wanted[i].name, route))
            continue;
        if (at == after.count || strcmp(after.item[at].name, wanted[i].name) != 0 ||
            after.item[at].value == NULL || strcmp(after.item[at].value, wanted[i].value) != 0)
            fail_msg("%s is not set as it should be: %s", wanted[i].name, shown(original));
        at++;
    }
    if (at != after.count)
        fail_msg("%s is more than there should be: %s", after.item[at].name, shown(original));
    entries_free(&before);
    entries_free(&after);
}

static void there_and_back(const struct bytes *original, const struct route *route)
{
    struct bytes marked = with_route(original, route);
    struct bytes back = without_route(&marked, NULL), recorded = without_route(&marked, &marked);

    mark_is_legible(&marked, route, original);
    postfix_reads_what_was_meant(original, &marked, route);
    expect_same(&back, original, original, "the return");
    expect_same(&recorded, original, original, "the return by the record");
    free(recorded.text);
    free(back.text);
    free(marked.text);
}

/* "postconf -e" while a route is in force does to the owner's file what it would have done to it
 * without. Whether the last line ends in a newline is not for postconf to keep. */
static void an_edit_comes_through(const struct bytes *original)
{
    static const char *const theirs[] = { "mydestination", "my_own", "new_one" };
    struct route route = route_relay("ses", 587);
    const char *name = theirs[seed % 3];
    struct bytes marked = with_route(original, &route);
    struct bytes edited = oracle_edit(&marked, name, "edited by somebody");
    struct bytes back = without_route(&edited, &marked);
    struct bytes expected = oracle_edit(original, name, "edited by somebody");

    if (back.len + 1 == expected.len)
        expected.text[--expected.len] = '\0';
    expect_same(&back, &expected, original, "the return after an edit");
    free(expected.text);
    free(back.text);
    free(edited.text);
    free(marked.text);
}

static void every_main_cf_comes_back(void **state)
{
    struct route relay = route_relay("ses", 587), prepared = route_direct();
    size_t seen[TRAITS] = { 0 }, files = 0;

    (void)state;
    for (seed = 0; files < FILES; seed++) {
        struct bytes file = generate_main_cf(seed, seed % 4 == 0 ? GENERATE_LEGAL : GENERATE_ANY);
        lines_are_the_file(&file);
        if (!bears_marks(&file)) {
            there_and_back(&file, &relay);
            there_and_back(&file, &prepared);
            an_edit_comes_through(&file);
            struct entries entries = oracle_read(&file);
            for (int t = 0; t < TRAITS; t++)
                seen[t] += has_trait(&file, &entries, (enum trait)t);
            entries_free(&entries);
            files++;
        }
        free(file.text);
    }
    for (int t = 0; t < TRAITS; t++) {
        print_message("# %5zu with %s\n", seen[t], trait_name((enum trait)t));
        assert_true(seen[t] > 0);
    }
    print_message("# %zu generated files, each given back to the byte\n", files);
}

static void a_nul_anywhere_is_refused(void **state)
{
    (void)state;
    for (seed = 0; seed < 200; seed++) {
        struct bytes file = generate_main_cf(seed, GENERATE_ANY);
        if (file.len > 0) {
            file.text[seed % file.len] = '\0';
            assert_null(main_cf_parse(file.text, file.len));
        }
        free(file.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_main_cf_comes_back),
        cmocka_unit_test(a_nul_anywhere_is_refused),
    };
    return cmocka_run_group_tests_name("main_cf, generated", tests, NULL, NULL);
}
