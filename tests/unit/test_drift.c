/* SPDX-License-Identifier: BSD-2-Clause */
/* What others do to main.cf while a route is in force: whose each line is then, what is said, and
 * what is left of it when the mark comes off. */
#include "tests/unit/unit.h"

#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPS "hash:/etc/postfix/detourd/private/7/sasl"

static const char owner[] = "# mine\n"
                            "mydestination = x\n"
                            "relayhost = [home.example],\n"
                            "  [second.example]\n"
                            "a = 1\n";

static struct main_cf *parse(const char *text)
{
    struct main_cf *cf = main_cf_parse(text, strlen(text));

    assert_non_null(cf);
    return cf;
}

static char *in_force(const char *original, bool prepared)
{
    struct main_cf *cf = parse(original);
    struct route route = prepared ? route_direct() : route_relay("ses", 587);
    struct settings settings = { 0 };
    size_t len;

    if (!prepared)
        settings_add(&settings, "relayhost", "[relay.example]:587");
    settings_add(&settings, "smtp_sasl_auth_enable", "yes");
    settings_add(&settings, "smtp_sasl_password_maps", MAPS);
    char *text = mark_set(cf, &route, 7, &settings, &len);
    settings_free(&settings);
    main_cf_free(cf);
    return text;
}

/* NEEDLE replaced by WITH; an empty one stands for the end, and NULL for the whole file. */
static char *edit(const char *text, const char *needle, const char *with)
{
    const char *hit = needle == NULL      ? text
                      : needle[0] == '\0' ? text + strlen(text)
                                          : strstr(text, needle);
    char *out = NULL;
    size_t len, skip = needle == NULL ? strlen(text) : strlen(needle);

    if (hit == NULL)
        fail_msg("no \"%s\" in\n%s", needle, text);
    FILE *stream = open_memstream(&out, &len);
    fprintf(stream, "%.*s%s%s", (int)(hit - text), text, with, hit + skip);
    fclose(stream);
    return out;
}

static struct mark *read_mark(const char *text, const char *record)
{
    struct main_cf *cf = parse(text), *written = record == NULL ? NULL : parse(record);
    struct mark *mark = mark_read(cf, written);

    main_cf_free(cf);
    main_cf_free(written);
    return mark;
}

static char *removed(const char *text, const struct mark *mark)
{
    struct main_cf *cf = parse(text);
    size_t len;
    char *out = mark_remove(cf, mark, &len);

    assert_int_equal(len, strlen(out));
    main_cf_free(cf);
    return out;
}

static void expect_drift(const char *text, const struct mark *mark, const char *word)
{
    for (size_t i = 0; i < mark->drift_count; i++)
        if (word != NULL && strstr(mark->drift[i], word) != NULL)
            return;
    if (word != NULL)
        fail_msg("\"%s\" is not said (%s) of\n%s", word,
                 mark->drift_count == 0 ? "nothing is" : mark->drift[0], text);
    if (mark->drift_count > 0)
        fail_msg("\"%s\" is said of\n%s", mark->drift[0], text);
}

struct other_hand {
    const char *needle, *with; /* the edit */
    const char *says;          /* a word of the drift, or NULL for none */
    const char *route;         /* in force afterwards */
    const char *after;         /* main.cf when the mark is off */
};

#define HEAD "# mine\nmydestination = x\n"
#define HOME "relayhost = [home.example],\n  [second.example]\n"
#define OURS "relayhost = [relay.example]:587\n"

