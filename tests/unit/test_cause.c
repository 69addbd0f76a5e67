/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose doing it is: every row of the table, and their order. */
#include "tests/unit/unit.h"

#include "daemon/decide/cause.h"
#include <stdio.h>

#define TIMEOUTS              \
    {                         \
        [OUTCOME_TIMEOUT] = 6 \
    }
#define REFUSALS              \
    {                         \
        [OUTCOME_REFUSED] = 6 \
    }
#define FORBIDDEN                \
    {                            \
        [OUTCOME_PROHIBITED] = 6 \
    }

static const struct row {
    const char *what;
    enum cause expected;
    struct cause_evidence evidence;
} rows[] = {
    { "all silent, nothing else known",
      CAUSE_PROVIDER,
      { .verdict = VERDICT_BLOCKED, .outcomes = TIMEOUTS } },
    { "silent behind a router",
      CAUSE_PROVIDER,
      { .verdict = VERDICT_BLOCKED, .outcomes = TIMEOUTS, .silent_at = PLACE_BEHIND } },
    { "silent before the first router, rules not seen",
      CAUSE_FIREWALL,
      { .verdict = VERDICT_BLOCKED, .outcomes = TIMEOUTS, .silent_at = PLACE_HERE } },
    { "silent before the first router, and no rule of this host's does it",
      CAUSE_PROVIDER,
      { .verdict = VERDICT_BLOCKED,
        .outcomes = TIMEOUTS,
        .silent_at = PLACE_HERE,
        .rules = RULES_NONE } },
    { "a rule, wherever a trace ends",
      CAUSE_LOCAL_RULE,
      { .verdict = VERDICT_BLOCKED,
        .outcomes = TIMEOUTS,
        .silent_at = PLACE_BEHIND,
        .rules = RULES_FOUND } },
    { "silent, but the target is reached",
      CAUSE_NONE,
      { .verdict = VERDICT_BLOCKED, .outcomes = TIMEOUTS, .silent_at = PLACE_TARGET } },
    { "all refuse", CAUSE_PROVIDER, { .verdict = VERDICT_BLOCKED, .outcomes = REFUSALS } },
    { "all refuse, and silence has another place",
      CAUSE_PROVIDER,
      { .verdict = VERDICT_BLOCKED,
        .outcomes = REFUSALS,
        .silent_at = PLACE_HERE,
        .refused_at = PLACE_BEHIND } },
    { "all refuse, each itself",
      CAUSE_NONE,
      { .verdict = VERDICT_BLOCKED, .outcomes = REFUSALS, .refused_at = PLACE_TARGET } },
    { "this host forbids it, and nobody could see its rules",
      CAUSE_FIREWALL,
      { .verdict = VERDICT_BLOCKED, .outcomes = FORBIDDEN, .forbidden_here = true } },
    { "this host forbids it by other means than rules",
      CAUSE_FIREWALL,
      { .verdict = VERDICT_BLOCKED,
        .outcomes = FORBIDDEN,
        .forbidden_here = true,
        .rules = RULES_NONE } },
    { "this host forbids it by a rule",
      CAUSE_LOCAL_RULE,
      { .verdict = VERDICT_BLOCKED,
        .outcomes = FORBIDDEN,
        .forbidden_here = true,
        .rules = RULES_FOUND } },
    { "ICMP says that it is prohibited",
      CAUSE_PROVIDER,
      { .verdict = VERDICT_BLOCKED, .outcomes = FORBIDDEN, .refused_at = PLACE_BEHIND } },
    { "one is forbidden by this host, the others are silent",
      CAUSE_PROVIDER,
      { .verdict = VERDICT_BLOCKED,
        .outcomes = { [OUTCOME_PROHIBITED] = 1, [OUTCOME_TIMEOUT] = 5 },
        .forbidden_here = true } },
    { "by turns", CAUSE_FIREWALL, { .verdict = VERDICT_UNSTABLE, .outcomes = TIMEOUTS } },
    { "by turns, controls too",
      CAUSE_PATH,
      { .verdict = VERDICT_UNSTABLE, .outcomes = TIMEOUTS, .controls_lost = true } },
    { "by turns, by a rule",
      CAUSE_LOCAL_RULE,
      { .verdict = VERDICT_UNSTABLE,
        .outcomes = TIMEOUTS,
        .controls_lost = true,
        .rules = RULES_FOUND } },
    { "one alone", CAUSE_RECIPIENT, { .verdict = VERDICT_REMOTE, .rules = RULES_NONE } },
    { "turned away", CAUSE_REPUTATION, { .verdict = VERDICT_REPUTATION } },
    { "another answers", CAUSE_PROXY, { .verdict = VERDICT_INTERCEPTED } },
    { "nothing at all", CAUSE_NETWORK, { .verdict = VERDICT_OFFLINE } },
    { "no address",
      CAUSE_DNS,
      { .verdict = VERDICT_UNKNOWN, .outcomes = { [OUTCOME_DNS_FAILED] = 6 } } },
    { "no address of this family",
      CAUSE_NONE,
      { .verdict = VERDICT_UNKNOWN,
        .outcomes = { [OUTCOME_DNS_FAILED] = 6 },
        .dns_answers = true } },
    { "an address, and too few of them",
      CAUSE_NONE,
      { .verdict = VERDICT_UNKNOWN,
        .outcomes = { [OUTCOME_DNS_FAILED] = 5, [OUTCOME_TIMEOUT] = 1 } } },
    { "nothing was asked", CAUSE_NONE, { .verdict = VERDICT_UNKNOWN } },
    { "open", CAUSE_NONE, { .verdict = VERDICT_OPEN, .rules = RULES_FOUND } },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum cause cause = cause_decide(&rows[i].evidence);
        if (cause != rows[i].expected)
            fail_msg("%s: %s", rows[i].what, cause != CAUSE_NONE ? cause_name(cause) : "none");
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_null(cause_name(CAUSE_NONE));
    for (int i = CAUSE_NONE + 1; i < CAUSES; i++)
        assert_non_null(cause_name(i));
    assert_string_equal(cause_name(CAUSE_LOCAL_RULE), "local-rule");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
