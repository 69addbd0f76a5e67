/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds for every master.cf, over thousands that are generated: the owner's file comes back to
 * the byte, also when it was edited meanwhile; in between Postfix reads what it read before and our
 * services; and where anything of these was changed, that is said. */
#include "tests/unit/unit.h"

#include "postfix/cf/master_cf.h"
#include "tests/unit/generator.h"
#include "tests/unit/master_cf_generator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES      3000
#define GENERATION 7

static const struct {
    const char *name, *text, *words;
} ours[] = {
    { "detour-ses/unix",
      "detour-ses unix  -       -       n       -       -       smtp\n"
      "    -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl\n"
      "    -o {smtp_tls_mandatory_protocols=!SSLv2, !SSLv3}\n"
      "    -o smtp_tls_security_level=secure\n",
      "- - n - - smtp -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl "
      "-o {smtp_tls_mandatory_protocols=!SSLv2, !SSLv3} -o smtp_tls_security_level=secure" },
    { "detour-ses_tls/unix",
      "detour-ses_tls unix -    -       n       -       -       smtp\n"
      "    -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl\n"
      "    -o smtp_tls_wrappermode=yes\n",
      "- - n - - smtp -o smtp_sasl_password_maps=hash:/etc/postfix/detourd/private/7/ses.sasl "
      "-o smtp_tls_wrappermode=yes" },
};

#define OURS (sizeof ours / sizeof ours[0])

/* Of the file at hand, for messages. */
static uint32_t seed;

static const char *shown(const struct bytes *file)
{
    static char text[4000];

    snprintf(text, sizeof text, "seed %u:\n%.*s", seed, 3000, file->text);
    return text;
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

/* Whether a part of a mark, or a service of a name of ours, is in the file: then nothing is
 * entered. */
static bool is_refused(const struct bytes *file)
{
    struct main_cf *cf = parse(file);
    bool any;

    master_generation(cf, &any);
    for (size_t k = 0; k < OURS; k++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(ours[k].name, "/"), ours[k].name);
        any = any || master_line_of(cf, name) != 0;
    }
    main_cf_free(cf);
    return any;
}

static struct bytes with_services(const struct bytes *file)
{
    struct main_cf *cf = parse(file);
    struct services services = { 0 };
    struct bytes out;

    for (size_t k = 0; k < OURS; k++)
        services_add(&services, ours[k].name, ours[k].text);
    out.text = master_mark_set(cf, GENERATION, &services, &out.len);
    services_free(&services);
    main_cf_free(cf);
    return out;
}

/* RECORD is what was written, or NULL where that is not known. *DRIFT tells whether there is any.
 */
static struct bytes without_services(const struct bytes *file, const struct bytes *record,
                                     bool *drift)
{
    struct main_cf *cf = parse(file), *written = record == NULL ? NULL : parse(record);
    struct master_mark *mark = master_mark_read(cf, written);
    struct bytes out;

    assert_true(mark->legible);
    out.text = master_mark_remove(cf, mark, &out.len);
    *drift = mark->drift_count > 0;
    master_mark_free(mark);
    main_cf_free(written);
    main_cf_free(cf);
    return out;
}

static bool same_entry(const struct entry *a, const char *name, const char *words)
{
    return strcmp(a->name, name) == 0 && strcmp(a->value, words) == 0;
}

/* The owner's entries, in their order; then ours. */
static void postfix_reads_what_was_meant(const struct bytes *original, const struct bytes *marked)
{
    struct entries before = oracle_services(original), after = oracle_services(marked);

    assert_int_equal(after.count, before.count + OURS);
    for (size_t i = 0; i < before.count; i++)
        if (!same_entry(&after.item[i], before.item[i].name, before.item[i].value))
            fail_msg("%s is not what it was: %s", before.item[i].name, shown(original));
    for (size_t k = 0; k < OURS; k++)
        if (!same_entry(&after.item[before.count + k], ours[k].name, ours[k].words))
            fail_msg("%s is not what it should be: %s", ours[k].name, shown(original));
    entries_free(&before);
    entries_free(&after);
}

static void there_and_back(const struct bytes *original, const struct bytes *marked)
{
    bool drift, recorded_drift;
    struct bytes back = without_services(marked, NULL, &drift);
    struct bytes recorded = without_services(marked, marked, &recorded_drift);

    assert_false(drift || recorded_drift);
    postfix_reads_what_was_meant(original, marked);
    expect_same(&back, original, original, "the return");
    expect_same(&recorded, original, original, "the return by the record");
    free(recorded.text);
    free(back.text);
}

/* Whether the last line ends in a newline is not for postconf to keep. */
static void end_line(struct bytes *file)
{
    if (file->len > 0 && file->text[file->len - 1] != '\n') {
        file->text = realloc(file->text, file->len + 2);
        strcpy(file->text + file->len++, "\n");
    }
}

static const char theirs[] = "theirs     unix  -       -       n       -       -       smtp\n"
                             "    -o a=b\n";

