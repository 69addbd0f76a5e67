/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of Postfix's warnings count as new. */
#include "tests/unit/unit.h"

#include "postfix/host/reading.h"

#define MAIN_CF "postconf: warning: /etc/postfix/main.cf"

static int compare(const char *before, const char *after)
{
    struct reading a = { .warnings = (char *)(uintptr_t)before },
                   b = { .warnings = (char *)(uintptr_t)after };
    struct why why;

    return reading_no_new_warning(&a, &b, &why);
}

static void the_same(void **state)
{
    static const char two[] =
        MAIN_CF ": undefined parameter: a\n" MAIN_CF ", line 4: overriding earlier entry: b=c\n";

    (void)state;
    assert_int_equal(compare("", ""), 0);
    assert_int_equal(compare(two, two), 0);
    assert_int_equal(compare(two, MAIN_CF ": undefined parameter: a\n"), 0);
}

static void a_new_one(void **state)
{
    static const char one[] = MAIN_CF ": undefined parameter: ab\n";

    (void)state;
    assert_int_equal(compare("", one), -1);
    assert_int_equal(compare(one, MAIN_CF ": undefined parameter: a\n"), -1);
    assert_int_equal(compare(MAIN_CF ": undefined parameter: a\n", one), -1);
}

static void what_is_commented_out_leaves_unused(void **state)
{
    (void)state;
    assert_int_equal(compare("", MAIN_CF ": unused parameter: theirs=1\n"), 0);
}

/* As Postfix 3.10 and 3.11 say it of a line such as "mydestination = a #b $relayhost". */
static void values_that_are_quoted_with_ours_in_them(void **state)
{
    static const char before[] =
        MAIN_CF ": #comment after other text is not allowed: # no comment ?form?fee...\n";
    static const char after[] =
        MAIN_CF ": #comment after other text is not allowed: # no comment ?[relay.e...\n";

    (void)state;
    assert_int_equal(compare(before, after), 0);
    assert_int_equal(compare("", after), -1);
    assert_int_equal(compare(MAIN_CF ": undefined parameter: a\n", after), -1);
    assert_int_equal(compare("postconf: warning: /etc/postfix/master.cf: #comment after other text "
                             "is not allowed: #x ...\n",
                             after),
                     -1);
}

/* As Postfix 3.11 says it where a service of ours overrules what main.cf sets. */
static void a_parameter_on_its_way_out(void **state)
{
#define OUT(name) ": support for parameter \"" name "\" will be removed; instead, do not specify\n"
    static const char both[] = MAIN_CF
        OUT("smtp_cname_overrides_servername") "postconf: warning: /etc/postfix/master.cf" OUT(
            "smtp_cname_overrides_servername");

    (void)state;
    assert_int_equal(compare(MAIN_CF OUT("smtp_cname_overrides_servername"), both), 0);
    assert_int_equal(compare(MAIN_CF OUT("lmtp_cname_overrides_servername"), both), -1);
    assert_int_equal(compare("", both), -1);
#undef OUT
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same),
        cmocka_unit_test(a_new_one),
        cmocka_unit_test(what_is_commented_out_leaves_unused),
        cmocka_unit_test(values_that_are_quoted_with_ours_in_them),
        cmocka_unit_test(a_parameter_on_its_way_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