static const struct other_hand hands[] = {
    /* not ours: no drift, and it stays */
    { "", "b = 2\n", NULL, "ses", HEAD HOME "a = 1\nb = 2\n" },
    { "a = 1\n", "a = 2\n", NULL, "ses", HEAD HOME "a = 2\n" },
    { "a = 1\n", "", NULL, "ses", HEAD HOME },
    { "= x\n", "= x,\n  y\n", NULL, "ses", "# mine\nmydestination = x,\n  y\n" HOME "a = 1\n" },
    { OURS, OURS "b = 2\n# theirs\n", NULL, "ses", HEAD HOME "a = 1\nb = 2\n# theirs\n" },
    /* postconf -e, -#, -X: as if it had been done to the owner's file */
    { OURS, "relayhost = [other.example]\n", "another value", "direct",
      HEAD "relayhost = [other.example]\na = 1\n" },
    { OURS, "#" OURS, "commented out", "direct",
      HEAD "#relayhost = [home.example],\n#  [second.example]\na = 1\n" },
    { OURS, "", "taken out", "direct", HEAD "a = 1\n" },
    { "auth_enable = yes\n", "auth_enable = no\n", "another value", "ses",
      HEAD HOME "a = 1\nsmtp_sasl_auth_enable = no\n" },
    { "smtp_sasl_auth_enable = yes\n", "#smtp_sasl_auth_enable = yes\n", "commented out", "ses",
      HEAD HOME "a = 1\n" },
    { "smtp_sasl_auth_enable = yes\n", "", "taken out", "ses", HEAD HOME "a = 1\n" },
    { "= " MAPS, "= " MAPS ", hash:/etc/postfix/more", "another value", "ses",
      HEAD HOME "a = 1\nsmtp_sasl_password_maps = " MAPS ", hash:/etc/postfix/more\n" },
    { OURS, "relayhost = [other.example],\n# why\n  [third.example]\n", "another value", "direct",
      HEAD "relayhost = [other.example],\n  [third.example]\na = 1\n# why\n" },
    { "", "  [more.example]\n", "another value", "ses",
      HEAD HOME "a = 1\nsmtp_sasl_password_maps = " MAPS "\n  [more.example]\n" },
    /* a byte is enough */
    { OURS, "relayhost=[relay.example2]:587\n", "another value", "direct",
      HEAD "relayhost=[relay.example2]:587\na = 1\n" },
    /* lines of their own */
    { "", "relayhost = [other.example]\n", "too", "direct",
      HEAD "a = 1\nrelayhost = [other.example]\n" },
    { "# mine\n", "relayhost = [other.example]\n", "too", "ses",
      "relayhost = [other.example]\nmydestination = x\na = 1\n" },
    { "#detourd: relayhost = [home.example],\n#detourd:   [second.example]\n",
      "relayhost = [other.example]\n", "too", "ses", HEAD "relayhost = [other.example]\na = 1\n" },
    { "#detourd: relayhost = [home.example],\n#detourd:   [second.example]\n", "",
      "edited or taken out", "ses", HEAD "a = 1\n" },
    { "[home.example],", "[house.example],", "edited or taken out", "ses",
      HEAD "relayhost = [house.example],\n  [second.example]\na = 1\n" },
    /* our own words */
    { "# detourd: begin relay ses", "# detourd: begin relay SES", "first or the last line", "ses",
      HEAD HOME "a = 1\n" },
    { "# detourd: end ", "# end ", "first or the last line", "ses", NULL },
    { "# detourd: begin relay ses 587 generation 7\n", "", "first or the last line", "ses",
      HEAD HOME "a = 1\n" },
    { "", "# detourd: begin relay x 25 generation 1\n", "more than once", "ses",
      HEAD HOME "a = 1\n" },
    /* the whole file */
    { NULL, "# Ansible managed\nmydestination = y\n", "gone", "direct",
      "# Ansible managed\nmydestination = y\n" },
    { NULL, "relayhost = [other.example]\n", "gone", "direct", "relayhost = [other.example]\n" },
    { NULL, HEAD HOME "a = 1\n", "gone", "direct", HEAD HOME "a = 1\n" },
    { NULL, "", "gone", "direct", "" },
};

static void the_other_hand(void **state)
{
    char *marked = in_force(owner, false);

    (void)state;
    for (size_t i = 0; i < sizeof hands / sizeof hands[0]; i++) {
        char *edited = edit(marked, hands[i].needle, hands[i].with);
        struct mark *mark = read_mark(edited, marked);
        expect_drift(edited, mark, hands[i].says);
        if (strcmp(mark->route.name, hands[i].route) != 0)
            fail_msg("the route is %s, not %s, in\n%s", mark->route.name, hands[i].route, edited);
        assert_true(mark->legible);
        char *after = removed(edited, mark);
        if (hands[i].after != NULL && strcmp(after, hands[i].after) != 0)
            fail_msg("of\n%s\nthere is left\n%s", edited, after);
        assert_null(strstr(after, "detourd:"));
        free(after);
        mark_free(mark);
        free(edited);
    }
    free(marked);
}

/* Our block stands behind a newline of its own where the owner's last line had none. Without that
 * line, the newline before is the owner's. */
static void a_last_line_taken_out(void **state)
{
    char *marked = in_force("a = 1\nb = 2", false), *edited = edit(marked, "b = 2\n", "");
    struct mark *mark = read_mark(edited, marked);

    (void)state;
    char *after = removed(edited, mark);
    assert_string_equal(after, "a = 1\n");
    free(after);
    mark_free(mark);
    free(edited);
    free(marked);
}

/* The block is deleted, what was put aside is not: that is to come back. */
static void a_block_cut_out(void **state)
{
    char *marked = in_force(owner, false), *edited = strdup(marked);

    (void)state;
    *strstr(edited, "# detourd: begin") = '\0';
    struct mark *mark = read_mark(edited, marked);
    assert_true(mark->gone);
    assert_true(mark->reverted);
    char *after = removed(edited, mark);
    assert_string_equal(after, owner);
    free(after);
    mark_free(mark);
    free(edited);
    free(marked);
}

