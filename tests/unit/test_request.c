/* SPDX-License-Identifier: BSD-2-Clause */
/* The line between detourd and detour-apply: what gets through, and that nothing else does. */
#include "tests/unit/unit.h"

#include "lib/request.h"
#include <stdio.h>
#include <string.h>

static void good_requests_come_back_the_same(void **state)
{
    static const char *const rows[] = {
        "1 facts",
        "1 status",
        "1 direct",
        "1 relay ses 587",
        "1 plan direct",
        "1 plan relay a-1 2525",
        "1 rescue",
        "1 fragment direct",
        "1 applied 7",
        "1 applied 999999999",
        "1 fragment relay ses 587",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request r;
        const char *why = "";
        char again[REQUEST_MAX], expected[REQUEST_MAX];
        if (request_parse(rows[i], strlen(rows[i]), &r, &why) == -1)
            fail_msg("%s: %s", rows[i], why);
        request_format(&r, again);
        snprintf(expected, sizeof expected, "%s\n", rows[i]);
        assert_string_equal(again, expected);
    }
}

static void bad_requests_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "1",
        "facts",
        "2 facts",
        "1 facts now",
        "1  facts",
        " 1 facts",
        "1 facts ",
        "1 Facts",
        "1 direct ses",
        "1 relay",
        "1 relay ses",
        "1 relay ses 0",
        "1 relay ses 65536",
        "1 relay ses 0587",
        "1 relay ses 587 x",
        "1 relay ../etc 587",
        "1 relay SES 587",
        "1 relay direct 587",
        "1 rescue ses",
        "1 plan",
        "1 fragment",
        "1 fragment ses 587",
        "1 applied",
        "1 applied 0",
        "1 applied 07",
        "1 applied -1",
        "1 applied 1 2",
        "1 applied 7x",
        "1 applied 1000000000",
        "1 reload now",
        "1 plan ses 587",
        "1 plan direct now",
        "1 facts\r",
        "1\tfacts",
        "1 relay ses 99999999999999999999",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request r;
        const char *why = NULL;
        if (request_parse(rows[i], strlen(rows[i]), &r, &why) == 0)
            fail_msg("'%s' was taken", rows[i]);
        assert_non_null(why);
    }
}

static void nul_and_length_are_refused(void **state)
{
    char line[2 * REQUEST_MAX];
    struct request r;
    const char *why;

    (void)state;
    assert_int_equal(request_parse("1 facts\0", 8, &r, &why), -1);
    memset(line, 'a', sizeof line);
    assert_int_equal(request_parse(line, sizeof line, &r, &why), -1);
    memcpy(line, "1 relay ", 8);
    memcpy(line + 8 + TOKEN_MAX + 1, " 587", 4);
    assert_int_equal(request_parse(line, 8 + TOKEN_MAX + 1 + 4, &r, &why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_come_back_the_same),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(nul_and_length_are_refused),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
