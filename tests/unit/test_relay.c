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
    assert_true(relay_takes(&relay, "anybody@example.com", ""));
    assert_true(relay_takes(&relay, "root", ""));
    assert_true(relay_takes(&relay, "", ""));
}

static void the_null_sender_has_a_word_of_its_own(void **state)
{
    const struct relay everybody = { .null_sender = false };
    const struct relay scoped = { .senders = senders, .sender_count = 1, .null_sender = true };

    (void)state;
    assert_false(relay_takes(&everybody, "", ""));
    assert_true(relay_takes(&everybody, "anybody@example.com", ""));
    assert_true(relay_takes(&scoped, "", ""));
}

static void a_scope_is_addresses_and_domains(void **state)
{
    const struct relay relay = { .senders = senders, .sender_count = 2 };

    (void)state;
    assert_true(relay_takes(&relay, "anybody@example.com", ""));
    assert_true(relay_takes(&relay, "Anybody@EXAMPLE.com", ""));
    assert_true(relay_takes(&relay, "\"odd@one\"@example.com", ""));
    assert_true(relay_takes(&relay, "Boss@Example.Org", ""));
    assert_false(relay_takes(&relay, "clerk@example.org", ""));
    assert_false(relay_takes(&relay, "boss+x@example.org", ""));
    assert_false(relay_takes(&relay, "anybody@sub.example.com", ""));
    assert_false(relay_takes(&relay, "anybody@notexample.com", ""));
    assert_false(relay_takes(&relay, "example.com", ""));
    assert_false(relay_takes(&relay, "root", ""));
    assert_false(relay_takes(&relay, "@", ""));
    assert_false(relay_takes(&relay, "", ""));
}

static void an_extension_is_taken_off_as_postfix_does_it(void **state)
{
    static char list[] = "owner-x@example.org", master[] = "double-bounce@example.org",
                plain[] = "double@example.org", own[] = "owner@example.org";
    static char *known[] = { address, list, master, plain, own };
    const struct relay relay = { .senders = known, .sender_count = 1 };
    const struct relay more = { .senders = known + 3, .sender_count = 2 };

    (void)state;
    assert_true(relay_takes(&relay, "Boss+lists@example.org", "+"));
    assert_true(relay_takes(&relay, "boss-a+b@example.org", "+-"));
    assert_false(relay_takes(&relay, "boss-a@example.org", "+"));
    assert_false(relay_takes(&relay, "+boss@example.org", "+"));
    assert_false(relay_takes(&relay, "bos+s@example.org", "+"));
    assert_false(relay_takes(&relay, "boss+x@example.com", "+"));
    assert_false(relay_takes(&relay, "boss+x", "+"));
    /* Neither of these has one. */
    assert_false(relay_takes(&more, "double-bounce@example.org", "-"));
    assert_false(relay_takes(&more, "owner-x@example.org", "-"));
    assert_false(relay_takes(&relay, "boss-request@example.org", "-"));
    assert_true(relay_takes(&more, "double-bounces@example.org", "-"));
}

static void whether_anybody_is_outside(void **state)
{
    const struct relay all = { .null_sender = true };
    const struct relay people = { .null_sender = false };
    const struct relay some = { .senders = senders, .sender_count = 1, .null_sender = true };

    (void)state;
    assert_true(relay_takes_all(&all));
    assert_false(relay_takes_all(&people));
    assert_false(relay_takes_all(&some));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_scope_it_takes_everybody),
        cmocka_unit_test(the_null_sender_has_a_word_of_its_own),
        cmocka_unit_test(a_scope_is_addresses_and_domains),
        cmocka_unit_test(an_extension_is_taken_off_as_postfix_does_it),
        cmocka_unit_test(whether_anybody_is_outside),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