/* An edit of another entry does to the owner's file what it would have done to it without us. */
static void an_edit_comes_through(const struct bytes *original, const struct bytes *marked)
{
    struct entries services = oracle_services(original);
    const char *last = services.count > 0 ? services.item[services.count - 1].name : "smtp/unix";
    const char *const names[] = { "smtp/unix", last, "theirs/unix" };

    for (int e = MASTER_REPLACE; e <= MASTER_COMMENT_OUT; e++) {
        enum oracle_master_edit edit = (enum oracle_master_edit)e;
        const char *name = names[(seed + (uint32_t)e) % 3];
        bool drift;
        struct bytes expected = oracle_edit_master(original, edit, name, theirs);
        struct bytes edited = oracle_edit_master(marked, edit, name, theirs);
        struct bytes back = without_services(&edited, marked, &drift);
        if (drift)
            fail_msg("drift, with another service edited: %s", shown(&edited));
        end_line(&expected);
        end_line(&back);
        expect_same(&back, &expected, original, "an edit of theirs");
        free(back.text);
        free(edited.text);
        free(expected.text);
    }
    entries_free(&services);
}

/* An edit of a service of ours is said, and stays. */
static void an_edit_of_ours_stays(const struct bytes *original, const struct bytes *marked)
{
    static const char text[] = "detour-ses unix - - n - 5 smtp\n    -o a=b\n";
    size_t k = seed % OURS;

    for (int e = MASTER_REPLACE; e <= MASTER_COMMENT_OUT; e++) {
        enum oracle_master_edit edit = (enum oracle_master_edit)e;
        bool drift, stays = edit == MASTER_REPLACE || edit == MASTER_REWRITE;
        struct bytes edited = oracle_edit_master(marked, edit, ours[k].name, text);
        struct bytes back = without_services(&edited, marked, &drift), expected = { NULL, 0 };
        FILE *out = open_memstream(&expected.text, &expected.len);
        fwrite(original->text, 1, original->len, out);
        if (stays && original->len > 0 && original->text[original->len - 1] != '\n')
            fputc('\n', out);
        fputs(stays ? text : "", out);
        fclose(out);
        assert_true(drift);
        expect_same(&back, &expected, original, "an edit of ours");
        free(expected.text);
        free(back.text);
        free(edited.text);
    }
}

/* One byte put in, taken out or changed, at FROM or behind it. */
static struct bytes damaged(const struct bytes *file, size_t from)
{
    static const char bytes[] = "\n\n\r \t\v\f#=/-nyx\xff";
    size_t at = from + generate_below((uint32_t)(file->len - from));
    bool insert = generate_one_in(3), take = !insert && generate_one_in(3);
    struct bytes out = { NULL, 0 };
    FILE *to = open_memstream(&out.text, &out.len);

    fwrite(file->text, 1, at, to);
    if (!take)
        fputc(bytes[generate_below(sizeof bytes - 1)], to);
    fwrite(file->text + at + !insert, 1, file->len - at - !insert, to);
    fclose(to);
    return out;
}

/* Whether all of A is read in B, in its order; what is new in B is somebody's own. */
static bool reads_all(const struct entries *a, const struct entries *b)
{
    size_t i = 0;

    for (size_t j = 0; i < a->count && j < b->count; j++)
        i += same_entry(&a->item[i], b->item[j].name, b->item[j].value);
    return i == a->count;
}

/* A slip of the hand in our block: Postfix reads what we wrote, or it is said; and the
 * owner's file is there when the mark is off. */
static void a_slip_is_noticed(const struct bytes *original, const struct bytes *marked)
{
    size_t begin =
        (size_t)(strstr(marked->text + original->len, "# detourd: begin") - marked->text);
    struct bytes slipped = damaged(marked, begin);
    struct entries before = oracle_services(marked), after = oracle_services(&slipped);
    bool drift;
    struct bytes back = without_services(&slipped, marked, &drift);

    if (!drift && !reads_all(&before, &after))
        fail_msg("nothing is said of %s", shown(&slipped));
    if (back.len < original->len || memcmp(back.text, original->text, original->len) != 0)
        fail_msg("the owner's lines are lost: %s\nof %s", back.text, shown(&slipped));
    free(back.text);
    entries_free(&before);
    entries_free(&after);
    free(slipped.text);
}

static void every_master_cf_comes_back(void **state)
{
    size_t seen[MASTER_TRAITS] = { 0 }, files = 0;

    (void)state;
    for (seed = 0; files < FILES; seed++) {
        struct bytes file = generate_master_cf(seed, seed % 4 == 0 ? GENERATE_LEGAL : GENERATE_ANY);
        if (!is_refused(&file)) {
            struct bytes marked = with_services(&file);
            there_and_back(&file, &marked);
            an_edit_comes_through(&file, &marked);
            an_edit_of_ours_stays(&file, &marked);
            a_slip_is_noticed(&file, &marked);
            struct entries services = oracle_services(&file);
            for (int t = 0; t < MASTER_TRAITS; t++)
                seen[t] += has_master_trait(&file, &services, (enum master_trait)t);
            entries_free(&services);
            free(marked.text);
            files++;
        }
        free(file.text);
    }
    for (int t = 0; t < MASTER_TRAITS; t++) {
        print_message("# %5zu with %s\n", seen[t], master_trait_name((enum master_trait)t));
        assert_true(seen[t] > 0);
    }
    print_message("# %zu generated files, each given back to the byte\n", files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_master_cf_comes_back),
    };
    return cmocka_run_group_tests_name("master_cf, generated", tests, NULL, NULL);
}
