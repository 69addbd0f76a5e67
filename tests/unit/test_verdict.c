/* SPDX-License-Identifier: BSD-2-Clause */
/* Every row of the verdict table, and their order. */
#include "tests/unit/unit.h"

#include "daemon/decide/verdict.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What controls say. */
enum controls { NOBODY, SOMEBODY, PROOF };

static struct control_evidence say(enum controls controls)
{
    return (struct control_evidence){ .answered = controls != NOBODY,
                                      .proven = controls == PROOF,
                                      .q = 0.5,
                                      .counted = controls == PROOF ? 20 : 0 };
}

static enum verdict_kind decide(const char *letters, enum controls controls)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3, .controls = say(controls) };

    e.count = make_targets(letters, targets);
    return verdict_decide(&e).kind;
}

struct row {
    const char *letters;
    enum controls controls;
    enum verdict_kind expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum verdict_kind got = decide(rows[i].letters, rows[i].controls);
        if (got != rows[i].expected)
            fail_msg("%s with controls %d: %s, expected %s", rows[i].letters, rows[i].controls,
                     verdict_name(got), verdict_name(rows[i].expected));
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void unknown_without_evidence(void **state)
{
    static const struct row rows[] = {
        { "", NOBODY, VERDICT_UNKNOWN },        { "ddddd", PROOF, VERDICT_UNKNOWN },
        { "ttddd", PROOF, VERDICT_UNKNOWN },    { "tt", NOBODY, VERDICT_UNKNOWN },
        { "rrddd", PROOF, VERDICT_UNKNOWN },    { "ttttt", SOMEBODY, VERDICT_UNKNOWN },
        { "rrrrr", SOMEBODY, VERDICT_UNKNOWN }, { "nnnnn", NOBODY, VERDICT_UNKNOWN },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void intercepted_by_most(void **state)
{
    static const struct row rows[] = {
        { "iiiii", NOBODY, VERDICT_INTERCEPTED },
        { "iiioo", NOBODY, VERDICT_INTERCEPTED }, /* before unstable and remote */
        { "iiitt", NOBODY, VERDICT_INTERCEPTED }, /* before unstable */
        { "ioooo", NOBODY, VERDICT_REMOTE },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void unstable_when_open_and_silent(void **state)
{
    static const struct row rows[] = {
        { "ootttt", PROOF, VERDICT_UNSTABLE },
        { "otttt", PROOF, VERDICT_UNSTABLE },
        { "xtttt", PROOF, VERDICT_UNSTABLE }, /* one connects: not blocked */
        { "oorrr", NOBODY, VERDICT_UNSTABLE },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void remote_when_few_fail(void **state)
{
    static const struct row rows[] = {
        { "oooot", NOBODY, VERDICT_REMOTE }, { "oooor", NOBODY, VERDICT_REMOTE },
        { "oooox", NOBODY, VERDICT_REMOTE }, { "oooon", NOBODY, VERDICT_REMOTE },
        { "ooott", NOBODY, VERDICT_REMOTE }, { "ot", NOBODY, VERDICT_REMOTE },
        { "oooos", NOBODY, VERDICT_REMOTE }, { "oooof", NOBODY, VERDICT_REMOTE },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void open_when_all_are(void **state)
{
    static const struct row rows[] = {
        { "ooooo", NOBODY, VERDICT_OPEN },
        { "o", NOBODY, VERDICT_OPEN },
        { "odddd", NOBODY, VERDICT_OPEN }, /* an open port is open, whatever DNS lacks */
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void reputation_when_most_reject(void **state)
{
    static const struct row rows[] = {
        { "xxxxx", NOBODY, VERDICT_REPUTATION },
        { "xxxxo", NOBODY, VERDICT_REPUTATION },
        { "xxxno", NOBODY, VERDICT_REPUTATION },
        { "xxxxt", NOBODY, VERDICT_REPUTATION },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void blocked_between_answered_controls(void **state)
{
    static const struct row rows[] = {
        { "ttttt", PROOF, VERDICT_BLOCKED }, { "rrrrr", PROOF, VERDICT_BLOCKED },
        { "ppppp", PROOF, VERDICT_BLOCKED }, { "uuuuu", PROOF, VERDICT_BLOCKED },
        { "trpud", PROOF, VERDICT_BLOCKED }, { "ttt", PROOF, VERDICT_BLOCKED },
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void offline_when_controls_are_silent(void **state)
{
    static const struct row rows[] = {
        { "ttttt", NOBODY, VERDICT_OFFLINE },
        { "uuuuu", NOBODY, VERDICT_OFFLINE },
        { "tttdd", NOBODY, VERDICT_OFFLINE },
    };
    struct evidence down = { .quorum = 3, .network_down = true };

    (void)state;
    CHECK_ROWS(rows);
    assert_int_equal(verdict_decide(&down).kind, VERDICT_OFFLINE);
}

static void one_operator_counts_once(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3, .controls = say(PROOF) };

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

/* A filter that comes and goes is no provider's block: not until it has stayed for a while. */
static void a_block_that_comes_and_goes_is_unstable(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3, .controls = say(PROOF) };

    (void)state;
    e.count = make_targets("ttttt", targets);
    for (size_t i = 0; i < 3; i++) {
        targets[i].history = 0x2a; /* open, silent, open, silent, open, silent */
        targets[i].rounds = 6;
    }
    assert_int_equal(verdict_decide(&e).kind, VERDICT_UNSTABLE);
    targets[0].history = 0x28; /* silent for three rounds */
    assert_int_equal(verdict_decide(&e).kind, VERDICT_BLOCKED);
    /* One silence before may have been an accident. */
    targets[0].history = 0x3a;
    assert_int_equal(verdict_decide(&e).kind, VERDICT_BLOCKED);
    targets[0].history = 0x2a;
    e.controls = say(NOBODY);
    assert_int_equal(verdict_decide(&e).kind, VERDICT_OFFLINE);
}

static void confidence_grows_with_silence(void **state)
{
    struct target_evidence targets[TARGETS_MAX];
    struct evidence e = { .targets = targets, .quorum = 3, .controls = say(PROOF) };

    (void)state;
    e.count = make_targets("ttt", targets);
    struct verdict few = verdict_decide(&e);
    assert_true(few.confidence == 1 - pow(0.5, 20));
    assert_int_equal(few.counted_syns, 20);
    e.controls.counted = 30;
    assert_true(verdict_decide(&e).confidence > few.confidence);
    e.controls.q = 0.6;
    e.controls.loss = 0.6;
    struct verdict lossy = verdict_decide(&e);
    assert_true(lossy.confidence < 1 - pow(0.5, 30) && lossy.loss == 0.6);
}

/* Linking all with all would take a million steps of a million times. */
static void many_operators_are_told_apart(void **state)
{
    size_t count = 20000, found;
    struct target_evidence *targets = calloc(count, sizeof *targets);
    struct operator_evidence *operators = calloc(count, sizeof *operators);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        targets[i].outcome = OUTCOME_OPEN;
        snprintf(targets[i].network[0], ADDRESS_TEXT, "10.%zu.%zu.0/24", i / 256, i % 256);
        if (i % 2 == 1) /* each odd one is its neighbour's */
            snprintf(targets[i].network[1], ADDRESS_TEXT, "10.%zu.%zu.0/24", (i - 1) / 256,
                     (i - 1) % 256);
    }
    found = operators_group(targets, count, operators);
    free(targets);
    free(operators);
    assert_int_equal(found, count / 2);
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
        cmocka_unit_test(a_block_that_comes_and_goes_is_unstable),
        cmocka_unit_test(confidence_grows_with_silence),
        cmocka_unit_test(many_operators_are_told_apart),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
