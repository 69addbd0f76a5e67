/* SPDX-License-Identifier: BSD-2-Clause */
/* Every row of the verdict table, and their order. */
#include "tests/unit/unit.h"

#include "daemon/decide/verdict.h"
#include <stdio.h>
#include <string.h>

#define TARGETS_MAX 12

/* A round in a line: one letter a target, each of an operator of its own. */
static enum outcome outcome_of(char letter)
{
    switch (letter) {
    case 'o':
        return OUTCOME_OPEN;
    case 't':
        return OUTCOME_TIMEOUT;
    case 'r':
        return OUTCOME_REFUSED;
    case 'u':
        return OUTCOME_UNREACHABLE;
    case 'p':
        return OUTCOME_PROHIBITED;
    case 'n':
        return OUTCOME_NO_BANNER;
    case 'x':
        return OUTCOME_REJECTED;
    case 'i':
        return OUTCOME_INTERCEPTED;
    case 's':
        return OUTCOME_NO_STARTTLS;
    case 'f':
        return OUTCOME_TLS_FAILED;
    default:
        assert_int_equal(letter, 'd');
        return OUTCOME_DNS_FAILED;
    }
}

static size_t make_targets(const char *letters, struct target_evidence *targets)
{
    size_t count = strlen(letters);

    assert_true(count <= TARGETS_MAX);
    memset(targets, 0, count * sizeof *targets);
    for (size_t i = 0; i < count; i++) {
        targets[i].outcome = outcome_of(letters[i]);
        targets[i].silent_syns = letters[i] == 't' ? 3 : 0;
        if (letters[i] != 'd')
            snprintf(targets[i].network[0], ADDRESS_TEXT, "198.18.%zu.0/24", i + 1);
    }
    return count;
}

static enum verdict_kind decide(const char *letters, size_t before, size_t after)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3 };

    e.count = make_targets(letters, targets);
    e.controls_before = before;
    e.controls_after = after;
    return verdict_decide(&e).kind;
}