/* Only the comments around our lines are gone: the lines are known by the files that they name. */
static void a_block_without_its_frame(void **state)
{
    char *marked = in_force(owner, false);
    char *one = edit(marked, "# detourd: begin relay ses 587 generation 7\n", "");
    char *two = edit(one,
                     "# Written by detour-apply(8); \"detour-apply direct\" takes it out "
                     "again.\n",
                     "");

    (void)state;
    *strstr(two, "# detourd: end") = '\0';
    struct mark *mark = read_mark(two, marked);
    assert_false(mark->gone);
    char *after = removed(two, mark);
    assert_string_equal(after, owner);
    free(after);
    mark_free(mark);
    free(two);
    free(one);
    free(marked);
}

/* Without a record, nobody can tell an edit from our own words; while nothing is edited, the block
 * itself says what it is. */
static void without_a_record(void **state)
{
    char *marked = in_force(owner, false), *edited = edit(marked, "yes", "no");
    struct mark *whole = read_mark(marked, NULL), *broken = read_mark(edited, NULL);

    (void)state;
    assert_int_equal(whole->drift_count, 0);
    assert_true(whole->legible);
    assert_false(broken->legible);
    expect_drift(edited, broken, "by hand");
    mark_free(whole);
    mark_free(broken);
    free(edited);
    free(marked);
}

/* A route that is only prepared lacks its relayhost, and that is no drift. */
static void prepared_is_no_drift(void **state)
{
    char *marked = in_force(owner, false), *prepared = in_force(owner, true);
    struct mark *mark = read_mark(prepared, marked);

    (void)state;
    expect_drift(prepared, mark, NULL);
    assert_int_equal(mark->kind, BLOCK_PREPARED);
    assert_false(mark->reverted);
    assert_true(route_is_direct(&mark->route));
    char *after = removed(prepared, mark);
    assert_string_equal(after, owner);
    free(after);
    mark_free(mark);
    free(prepared);
    free(marked);
}

/* The step on the way back takes the route alone, whatever else was edited. */
static void the_route_alone(void **state)
{
    char *marked = in_force(owner, false);
    char *edited = edit(marked, "smtp_sasl_auth_enable = yes\n", "smtp_sasl_auth_enable = no\n");
    struct mark *mark = read_mark(edited, marked);
    struct main_cf *cf = parse(edited);
    size_t len;
    char *step = mark_remove_route(cf, mark, &len);
    struct mark *after = read_mark(step, marked);

    (void)state;
    assert_null(strstr(step, "relay.example"));
    assert_non_null(strstr(step, "\n" HOME));
    assert_non_null(strstr(step, "smtp_sasl_auth_enable = no\n"));
    assert_non_null(strstr(step, MAPS));
    assert_int_equal(after->kind, BLOCK_PREPARED);
    char *end = removed(step, after);
    assert_string_equal(end, HEAD HOME "a = 1\nsmtp_sasl_auth_enable = no\n");
    free(end);
    free(step);
    main_cf_free(cf);
    mark_free(after);
    mark_free(mark);
    free(edited);
    free(marked);
}

/* Their own relayhost leads to our relay: without the password its refusal would bounce mail. */
static void the_password_stays_with_their_route(void **state)
{
    char *marked = in_force(owner, false);
    char *edited = edit(marked, "[relay.example]:587", "[Relay.Example]:2525");
    struct mark *mark = read_mark(edited, marked);
    struct main_cf *cf = parse(edited);
    struct settings taken_off = { 0 };

    (void)state;
    assert_true(mark_is_handed_over(cf, mark));
    mark_taken_off(cf, mark, &taken_off);
    assert_int_equal(taken_off.count, 0);
    char *after = removed(edited, mark);
    assert_string_equal(after, HEAD "relayhost = [Relay.Example]:2525\na = 1\n"
                                    "smtp_sasl_auth_enable = yes\n"
                                    "smtp_sasl_password_maps = " MAPS "\n");
    free(after);
    main_cf_free(cf);
    mark_free(mark);
    free(edited);
    free(marked);
}

/* Our mark in a file where no route is in force is somebody's doing. */
static void orphaned_marks_are_seen(void **state)
{
    static const char *const files[][2] = {
        { "a = 1\n#detourd: relayhost =\n", "a = 1\nrelayhost =\n" },
        { "relayhost = x\n#detourd: relayhost = y\n", "relayhost = x\n#relayhost = y\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct mark *mark = read_mark(files[i][0], NULL);
        expect_drift(files[i][0], mark, "line 2");
        char *after = removed(files[i][0], mark);
        assert_string_equal(after, files[i][1]);
        free(after);
        mark_free(mark);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_hand),
        cmocka_unit_test(a_last_line_taken_out),
        cmocka_unit_test(a_block_cut_out),
        cmocka_unit_test(a_block_without_its_frame),
        cmocka_unit_test(without_a_record),
        cmocka_unit_test(prepared_is_no_drift),
        cmocka_unit_test(the_route_alone),
        cmocka_unit_test(the_password_stays_with_their_route),
        cmocka_unit_test(orphaned_marks_are_seen),
    };
    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
