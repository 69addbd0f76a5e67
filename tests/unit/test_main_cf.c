/* SPDX-License-Identifier: BSD-2-Clause */
/* main.cf: what is read is given back, our mark comes off without a trace, and what Postfix reads
 * is what was meant, by a reader of its own. */
#include "tests/unit/unit.h"

#include "postfix/cf/main_cf.h"
#include "postfix/cf/mark.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERATED 4000

static struct settings route_settings(void)
{
    struct settings s = { 0 };

    settings_add(&s, "relayhost", "[relay.example]:587");
    settings_add(&s, "smtp_sasl_auth_enable", "yes");
    settings_add(&s, "smtp_sasl_password_maps", "hash:/etc/postfix/detourd/private/7/sasl, $mine");
    return s;
}

static const char *const names[] = { "relayhost", "smtp_sasl_auth_enable",
                                     "smtp_sasl_password_maps" };

/* A string that may hold any bytes but NUL. */
struct bytes {
    char *text;
    size_t len;
};

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){ strdup(text), strlen(text) };
}

static struct bytes all_lines(const struct main_cf *cf)
{
    struct bytes out = { NULL, 0 };
    FILE *stream = open_memstream(&out.text, &out.len);

    for (size_t i = 0; i < main_cf_line_count(cf); i++)
        fwrite(main_cf_line(cf, i)->text, 1, main_cf_line(cf, i)->len, stream);
    fclose(stream);
    return out;
}

static struct main_cf *parse(struct bytes b)
{
    struct main_cf *cf = main_cf_parse(b.text, b.len);

    assert_non_null(cf);
    return cf;
}

static struct bytes set(struct bytes original)
{
    struct main_cf *cf = parse(original);
    struct settings settings = route_settings();
    struct route route = route_relay("ses", 587);
    struct bytes out;

    out.text = mark_set(cf, &route, 7, &settings, &out.len);
    settings_free(&settings);
    main_cf_free(cf);
    return out;
}

static struct bytes removed(struct bytes marked)
{
    struct main_cf *cf = parse(marked);
    struct mark *mark = mark_read(cf, NULL);
    struct bytes out;

    out.text = mark_remove(cf, mark, &out.len);
    mark_free(mark);
    main_cf_free(cf);
    return out;
}

static void expect_same(struct bytes a, struct bytes b)
{
    if (a.len != b.len || memcmp(a.text, b.text, a.len) != 0)
        fail_msg("expected:\n%.*s\nand got:\n%.*s", (int)b.len, b.text, (int)a.len, a.text);
}

/* Another reading of main.cf, after Postfix's readllines() and split_nameval(): one logical line at
 * a time, with every value of the name added to OUT, each in brackets. */
