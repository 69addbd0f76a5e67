/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal, where lines are too long for it. */
#include "tests/unit/unit.h"

#include "daemon/report/layout.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *text, int width, int hanging, const char *wanted)
{
    struct layout layout = { .width = width };
    char *lines = wrapped(text, &layout, hanging);

    assert_string_equal(lines, wanted);
    free(lines);
}

static void short_lines_stay(void **state)
{
    (void)state;
    expect("", 40, 8, "");
    expect("Route   direct\nNext    nothing\n", 40, 8, "Route   direct\nNext    nothing\n");
    expect("no line end", 40, 8, "no line end\n");
}

static void long_lines_hang_below_the_label(void **state)
{
    (void)state;
    expect("Port 25 is blocked: none of five operators can be reached, while 587 answers\n", 40, 8,
           "Port 25 is blocked: none of five\n"
           "        operators can be reached, while\n"
           "        587 answers\n");
    expect("one two three four five six seven eight nine\n", 40, 0,
           "one two three four five six seven eight\nnine\n");
}

static void columns_stay_columns(void **state)
{
    (void)state;
    expect("Relays  ses:587     proven       3 s ago; and more words than fit\n", 48, 8,
           "Relays  ses:587     proven       3 s ago; and\n"
           "        more words than fit\n");
}

static void what_has_no_space_stays_whole(void **state)
{
    (void)state;
    expect("Wrong   /a/path/that/is/much/longer/than/a/line/of/forty is wrong\n", 40, 8,
           "Wrong   /a/path/that/is/much/longer/than/a/line/of/forty\n"
           "        is wrong\n");
    expect("Wrong   /a/path/that/is/much/longer/than/a/line/of/forty \n", 40, 8,
           "Wrong   /a/path/that/is/much/longer/than/a/line/of/forty \n");
}

static void columns_are_counted_not_bytes(void **state)
{
    (void)state;
    expect("Port 25 é é é é é é é é é é é é é é é é é\n", 40, 8,
           "Port 25 é é é é é é é é é é é é é é é é\n"
           "        é\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_lines_stay),
        cmocka_unit_test(long_lines_hang_below_the_label),
        cmocka_unit_test(columns_stay_columns),
        cmocka_unit_test(what_has_no_space_stays_whole),
        cmocka_unit_test(columns_are_counted_not_bytes),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
