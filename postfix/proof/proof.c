/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/proof.h"

#include "lib/clock.h"
#include "postfix/base/command.h"
#include "postfix/proof/proof_judge.h"
#include "postfix/proof/proof_maps.h"
#include "postfix/proof/submit.h"
#include "postfix/proof/trace_log.h"
#include "postfix/proof/trace_watch.h"
#include "postfix/queue/queue_file.h"
#include "postfix/running/service_watch.h"
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TRIES         3
#define LOOK_EVERY_MS 500
#define QUEUE_LOOK_MS 1000
/* qmgr(8) reports on a service that ended in its hands; on one that did not get so far it waits. */
#define GRACE_MS 2000

#define GONE_MS      3000
#define GONE_LOOK_MS 20

#define ENVELOPE_ID_SIZE 32

struct proof {
    const struct config *config;
    const struct proof_plan *plan;
    const char *queue_directory, *sendmail;
    int64_t deadline;
    struct why *why;
};

/* One probe. */
struct probe {
    const struct proof *proof;
    char envelope_id[ENVELOPE_ID_SIZE];
    time_t since;
    struct trace_watch *watch;
    struct submit *submit;
    struct service_watch *service;
    int64_t looked_at_service, looked_at_queue;
    unsigned absent; /* from the queue, how often in a row */
    bool other_recipient;
    bool is_done, is_missed;
    enum proof_result result;
};

static void end(struct probe *probe, enum proof_result result)
{
    probe->is_done = true;
    probe->result = result;
}

/* By the envelope id. Where the message is gone already, by the recipient alone, which somebody
 * else's "sendmail -bv" might have, too. */
static void seen_log(void *context, const char *text, size_t len, const struct queue_file *head)
{
    struct probe *probe = context;
    const struct proof_plan *plan = probe->proof->plan;
    struct trace_record record;

    if (probe->is_done || (head != NULL && strcmp(head->envelope_id, probe->envelope_id) != 0))
        return;
    if (trace_log_find(text, len, plan->recipient, &record))
        end(probe, proof_judge(&record, head, plan, probe->proof->why));
    else
        probe->other_recipient = probe->other_recipient || head != NULL;
}

/* The probe has left the queue, and its log was not seen. */
static void end_gone(struct probe *probe)
{
    struct why *why = probe->proof->why;

    if (probe->other_recipient)
        why_set(why, "Postfix rewrites the probe's recipient <%s>", probe->proof->plan->recipient);
    else if (trace_watch_missed(probe->watch) > 0)
        why_set(why, "Postfix's report on the probe was gone before it could be read");
    else
        why_set(why, "Postfix took the probe and threw it away: header_checks or a milter does not "
                     "let it pass");
    probe->is_missed = !probe->other_recipient && trace_watch_missed(probe->watch) > 0;
    end(probe, PROOF_UNKNOWN);
}

static void look_at_queue(struct probe *probe, int64_t now)
{
    char id[QUEUE_ID_MAX];

    if (now - probe->looked_at_queue < QUEUE_LOOK_MS)
        return;
    probe->looked_at_queue = now;
    const char *queue =
        queue_file_find(probe->proof->queue_directory, probe->envelope_id, NULL, probe->since, id);
    if (queue != NULL && strcmp(queue, "hold") == 0) {
        why_set(probe->proof->why, "Postfix put the probe on hold: header_checks or a milter");
        end(probe, PROOF_UNKNOWN);
    }
    probe->absent = queue == NULL ? probe->absent + 1 : 0;
    if (probe->absent == 2)
        end_gone(probe);
}

static void look_at_service(struct probe *probe, int64_t now)
{
    if (now - probe->looked_at_service < LOOK_EVERY_MS)
        return;
    probe->looked_at_service = now;
    int64_t ended = service_watch_look(probe->service, now);
    if (ended == 0 || now - ended < GRACE_MS)
        return;
    why_set(probe->proof->why,
            "Postfix's service %s ends as soon as it is started; Postfix's log has the reason, as "
            "\"fatal\"",
            probe->proof->plan->service);
    end(probe, PROOF_FAILED);
}

static void end_late(struct probe *probe)
{
    char id[QUEUE_ID_MAX];
    const char *queue =
        queue_file_find(probe->proof->queue_directory, probe->envelope_id, NULL, probe->since, id);
    bool is_active = queue != NULL && strcmp(queue, "active") == 0;

    why_set(probe->proof->why,
            is_active ? "the probe has had no answer within the time for it: the relay, or the "
                        "service %s, does not get on (the probe is in Postfix's queue %s)"
                      : "Postfix has not got on with the probe for the service %s within the time "
                        "for it (the probe is in its queue %s)",
            probe->proof->plan->service, queue == NULL ? "no more" : queue);
    end(probe, is_active ? PROOF_FAILED : PROOF_UNKNOWN);
}

