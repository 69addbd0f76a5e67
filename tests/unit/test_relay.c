/* SPDX-License-Identifier: BSD-2-Clause */
/* A relay's sender scope: whose mail it takes. */
#include "tests/unit/unit.h"

#include "lib/relay.h"

static char domain[] = "@example.com", address[] = "boss@example.org";
static char *senders[] = { domain, address };

static void without_a_scope_it_takes_everybody(void **state)
{
    const struct relay relay = { .null_sender = true };

    (void)state;
    assert_true(relay_takes(&relay, "anybody@example.com"));
    assert_true(relay_takes(&relay, "root"));
    assert_true(relay_takes(&relay, ""));
}

static void the_null_sender_has_a_word_of_its_own(void **state)
{
    const struct relay everybody = { .null_sender = false };
    const struct relay scoped = { .senders = senders, .sender_count = 1, .null_sender = true };

    (void)state;
    assert_false(relay_takes(&everybody, ""));
    assert_true(relay_takes(&everybody, "anybody@example.com"));
    assert_true(relay_takes(&scoped, ""));
}

static void a_scope_is_addresses_and_domains(void **state)
{
    const struct relay relay = { .senders = senders, .sender_count = 2 };

    (void)state;
    assert_true(relay_takes(&relay, "anybody@example.com"));
    assert_true(relay_takes(&relay, "Anybody@EXAMPLE.com"));
    assert_true(relay_takes(&relay, "\"odd@one\"@example.com"));
    assert_true(relay_takes(&relay, "Boss@Example.Org"));
    assert_false(relay_takes(&relay, "clerk@example.org"));
    assert_false(relay_takes(&relay, "boss+x@example.org"));
    assert_false(relay_takes(&relay, "anybody@sub.example.com"));
    assert_false(relay_takes(&relay, "anybody@notexample.com"));
    assert_false(relay_takes(&relay, "example.com"));
    assert_false(relay_takes(&relay, "root"));
    assert_false(relay_takes(&relay, "@"));
    assert_false(relay_takes(&relay, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_scope_it_takes_everybody),
        cmocka_unit_test(the_null_sender_has_a_word_of_its_own),
        cmocka_unit_test(a_scope_is_addresses_and_domains),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