static bool space(int c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static void take(const char *line, size_t len, const char *name, FILE *out)
{
    size_t n = strlen(name), i = n;

    if (len == 0 || space(line[0]) || len < n || memcmp(line, name, n) != 0)
        return;
    while (i < len && space(line[i]))
        i++;
    if (i == len || line[i] != '=')
        return;
    for (i++; i < len && space(line[i]);)
        i++;
    while (len > i && space(line[len - 1]))
        len--;
    fprintf(out, "[%.*s]", (int)(len - i), line + i);
}

static struct bytes values(struct bytes file, const char *name)
{
    struct bytes out = { NULL, 0 };
    FILE *stream = open_memstream(&out.text, &out.len);
    char *line = malloc(file.len + 1);
    size_t have = 0, at = 0;

    while (at < file.len) {
        size_t start = have, first = at;
        while (at < file.len && file.text[at] != '\n')
            line[have++] = file.text[at++];
        bool ended = at++ < file.len;
        size_t seen = first;
        while (seen < first + (have - start) && space(file.text[seen]))
            seen++;
        if (seen == first + (have - start) || file.text[seen] == '#')
            have = start;
        bool goes_on = ended && at < file.len && (file.text[at] == '#' || space(file.text[at]));
        if (have > 0 && !goes_on) {
            take(line, have, name, stream);
            have = 0;
        }
    }
    take(line, have, name, stream);
    free(line);
    fclose(stream);
    return out;
}

/* Everything that has to hold for one file. */
static void check_file(struct bytes original)
{
    struct main_cf *cf = parse(original);
    struct bytes same = all_lines(cf);
    expect_same(same, original);
    struct bytes marked = set(original);
    struct main_cf *after = parse(marked);
    struct mark *mark = mark_read(after, NULL);

    if (mark->drift_count != 0)
        fail_msg("drift: %s in\n%s", mark->drift[0], marked.text);
    assert_string_equal(mark->route.name, "ses");
    assert_int_equal(mark->route.port, 587);
    assert_int_equal(mark->generation, 7);
    struct settings settings = route_settings();
    assert_true(settings_equal(&mark->settings, &settings));
    for (size_t i = 0; i < settings.count; i++) {
        struct bytes found = values(marked, settings.item[i].name);
        char expected[200];
        snprintf(expected, sizeof expected, "[%s]", settings.item[i].value);
        assert_string_equal(found.text, expected);
        free(found.text);
    }
    static const char *const others[] = { "mydestination", "a", "relayhost2", "virtual_maps" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct bytes x = values(original, others[i]), y = values(marked, others[i]);
        assert_string_equal(x.text, y.text);
        free(x.text);
        free(y.text);
    }
    struct bytes back = removed(marked);
    expect_same(back, original);
    free(back.text);
    settings_free(&settings);
    mark_free(mark);
    main_cf_free(after);
    main_cf_free(cf);
    free(marked.text);
    free(same.text);
}

static void files_by_hand(void **state)
{
    static const char *const files[] = {
        "",
        "\n",
        "relayhost =\n",
        "relayhost =",
        "relayhost",
        "relayhost=[home.example]\n",
        "relayhost = a\nrelayhost = b\n",
        "# comment alone",
        "a = b\r\nrelayhost =\r\n\r\nmydestination = x,\r\n  y\r\n",
        "a = b\nrelayhost = [x]\n",
        "relayhost =\n   [home.example]\n\t:587\n",
        "relayhost =\n# a comment inside\n   [home.example]\n\n\n  # another\n   \n  :587\na = 1\n",
        "mydestination = x,\n# comment\n  y\nrelayhost = z\n\t# c\n",
        "mydestination = x\nrelayhost =\n  [home.example]\n# c\n  more\na = 1\n",
        " relayhost = ignored at the top\nrelayhost = z\n",
        "  junk\n\n  more junk\n",
        "\trelayhost = x",
        "smtp_sasl_auth_enable=no\nsmtp_sasl_password_maps = hash:/x,\n  hash:/y",
        "relayhostx = 1\nxrelayhost = 2\nrelayhost2 = 3\n",
        "a = \xff\xfe\xc3\n",
        "=\n",
        "relayhost = last\n# trailing comment",
        "relayhost = last\n   ",
        "relayhost = last\n\r",
        "#detourd:relayhost = near our mark\n# detourd is great\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct bytes b = bytes_of(files[i]);
        check_file(b);
        free(b.text);
    }
}

static uint32_t seed;

static uint32_t next(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void generate(FILE *out)
{
    static const char *const pieces[] = {
        "relayhost",
        "smtp_sasl_auth_enable",
        "smtp_sasl_password_maps",
        "mydestination",
        "a",
        "relayhost2",
        " = ",
        "=",
        " =\t",
        "x",
        ", ",
        "$mydomain",
        "hash:/x",
        "\n",
        "\n",
        "\n",
        "\n ",
        "\n\t",
        "\n#",
        "\n  # c",
        "\n\n",
        "\r\n",
        " ",
        "\n relayhost = no",
        "\nrelayhost",
        "\f",
        "\v",
        "\xc3\xa4",
    };

    for (uint32_t n = next(40); n > 0; n--)
        fputs(pieces[next(sizeof pieces / sizeof pieces[0])], out);
}

static void generated_files(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < GENERATED; i++) {
        struct bytes b = { NULL, 0 };
        FILE *out = open_memstream(&b.text, &b.len);
        seed = i;
        generate(out);
        fclose(out);
        check_file(b);
        free(b.text);
    }
}

static void a_very_long_line(void **state)
{
    struct bytes b = { NULL, 0 };
    FILE *out = open_memstream(&b.text, &b.len);

    (void)state;
    fputs("mydestination = ", out);
    for (int i = 0; i < 100000; i++)
        fprintf(out, "host%d.example, ", i);
    fputs("end\nrelayhost =\n", out);
    fclose(out);
    check_file(b);
    free(b.text);
}

static void nul_is_refused(void **state)
{
    (void)state;
    assert_null(main_cf_parse("a = b\0c\n", 8));
}

/* Finds NEEDLE and puts WITH in its place; "" at the very end means to append. */
static struct bytes edit(struct bytes b, const char *needle, const char *with)
{
    char *hit = needle[0] == '\0' ? b.text + b.len : strstr(b.text, needle);
    struct bytes out = { NULL, 0 };

    assert_non_null(hit);
    FILE *stream = open_memstream(&out.text, &out.len);
    fwrite(b.text, 1, (size_t)(hit - b.text), stream);
    fputs(with, stream);
    fputs(hit + strlen(needle), stream);
    fclose(stream);
    return out;
}

static const char owner[] = "# mine\nmydestination = x\nrelayhost =\na = 1\n";

/* What somebody else writes while a route is in force is in the file after the return. */
static void edits_elsewhere_are_kept(void **state)
{
    static const struct {
        const char *needle, *with, *after;
    } edits[] = {
        { "", "b = 2\n", "# mine\nmydestination = x\nrelayhost =\na = 1\nb = 2\n" },
        { "a = 1\n", "a = 2\n", "# mine\nmydestination = x\nrelayhost =\na = 2\n" },
        { "a = 1\n", "", "# mine\nmydestination = x\nrelayhost =\n" },
        { "# mine\n", "# ours\n\n", "# ours\n\nmydestination = x\nrelayhost =\na = 1\n" },
        { "= x\n", "= x,\n  y\n", "# mine\nmydestination = x,\n  y\nrelayhost =\na = 1\n" },
        { "#detourd: relayhost =\n", "", "# mine\nmydestination = x\na = 1\n" },
    };

    (void)state;
    struct bytes original = bytes_of(owner), marked = set(original);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct bytes edited = edit(marked, edits[i].needle, edits[i].with);
        struct main_cf *cf = parse(edited);
        struct mark *mark = mark_read(cf, NULL);
        struct bytes back = removed(edited), expected = bytes_of(edits[i].after);
        assert_int_equal(mark->drift_count, 0);
        expect_same(back, expected);
        mark_free(mark);
        main_cf_free(cf);
        free(back.text);
        free(expected.text);
        free(edited.text);
    }
    free(marked.text);
    free(original.text);
}

