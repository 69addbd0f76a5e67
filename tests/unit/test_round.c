/* SPDX-License-Identifier: BSD-2-Clause */
/* A round as its observer sees it, samples of the targets, and more targets than descriptors. */
#include "tests/unit/unit.h"

#include "daemon/probe/hop_trace.h"
#include "daemon/round/descriptors.h"
#include "daemon/round/round.h"
#include "lib/memory.h"
#include "tests/unit/fake_net.h"
#include "tests/unit/fake_smtp.h"
#include "tests/unit/loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TARGETS 5

static const char open_script[] = "S: 220 mx.example ESMTP\n"
                                  "C: EHLO\n"
                                  "S: 250 mx.example\n"
                                  "C: QUIT\n"
                                  "S: 221 bye\n"
                                  "CLOSE\n";

static struct event_base *base;
static struct dns *dns;

/* What the observer and the round's end have said. */
static struct round_result *result;
static bool ended, suspected;
static enum target_state states[TARGETS];
static size_t changes, controls, families_done;
static struct address suspect, by;

static int set_up(void **state)
{
    (void)state;
    base = loop_new();
    dns = dns_new_with_servers(base, "127.0.0.1:9");
    ended = suspected = false;
    changes = controls = families_done = 0;
    memset(states, 0, sizeof states);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    round_result_free(result);
    result = NULL;
    dns_free(dns);
    loop_free(base);
    return 0;
}

static void on_change(const struct round_event *event, void *context)
{
    (void)context;
    controls += event->kind == ROUND_CONTROL;
    families_done += event->kind == ROUND_FAMILY_DONE;
    if (event->kind != ROUND_TARGET)
        return;
    assert_true(event->target < TARGETS);
    assert_true(event->state > states[event->target]); /* never back, never twice */
    states[event->target] = event->state;
    changes++;
}

static void on_suspicion(enum family family, const struct round_result *so_far, void *context)
{
    const struct family_result *f = &so_far->family[family];

    (void)context;
    assert_false(suspected);
    assert_true(f->has_suspect && f->controls.has_by);
    suspect = f->suspect;
    by = f->controls.by;
    suspected = true;
}

static void on_end(struct round_result *r, void *context)
{
    (void)context;
    assert_false(ended);
    result = r;
    ended = true;
}

static struct endpoint literal(const char *host, uint16_t port)
{
    struct endpoint e = { .port = port, .is_literal = true };

    snprintf(e.host, sizeof e.host, "%s", host);
    return e;
}

static struct round_plan plan_of(const struct endpoint *targets, size_t count)
{
    struct round_plan plan = { .targets = targets,
                               .target_count = count,
                               .quorum = 2,
                               .families = { [FAMILY_IPV4] = true },
                               .timeout_ms = 8000,
                               .settings.helo_name = "host.example" };

    return plan;
}

/* Servers in networks of their own. */
static void start_servers(struct fake_smtp **servers, struct endpoint *targets, size_t count)
{
    char host[32];

    for (size_t i = 0; i < count; i++) {
        snprintf(host, sizeof host, "127.%zu.0.1", i + 1);
        servers[i] = fake_smtp_new(base, host, open_script, NULL);
        targets[i] = literal(host, address_port(fake_smtp_address(servers[i])));
    }
}

static void stop_servers(struct fake_smtp **servers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fake_smtp_check(servers[i]);
        fake_smtp_free(servers[i]);
    }
}

static void an_open_round_is_told_step_by_step(void **state)
{
    struct fake_smtp *servers[TARGETS];
    struct endpoint targets[TARGETS];

    (void)state;
    start_servers(servers, targets, TARGETS);
    struct round_plan plan = plan_of(targets, TARGETS);
    plan.observer = (struct round_observer){ on_change, on_suspicion, NULL };
    round_start(base, dns, &plan, on_end, NULL);
    assert_false(ended);
    loop_until(base, &ended);
    assert_int_equal(result->family[FAMILY_IPV4].verdict.kind, VERDICT_OPEN);
    assert_int_equal(result->family[FAMILY_IPV4].verdict.operators, TARGETS);
    assert_int_equal(changes, TARGETS * TARGET_DONE);
    assert_int_equal(families_done, 1);
    assert_int_equal(controls, 0);
    assert_int_equal(result->family[FAMILY_IPV4].controls.sent, 0);
    assert_false(suspected);
    stop_servers(servers, TARGETS);
}

static void a_sample_leaves_the_others_alone(void **state)
{
    static const size_t sample[] = { 3, 1 };
    struct fake_smtp *servers[TARGETS];
    struct endpoint targets[TARGETS];

    (void)state;
    start_servers(servers, targets, TARGETS);
    struct round_plan plan = plan_of(targets, TARGETS);
    round_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    struct round_result *older = result;
    plan.sample = sample;
    plan.sample_count = 2;
    ended = false;
    round_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    assert_true(result->is_sample);
    assert_int_equal(result->family[FAMILY_IPV4].verdict.kind, VERDICT_OPEN);
    assert_int_equal(result->family[FAMILY_IPV4].verdict.operators, 2);
    for (size_t i = 0; i < TARGETS; i++) {
        bool asked = i == 1 || i == 3;
        assert_int_equal(fake_smtp_connections(servers[i]), asked ? 2 : 1);
        assert_int_equal(result->family[FAMILY_IPV4].targets[i].untried, !asked);
    }
    round_result_complete(result, older);
    for (size_t i = 0; i < TARGETS; i++)
        assert_int_equal(result->family[FAMILY_IPV4].targets[i].outcome, OUTCOME_OPEN);
    round_result_free(older);
    stop_servers(servers, TARGETS);
}