static void watch_probe(struct probe *probe)
{
    while (!probe->is_done) {
        struct pollfd fds[] = { { .fd = trace_watch_fd(probe->watch), .events = POLLIN },
                                { .fd = submit_fd(probe->submit), .events = POLLIN } };
        poll(fds, 2, LOOK_EVERY_MS);
        trace_watch_take(probe->watch, seen_log, probe);
        if (!probe->is_done && fds[1].revents != 0 &&
            submit_result(probe->submit, probe->proof->why) == -1)
            end(probe, PROOF_UNKNOWN);
        int64_t now = clock_mono_ms();
        if (!probe->is_done)
            look_at_service(probe, now);
        if (!probe->is_done && submit_fd(probe->submit) == -1)
            look_at_queue(probe, now);
        if (!probe->is_done && now >= probe->proof->deadline)
            end_late(probe);
    }
}

/* A probe that Postfix has not done with would only be tried later, by whatever route there is
 * then. But one that a delivery agent has in hand is left to it: the agent would report on it all
 * the same, into a log of trace(8)'s that nobody then removes. */
static void remove_probe(const struct probe *probe)
{
    const struct proof *proof = probe->proof;
    char id[QUEUE_ID_MAX];
    const char *queue =
        queue_file_find(proof->queue_directory, probe->envelope_id, NULL, probe->since, id);

    if (queue == NULL || (strcmp(queue, "active") == 0 && service_watch_lives(probe->service)))
        return;
    const char *const argv[] = { "postsuper", "-c", proof->config->postfix.config_directory,
                                 "-d",        id,   NULL };
    struct command_result result = { 0 };
    struct why ignored;
    command_run(argv, COMMAND_QUEUE_TIMEOUT_MS, &result, &ignored);
    command_result_free(&result);
}

/* A reload that comes upon a message just as it leaves the queue may fail. */
static void wait_gone(const struct probe *probe)
{
    const struct proof *proof = probe->proof;
    int64_t limit = clock_mono_ms() + GONE_MS;
    char id[QUEUE_ID_MAX];

    while (queue_file_find(proof->queue_directory, probe->envelope_id, proof->plan->sender,
                           probe->since, id) != NULL &&
           clock_mono_ms() < limit)
        poll(NULL, 0, GONE_LOOK_MS);
}

static void make_envelope_id(char *out)
{
    uint64_t number = 0;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint64_t)clock_mono_ms();
    snprintf(out, ENVELOPE_ID_SIZE, "detourd-%016" PRIx64, number);
}

/* A log must be opened within milliseconds, however busy the host is. Where that is not allowed, it
 * goes without; what we start does not inherit it. */
static void hurry(bool on)
{
    const struct sched_param first = { .sched_priority = 1 }, usual = { .sched_priority = 0 };

    if (on)
        sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first);
    else
        sched_setscheduler(0, SCHED_OTHER, &usual);
}

static void send_probe(struct probe *probe)
{
    const struct proof *proof = probe->proof;
    const char *const argv[] = { proof->sendmail,
                                 "-C",
                                 proof->config->postfix.config_directory,
                                 "-bv",
                                 "-V",
                                 probe->envelope_id,
                                 "-f",
                                 proof->plan->sender,
                                 "--",
                                 proof->plan->recipient,
                                 NULL };

    make_envelope_id(probe->envelope_id);
    probe->since = (time_t)clock_wall() - 1;
    probe->result = PROOF_UNKNOWN;
    probe->service = service_watch_begin(proof->config, proof->plan->service, proof->why);
    probe->watch = trace_watch_begin(proof->queue_directory, proof->why);
    if (probe->service != NULL && probe->watch != NULL)
        probe->submit = submit_begin(argv, proof->why);
    if (probe->submit != NULL) {
        hurry(true);
        watch_probe(probe);
        hurry(false);
        submit_free(probe->submit);
        if (probe->result != PROOF_GOOD && probe->result != PROOF_REFUSED)
            remove_probe(probe);
        wait_gone(probe);
    }
    trace_watch_free(probe->watch);
    service_watch_free(probe->service);
}

static enum proof_result run(struct proof *proof)
{
    enum proof_result result = PROOF_UNKNOWN;
    bool again = true;

    for (int i = 0; again && i < TRIES; i++) {
        struct probe probe = { .proof = proof };
        send_probe(&probe);
        result = probe.result;
        again = probe.is_missed;
    }
    return result;
}

enum proof_result proof_run(const struct config *config, const struct proof_plan *plan,
                            struct why *why)
{
    static const char *const names[] = { "queue_directory", "sendmail_path", NULL };
    int timeout = plan->timeout_ms > 0 ? plan->timeout_ms : PROOF_TIMEOUT_MS;
    int rewritten = proof_maps_check(config, plan->sender, why);
    enum proof_result result = rewritten == 1 ? PROOF_FAILED : PROOF_UNKNOWN;

    if (rewritten != 0)
        return result;
    struct parameters *p = view_some(config->postfix.config_directory, true, names, why);
    if (p != NULL && parameters_count(p) == 2) {
        struct proof proof = { .config = config,
                               .plan = plan,
                               .queue_directory = parameters_value(p, names[0]),
                               .sendmail = parameters_value(p, names[1]),
                               .deadline = clock_mono_ms() + timeout,
                               .why = why };
        result = run(&proof);
    } else if (p != NULL) {
        why_set(why, "postconf does not say where Postfix's queue and sendmail(1) are");
    }
    parameters_free(p);
    return result;
}
