/* SPDX-License-Identifier: BSD-2-Clause */
/* When certificates are bad because of this host, and when they are not. */
#include "tests/unit/unit.h"

#include "daemon/decide/own_fault.h"
#include <string.h>

#define HOSTS_MAX 8

/* A letter a host, each of a target in a network of its own: g good, t out of time, a of an unknown
 * authority, b otherwise bad, - not shown; in capitals where its target is known to be good. */
static enum own_fault find(const char *letters)
{
    static const char *const networks[HOSTS_MAX] = { "0", "1", "2", "3", "4", "5", "6", "7" };
    static const char states[] = { [CERTIFICATE_UNSEEN] = '-',
                                   [CERTIFICATE_GOOD] = 'g',
                                   [CERTIFICATE_OUT_OF_TIME] = 't',
                                   [CERTIFICATE_UNKNOWN_AUTHORITY] = 'a',
                                   [CERTIFICATE_OTHERWISE_BAD] = 'b' };
    struct own_fault_host hosts[HOSTS_MAX];
    size_t count = strlen(letters);

    for (size_t i = 0; i < count; i++) {
        bool capital = letters[i] >= 'A' && letters[i] <= 'Z';
        char small = (char)(capital ? letters[i] + ('a' - 'A') : letters[i]);
        const char *state = memchr(states, small, sizeof states);
        assert_non_null(state);
        hosts[i] = (struct own_fault_host){ i, networks[i], capital,
                                            (enum certificate_state)(state - states) };
    }
    return own_fault_find(hosts, count);
}

static void all_out_of_time_is_the_clock(void **state)
{
    (void)state;
    assert_int_equal(find("TT"), OWN_FAULT_CLOCK);
    assert_int_equal(find("TbT-t"), OWN_FAULT_CLOCK);
    assert_string_equal(own_fault_name(OWN_FAULT_CLOCK), "clock");
}

static void all_of_unknown_authorities_is_the_store(void **state)
{
    (void)state;
    assert_int_equal(find("AA"), OWN_FAULT_AUTHORITIES);
    assert_int_equal(find("ttAbA-"), OWN_FAULT_AUTHORITIES);
    assert_string_equal(own_fault_name(OWN_FAULT_AUTHORITIES), "authorities");
}

static void one_good_certificate_clears_this_host(void **state)
{
    (void)state;
    assert_int_equal(find("TTg"), OWN_FAULT_NONE);
    assert_int_equal(find("GAA"), OWN_FAULT_NONE);
    assert_null(own_fault_name(OWN_FAULT_NONE));
}

static void those_that_differ_say_nothing(void **state)
{
    (void)state;
    assert_int_equal(find("TA"), OWN_FAULT_NONE);
    assert_int_equal(find("TTB"), OWN_FAULT_NONE);
    assert_int_equal(find("BB"), OWN_FAULT_NONE);
}

static void nobody_is_judged_by_one_operator(void **state)
{
    struct own_fault_host same[] = {
        { 0, "198.18.1.0/24", true, CERTIFICATE_OUT_OF_TIME },
        { 0, "198.18.2.0/24", true, CERTIFICATE_OUT_OF_TIME },
        { 1, "198.18.2.0/24", true, CERTIFICATE_OUT_OF_TIME },
    };

    (void)state;
    assert_int_equal(own_fault_find(NULL, 0), OWN_FAULT_NONE);
    assert_int_equal(find("T"), OWN_FAULT_NONE);
    assert_int_equal(find("ttttT"), OWN_FAULT_NONE);
    assert_int_equal(own_fault_find(same, 2), OWN_FAULT_NONE);
    assert_int_equal(own_fault_find(same, 3), OWN_FAULT_NONE);
    same[2].network = "198.18.3.0/24";
    assert_int_equal(own_fault_find(same, 3), OWN_FAULT_CLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_out_of_time_is_the_clock),
        cmocka_unit_test(all_of_unknown_authorities_is_the_store),
        cmocka_unit_test(one_good_certificate_clears_this_host),
        cmocka_unit_test(those_that_differ_say_nothing),
        cmocka_unit_test(nobody_is_judged_by_one_operator),
    };
    return cmocka_run_group_tests_name("own_fault", tests, NULL, NULL);
}
