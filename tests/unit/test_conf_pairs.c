/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done to the text of a configuration before libconfuse reads it: comments become blanks,
 * and the = within pairs a comma; nothing else changes, whatever the text. */
#include "tests/unit/unit.h"

#include "lib/conf_pairs.h"
#include "lib/conf_scan.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS     20000
#define WORDS_MAX 60

static cfg_opt_t relay_opts[] = { CFG_STR("rate", NULL, CFGF_NONE),
                                  CFG_STR_LIST("senders", NULL, CFGF_NONE),
                                  CFG_STR_LIST("rewrite", NULL, CONF_PAIRS), CFG_END() };
static cfg_opt_t root_opts[] = { CFG_STR("mode", NULL, CFGF_NONE),
                                 CFG_SEC("relay", relay_opts, CFGF_MULTI | CFGF_TITLE), CFG_END() };

static void flatten(char *text, struct complaints *complaints)
{
    if (conf_scan_blank_comments(text) == 0)
        conf_pairs_flatten(text, root_opts, "file", complaints);
}

/* TEXT becomes EXPECTED, with or without a complaint. */
static void expect(const char *text, const char *expected, bool complains)
{
    struct complaints *complaints = complaints_new();
    char *copy = strdup(text);

    flatten(copy, complaints);
    assert_string_equal(copy, expected);
    assert_int_equal(complaints_count(complaints), complains);
    complaints_free(complaints);
    free(copy);
}

static void pairs_become_a_list(void **state)
{
    (void)state;
    expect("relay r { rewrite = { \"a\" = \"b\",\n'c'=d, } }",
           "relay r { rewrite = { \"a\" , \"b\",\n'c',d, } }", false);
    expect("relay r { rewrite = { } } relay s { rewrite = { a = b } }",
           "relay r { rewrite = { } } relay s { rewrite = { a , b } }", false);
}

static void braces_and_equals_in_strings_and_comments_are_text(void **state)
{
    (void)state;
    expect("relay r { rewrite = { \"} = {\" = \"\\\" = \" /* } = */ }\n# } = {\nrate = 3 }",
           "relay r { rewrite = { \"} = {\" , \"\\\" = \"           }\n       \nrate = 3 }", false);
    expect("relay r { rate = \"x rewrite = { a = b }\" }",
           "relay r { rate = \"x rewrite = { a = b }\" }", false);
}

static void only_this_word_in_its_section_is_meant(void **state)
{
    static const char *const others[] = {
        "rewrite = { a = b }",
        "relay r { senders = { a = b } }",
        "relay r { rewrite x = { a = b } }",
        "relay r { rewrite { a = b } }",
        "relay r { rewrite = a }",
        "relay r { other { rewrite = { a = b } } }",
        "probe { rewrite = { a = b } }",
        "mode = { rewrite = { a = b } }",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect(others[i], others[i], false);
}

static void what_is_no_pair_is_taken_out_whole(void **state)
{
    (void)state;
    expect("relay r { rewrite = { a = b,\n c } rate = 3 }",
           "relay r {                   \n     rate = 3 }", true);
    expect("relay r { rewrite = { a = { b = c } } rate = 3 }",
           "relay r {                             rate = 3 }", true);
}

static void a_comment_without_an_end_is_found(void **state)
{
    char text[] = "a = 1 /* x */\n/* y */ \"/* z\"\n/* = {\n";

    (void)state;
    assert_int_equal(conf_scan_blank_comments(text), 3);
    assert_string_equal(text, "a = 1        \n        \"/* z\"\n/* = {\n");
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void random_text(uint32_t *seed, char *out, size_t size)
{
    static const char *const words[] = {
        "relay",    "r",         "{",
        "}",        "=",         "+=",
        ",",        "rewrite",   "rewrite = {",
        "senders",  "\"",        "'",
        "\\",       "#",         "//",
        "/*",       "*/",        "\n",
        "a@b",      "\"c = d\"", "'{'",
        "(",        ")",         "+",
        "\r",       "\t",        "\\\"",
        "mode",     "relay r {", "a = b,",
        "\xc3\xbc", "\x01",      "\"a\" = \"b\"",
    };
    static const char *const beginnings[] = { "", "relay r { ", "relay r { rewrite = { a = b",
                                              "mode = x relay r { rate = 1 rewrite = { " };
    size_t count = next_random(seed) % WORDS_MAX;
    size_t used = (size_t)snprintf(out, size, "%s", beginnings[next_random(seed) % 4]);

    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 words[next_random(seed) % (sizeof words / sizeof words[0])],
                                 next_random(seed) % 3 > 0 ? " " : "");
}

/* Where the text may change: from the word rewrite of a statement in a relay section to the end of
 * its list. Counted from the tokens alone, so that it does not lean on what it judges. */
static bool may_change(const char *text, size_t at)
{
    struct conf_scanner s;
    struct conf_token t;
    size_t word = 0;
    int depth = 0;
    bool inside = false;

    conf_scan_begin(&s, text);
    while ((t = conf_scan_next(&s)).kind != CONF_END && t.start <= at) {
        if (!inside && conf_token_is(text, &t, "rewrite")) {
            inside = true;
            word = t.start;
            depth = 0;
        }
        depth += inside && t.kind == CONF_OPEN ? 1 : 0;
        if (inside && t.kind == CONF_CLOSE && --depth <= 0) {
            if (at < t.end)
                return true;
            inside = false;
        }
    }
    return inside && at >= word;
}

static void check_change(const char *before, const char *after)
{
    assert_int_equal(strlen(before), strlen(after));
    for (size_t i = 0; before[i] != '\0'; i++) {
        if (before[i] == after[i])
            continue;
        assert_true((before[i] == '=' && after[i] == ',') || after[i] == ' ');
        assert_int_not_equal(before[i], '\n');
        assert_true(may_change(before, i));
    }
}

static void no_text_changes_elsewhere(void **state)
{
    char text[2000], blanked[2000], after[2000];
    uint32_t seed = 1;
    size_t changed = 0;

    (void)state;
    for (int i = 0; i < TEXTS; i++) {
        struct complaints *complaints = complaints_new();
        random_text(&seed, text, sizeof text);
        strcpy(blanked, text);
        int unclosed = conf_scan_blank_comments(blanked);
        assert_int_equal(strlen(blanked), strlen(text));
        strcpy(after, blanked);
        if (unclosed == 0) {
            conf_pairs_flatten(after, root_opts, "file", complaints);
            check_change(blanked, after);
        }
        changed += strcmp(blanked, after) != 0;
        complaints_free(complaints);
    }
    assert_true(changed > TEXTS / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_become_a_list),
        cmocka_unit_test(braces_and_equals_in_strings_and_comments_are_text),
        cmocka_unit_test(only_this_word_in_its_section_is_meant),
        cmocka_unit_test(what_is_no_pair_is_taken_out_whole),
        cmocka_unit_test(a_comment_without_an_end_is_found),
        cmocka_unit_test(no_text_changes_elsewhere),
    };
    return cmocka_run_group_tests_name("conf_pairs", tests, NULL, NULL);
}
