/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/settle.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/command.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define LIMIT_MS      20000
#define LOOK_EVERY_MS 20
#define WAKE_EVERY_MS 500

static const char NEW_QMGR[] = "a new qmgr(8)";

struct settle {
    const struct config *config;
    pid_t master;
    struct process seen; /* master(8) */
    struct processes before;
    struct processes old; /* clients; once it has settled */
    bool settled;
    const char *waits_for;
};

struct settle *settle_begin(const struct config *config, struct why *why)
{
    pid_t master = processes_master(config, why);

    if (master == 0)
        return NULL;
    struct settle *s = memory_zero(1, sizeof *s);
    s->config = config;
    s->master = master;
    int rc = 0;
    if (!process_find(master, &s->seen) && errno != 0)
        rc = why_errno(why, "cannot look at Postfix's master process");
    if (rc == 0)
        rc = processes_of(master, &s->before, why);
    if (rc == 0)
        return s;
    settle_free(s);
    return NULL;
}

void settle_free(struct settle *s)
{
    if (s == NULL)
        return;
    processes_free(&s->before);
    processes_free(&s->old);
    free(s);
}

struct processes settle_old_clients(const struct settle *s)
{
    return processes_clients(s->settled ? &s->old : &s->before, INT64_MAX);
}

/* A new queue manager is started when master has let go of all old processes. One of those that was
 * idle then has its end before it (it reads as running until it has got there), and one that sleeps
 * is busy with a delivery: it ends with that, and is never handed another. */
static bool is_settled(struct settle *s, const struct processes *now)
{
    bool renewed = false;

    s->waits_for = NULL;
    for (size_t i = 0; i < now->count; i++) {
        const struct process *p = &now->item[i];
        bool old = processes_hold(&s->before, p);
        renewed = renewed || (p->program == PROGRAM_QMGR && !old);
        if (old && p->program == PROGRAM_QMGR)
            s->waits_for = "the old qmgr(8) to end";
        else if (old && p->program == PROGRAM_TRIVIAL_REWRITE)
            s->waits_for = "an old trivial-rewrite(8) to end";
        else if (old && p->program == PROGRAM_SMTP && p->state == 'R')
            s->waits_for = "an old smtp(8) to end";
    }
    if (!renewed && s->waits_for == NULL)
        s->waits_for = NEW_QMGR;
    return s->waits_for == NULL;
}

/* The old queue manager goes on to route, and master to start what delivers, until the signal has
 * arrived: on a busy host that is a while after the processes were noted. */
static void note_old(struct settle *s, const struct processes *now)
{
    int64_t renewed = INT64_MAX;

    for (size_t i = 0; i < now->count; i++) {
        const struct process *p = &now->item[i];
        if (p->program == PROGRAM_QMGR && !processes_hold(&s->before, p) && p->started < renewed)
            renewed = p->started;
    }
    processes_free(&s->old);
    s->old = processes_clients(now, renewed);
    s->settled = true;
}

/* master wakes each service after a reload, but a dying qmgr(8) may take the call and the new one
 * is then not started before its next occasion, up to 300 s later. */
static void wake_qmgr(const struct settle *s)
{
    const char *const argv[] = { "postkick", "-c",   s->config->postfix.config_directory,
                                 "public",   "qmgr", "W",
                                 NULL };
    struct command_result result = { 0 };
    struct why ignored;

    command_run(argv, COMMAND_TIMEOUT_MS, &result, &ignored);
    command_result_free(&result);
}

int settle_wait(struct settle *s, struct why *why)
{
    int64_t start = clock_mono_ms(), woken = start;

    /* Twice in a row: a busy process may sleep between two steps of its last delivery. */
    for (int settled = 0; settled < 2;) {
        if (!process_runs(&s->seen))
            return 1;
        struct processes now;
        bool all = processes_of(s->master, &now, why) == 0;
        settled = is_settled(s, &now) && all ? settled + 1 : 0;
        if (settled == 2)
            note_old(s, &now);
        if (!all)
            s->waits_for = "a look at all processes";
        processes_free(&now);
        if (settled < 2 && clock_mono_ms() - start > LIMIT_MS)
            return why_set(why,
                           "Postfix has not taken the new configuration up within %d s: "
                           "still waiting for %s",
                           LIMIT_MS / 1000, s->waits_for);
        if (settled < 2)
            poll(NULL, 0, LOOK_EVERY_MS);
        if (s->waits_for == NEW_QMGR && clock_mono_ms() - woken > WAKE_EVERY_MS) {
            wake_qmgr(s);
            woken = clock_mono_ms();
        }
    }
    return 0;
}