struct row {
    const char *letters;
    size_t before, after;
    enum verdict_kind expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum verdict_kind got = decide(rows[i].letters, rows[i].before, rows[i].after);
        if (got != rows[i].expected)
            fail_msg("%s with controls %zu/%zu: %s, expected %s", rows[i].letters, rows[i].before,
                     rows[i].after, verdict_name(got), verdict_name(rows[i].expected));
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void unknown_without_evidence(void **state)
{
    static const struct row rows[] = {
        { "", 0, 0, VERDICT_UNKNOWN },      { "ddddd", 3, 3, VERDICT_UNKNOWN },
        { "ttddd", 3, 3, VERDICT_UNKNOWN }, { "tt", 0, 0, VERDICT_UNKNOWN },
        { "rrddd", 1, 1, VERDICT_UNKNOWN }, { "ttttt", 2, 0, VERDICT_UNKNOWN },
        { "ttttt", 0, 2, VERDICT_UNKNOWN }, { "nnnnn", 0, 0, VERDICT_UNKNOWN },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void intercepted_by_most(void **state)
{
    static const struct row rows[] = {
        { "iiiii", 0, 0, VERDICT_INTERCEPTED },
        { "iiioo", 0, 0, VERDICT_INTERCEPTED }, /* before unstable and remote */
        { "iiitt", 0, 0, VERDICT_INTERCEPTED }, /* before unstable */
        { "ioooo", 0, 0, VERDICT_REMOTE },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void unstable_when_open_and_silent(void **state)
{
    static const struct row rows[] = {
        { "ootttt", 3, 3, VERDICT_UNSTABLE },
        { "otttt", 3, 3, VERDICT_UNSTABLE },
        { "xtttt", 3, 3, VERDICT_UNSTABLE }, /* one connects: not blocked */
        { "oorrr", 0, 0, VERDICT_UNSTABLE },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void remote_when_few_fail(void **state)
{
    static const struct row rows[] = {
        { "oooot", 0, 0, VERDICT_REMOTE }, { "oooor", 0, 0, VERDICT_REMOTE },
        { "oooox", 0, 0, VERDICT_REMOTE }, { "oooon", 0, 0, VERDICT_REMOTE },
        { "ooott", 0, 0, VERDICT_REMOTE }, { "ot", 0, 0, VERDICT_REMOTE },
        { "oooos", 0, 0, VERDICT_REMOTE }, { "oooof", 0, 0, VERDICT_REMOTE },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void open_when_all_are(void **state)
{
    static const struct row rows[] = {
        { "ooooo", 0, 0, VERDICT_OPEN },
        { "o", 0, 0, VERDICT_OPEN },
        { "odddd", 0, 0, VERDICT_OPEN }, /* an open port is open, whatever DNS lacks */
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void reputation_when_most_reject(void **state)
{
    static const struct row rows[] = {
        { "xxxxx", 0, 0, VERDICT_REPUTATION },
        { "xxxxo", 0, 0, VERDICT_REPUTATION },
        { "xxxno", 0, 0, VERDICT_REPUTATION },
        { "xxxxt", 0, 0, VERDICT_REPUTATION },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void blocked_between_answered_controls(void **state)
{
    static const struct row rows[] = {
        { "ttttt", 1, 1, VERDICT_BLOCKED }, { "rrrrr", 1, 1, VERDICT_BLOCKED },
        { "ppppp", 1, 1, VERDICT_BLOCKED }, { "uuuuu", 1, 1, VERDICT_BLOCKED },
        { "trpud", 1, 1, VERDICT_BLOCKED }, { "ttt", 1, 1, VERDICT_BLOCKED },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void offline_when_controls_are_silent(void **state)
{
    static const struct row rows[] = {
        { "ttttt", 0, 0, VERDICT_OFFLINE },
        { "uuuuu", 0, 0, VERDICT_OFFLINE },
        { "tttdd", 0, 0, VERDICT_OFFLINE },
    };
    struct evidence down = { .quorum = 3, .network_down = true };

    (void)state;
    CHECK_ROWS(rows);
    assert_int_equal(verdict_decide(&down).kind, VERDICT_OFFLINE);
}

static void one_operator_counts_once(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = {
        .targets = targets, .quorum = 3, .controls_before = 1, .controls_after = 1
    };

    (void)state;
    e.count = make_targets("ttttt", targets);
    for (size_t i = 1; i < 4; i++)
        strcpy(targets[i].network[1], targets[0].network[0]);
    struct verdict v = verdict_decide(&e);
    assert_int_equal(v.operators, 2);
    assert_int_equal(v.kind, VERDICT_UNKNOWN);
}

/* a shares a network with b, and b with c: all three are one. */
static void sharing_is_transitive(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3 };

    (void)state;
    e.count = make_targets("ooo", targets);
    strcpy(targets[2].network[1], targets[0].network[0]);
    strcpy(targets[1].network[1], targets[2].network[0]);
    assert_int_equal(verdict_decide(&e).operators, 1);
}

static void flapping_targets_are_unstable(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3 };

    (void)state;
    e.count = make_targets("oooto", targets);
    targets[3].history = 0x0a; /* 0 1 0 1 */
    targets[3].rounds = 4;
    assert_int_equal(verdict_decide(&e).kind, VERDICT_REMOTE);
    targets[1].history = 0x05;
    targets[1].rounds = 4;
    assert_int_equal(verdict_decide(&e).kind, VERDICT_UNSTABLE);
    /* Open again everywhere: that is open, whatever was before. */
    targets[3].outcome = OUTCOME_OPEN;
    assert_int_equal(verdict_decide(&e).kind, VERDICT_OPEN);
}

static void confidence_grows_with_silence(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = {
        .targets = targets, .quorum = 3, .controls_before = 1, .controls_after = 1
    };

    (void)state;
    e.count = make_targets("ttt", targets);
    double few = verdict_decide(&e).confidence;
    e.count = make_targets("tttttt", targets);
    double many = verdict_decide(&e).confidence;
    assert_true(few > 0.99 && few < many && many < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_without_evidence),
        cmocka_unit_test(intercepted_by_most),
        cmocka_unit_test(unstable_when_open_and_silent),
        cmocka_unit_test(remote_when_few_fail),
        cmocka_unit_test(open_when_all_are),
        cmocka_unit_test(reputation_when_most_reject),
        cmocka_unit_test(blocked_between_answered_controls),
        cmocka_unit_test(offline_when_controls_are_silent),
        cmocka_unit_test(one_operator_counts_once),
        cmocka_unit_test(sharing_is_transitive),
        cmocka_unit_test(flapping_targets_are_unstable),
        cmocka_unit_test(confidence_grows_with_silence),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