static void operators_have_numbers(void **state)
{
    struct fake_smtp *servers[2];
    struct endpoint targets[3];
    size_t operators[3];

    (void)state;
    start_servers(servers, targets, 2);
    targets[2] = targets[0];
    struct round_plan plan = plan_of(targets, 3);
    round_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    round_operators(result, operators);
    assert_int_equal(operators[0], operators[2]);
    assert_int_not_equal(operators[0], operators[1]);
    stop_servers(servers, 2);
}

#define MANY 300

static void more_targets_than_descriptors(void **state)
{
    struct fake_smtp *server;
    struct endpoint *targets = memory_zero(MANY, sizeof *targets);
    struct rlimit before, low = { 0 };
    size_t open = 0;

    (void)state;
    start_servers(&server, targets, 1);
    for (size_t i = 1; i < MANY; i++)
        targets[i] = targets[0];
    getrlimit(RLIMIT_NOFILE, &before);
    low = (struct rlimit){ 180, before.rlim_max }; /* half of each connection is the server's */
    setrlimit(RLIMIT_NOFILE, &low);
    struct round_plan plan = plan_of(targets, MANY);
    round_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    setrlimit(RLIMIT_NOFILE, &before);
    for (size_t i = 0; i < MANY; i++)
        open += result->family[FAMILY_IPV4].targets[i].outcome == OUTCOME_OPEN;
    assert_int_equal(open, MANY);
    free(targets);
    stop_servers(&server, 1);
}

static void the_limit_is_raised_as_far_as_it_may_be(void **state)
{
    struct rlimit before, low;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &before);
    low = (struct rlimit){ 200, before.rlim_max };
    setrlimit(RLIMIT_NOFILE, &low);
    descriptors_raise(100);
    assert_int_equal(descriptors_limit(), 200);
    descriptors_raise(250);
    assert_int_equal(descriptors_limit(), 250);
    descriptors_raise(SIZE_MAX - 1);
    assert_int_equal(descriptors_limit(), before.rlim_max);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* A trace in each family goes on while all the targets are silent. */
static void traces_have_descriptors_of_their_own(void **state)
{
    size_t hosts = FAMILIES * HOSTS_PER_TARGET * 10;

    (void)state;
    assert_true(round_descriptors(10) >= hosts + FAMILIES * HOP_TRACE_DESCRIPTORS);
}

static bool make_network(void)
{
    static int known = -1;

    if (known == -1)
        known = fake_net_enter();
    return known;
}

/* One refuses, another is silent; the first one's other ports answer. */
static void suspicion_names_a_host_and_a_control(void **state)
{
    struct endpoint targets[] = { literal("198.18.2.1", 25), literal("198.18.1.1", 25) };
    struct round_plan plan = plan_of(targets, 2);

    (void)state;
    if (!make_network())
        skip(); /* needs the right to make network namespaces, and ip(8) */
    plan.observer = (struct round_observer){ on_change, on_suspicion, NULL };
    struct round *round = round_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &suspected);
    assert_true(controls > 0);
    assert_true(address_port(&suspect) == 25 && address_port(&by) != 25);
    struct address machine = fake_net_address("198.18.1.1", address_port(&by));
    assert_true(address_equal(&by, &machine));
    round_stop(round); /* in the midst of it */
    assert_false(ended);
}

static void refusals_take_no_time(void **state)
{
    struct endpoint targets[] = { literal("198.18.3.1", 25), literal("198.18.1.1", 25) };
    struct round_plan plan = plan_of(targets, 2);

    (void)state;
    if (!make_network())
        skip();
    round_start(base, dns, &plan, on_end, NULL);
    loop_until(base, &ended);
    const struct family_result *f = &result->family[FAMILY_IPV4];
    assert_int_equal(f->verdict.kind, VERDICT_BLOCKED);
    assert_true(f->verdict.counted_syns >= 20);
    assert_int_equal(f->targets[0].outcome, OUTCOME_PROHIBITED);
    assert_int_equal(f->targets[1].outcome, OUTCOME_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_round_is_told_step_by_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sample_leaves_the_others_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(operators_have_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_targets_than_descriptors, set_up, tear_down),
        cmocka_unit_test(the_limit_is_raised_as_far_as_it_may_be),
        cmocka_unit_test(traces_have_descriptors_of_their_own),
        cmocka_unit_test_setup_teardown(suspicion_names_a_host_and_a_control, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_take_no_time, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("round", tests, NULL, NULL);
}