/* A missing newline at the end is given back, but not in the middle of the file. */
static void missing_newline_and_an_edit(void **state)
{
    struct bytes original = bytes_of("relayhost =\na = 1"), marked = set(original);
    struct bytes edited = edit(marked, "", "b = 2\n"), back = removed(edited);

    (void)state;
    assert_string_equal(back.text, "relayhost =\na = 1\nb = 2\n");
    free(back.text);
    free(edited.text);
    free(marked.text);
    free(original.text);
}

static void a_plain_file_bears_no_mark(void **state)
{
    struct bytes original = bytes_of(owner);
    struct main_cf *cf = parse(original);
    struct mark *mark = mark_read(cf, NULL);

    (void)state;
    assert_true(route_is_direct(&mark->route));
    assert_int_equal(mark->drift_count, 0);
    assert_int_equal(mark->generation, 0);
    mark_free(mark);
    main_cf_free(cf);
    free(original.text);
}

/* No name may stand twice: Postfix's programs would all warn of it. */
static void no_name_stands_twice(void **state)
{
    struct bytes original = bytes_of("relayhost = a\nsmtp_sasl_auth_enable = no\nrelayhost = b\n");
    struct bytes marked = set(original);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct bytes found = values(marked, names[i]);
        assert_int_equal(found.text[0], '[');
        assert_null(strstr(found.text, "]["));
        free(found.text);
    }
    assert_non_null(
        strstr(marked.text, "#detourd: relayhost = a\n#detourd: smtp_sasl_auth_enable"));
    free(marked.text);
    free(original.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_by_hand),
        cmocka_unit_test(generated_files),
        cmocka_unit_test(a_very_long_line),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(edits_elsewhere_are_kept),
        cmocka_unit_test(missing_newline_and_an_edit),
        cmocka_unit_test(a_plain_file_bears_no_mark),
        cmocka_unit_test(no_name_stands_twice),
    };
    return cmocka_run_group_tests_name("main_cf", tests, NULL, NULL);
}
