/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/change/transaction.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/base/json_text.h"
#include "postfix/base/paths.h"
#include "postfix/cf/generation.h"
#include "postfix/cf/install.h"
#include "postfix/change/change.h"
#include "postfix/change/check.h"
#include "postfix/change/home.h"
#include "postfix/change/home_now.h"
#include "postfix/change/prepare.h"
#include "postfix/change/reverts.h"
#include "postfix/method/refusals.h"
#include "postfix/method/senders.h"
#include "postfix/proof/proof.h"
#include "postfix/queue/rest.h"
#include "postfix/running/activate.h"
#include "postfix/running/rescue.h"
#include "postfix/running/settle.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often an edit by somebody else may make us start over. */
#define ATTEMPTS 3

/* A run of one request. Every step answers for itself and returns whether it went well; WHY then
 * holds the reason. */
struct transaction {
    const struct config *config;
    const struct change_request *request;
    struct answer *answer;
    struct change change;
    struct reading expected; /* what Postfix is to read at the end of it */
    char *workspace;
    int lock;
    bool was_unfinished;  /* an earlier run's work is still to be finished */
    int running;          /* whether Postfix runs */
    size_t step;          /* so many are taken */
    struct processes old; /* smtp(8) that know only what was before the last reload */
    struct rescue rescue;
    struct backlog *backlog; /* what leaves later, at the relay's pace */
    int64_t started;         /* of what is timed at present */
    struct why why;
};

static void begin(struct transaction *t)
{
    t->started = clock_mono_ms();
}

/* Says how the step ended, with the tools of Postfix's that it is made of as DETAIL, or what else
 * there is to say; passes RC on. */
static int end(struct transaction *t, const char *step, int rc, const char *detail)
{
    answer_step(t->answer, step, rc == 0, clock_mono_ms() - t->started,
                rc == 0 ? detail : t->why.text);
    return rc;
}

/* A file of ours, there even after a loss of power. */
static int put(struct transaction *t, const char *name, const char *bytes, size_t len)
{
    char *path = home_path(t->config, name), *directory = home_path(t->config, OUR_DIRECTORY);
    int rc = file_replace(path, 0600, bytes, len, &t->why);

    if (rc == 0)
        rc = directory_sync(directory, &t->why);
    free(path);
    free(directory);
    return rc;
}

/* Of the map of senders: where the installation stays, what main.cf says of it. */
static char *map_type(const struct transaction *t)
{
    const char *setting = settings_value(&t->change.now.mark->settings, TRANSPORT_SETTING);

    return t->change.view != NULL || setting == NULL ? memory_copy(change_map_type(&t->change))
                                                     : senders_type(t->config, setting);
}

static int set_unfinished(struct transaction *t)
{
    return put(t, UNFINISHED, "", 0);
}

static void clear_unfinished(const struct transaction *t)
{
    char *path = home_path(t->config, UNFINISHED);

    unlink(path);
    free(path);
}

static const char *text_in_place(const struct transaction *t, enum change_place place)
{
    const struct change *c = &t->change;
    const char *text = place == CHANGE_MAIN_CF ? c->now.bytes : c->now.master.bytes;

    for (size_t i = 0; i < t->step; i++)
        if (c->step[i].place == place)
            text = c->step[i].after;
    return text;
}

/* The map goes only when nothing leads to it: without it Postfix would defer all mail. */
static int clean_map(struct transaction *t)
{
    const char *main_cf = text_in_place(t, CHANGE_MAIN_CF);

    if (strstr(main_cf, "/" ROUTE_LINK "/") == NULL && senders_put(t->config, 0, &t->why) == -1)
        return -1;
    return senders_clean(t->config, &t->why);
}

/* What a run that was cut off left behind: its stage, files half replaced, and every generation but
 * KEEP that the files in place do not refer to. */
static int clean(struct transaction *t, unsigned long keep)
{
    char *directory = home_path(t->config, OUR_DIRECTORY);
    int rc = temporaries_remove(directory, &t->why);

    free(directory);
    if (rc == -1 || tree_remove(t->workspace, &t->why) == -1 || clean_map(t) == -1)
        return -1;
    return generation_clean(t->config, keep, text_in_place(t, CHANGE_MAIN_CF),
                            text_in_place(t, CHANGE_MASTER_CF), &t->why);
}

static int build_generation(struct transaction *t)
{
    struct change *c = &t->change;
    struct contents *contents = &c->rendering.contents;

    if (!c->builds)
        return 0;
    contents_add_file(contents, RECORD, c->after);
    if (c->rendering.services.count > 0)
        contents_add_file(contents, RECORD_MASTER, c->after_master);
    return generation_build(t->config, c->generation, change_map_type(c), contents, &t->why);
}

static int build_senders(struct transaction *t)
{
    unsigned long number = t->change.now.map;
    char *type = map_type(t);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < t->change.step_count; i++) {
        struct change_step *step = &t->change.step[i];
        if (step->place != CHANGE_MAP)
            continue;
        step->from = number;
        step->to = number = senders_build(t->config, type, &step->contents, &t->why);
        rc = number == 0 ? -1 : 0;
    }
    free(type);
    return rc;
}

static bool builds_maps(const struct change *change)
{
    for (size_t i = 0; i < change->step_count; i++)
        if (change->step[i].place == CHANGE_MAP)
            return true;
    return change->builds;
}

static int build_maps(struct transaction *t)
{
    if (!builds_maps(&t->change))
        return 0;
    begin(t);
    int rc = build_generation(t) == 0 ? build_senders(t) : -1;
    return end(t, "maps", rc, "postmap");
}

static int check(struct transaction *t)
{
    begin(t);
    int rc = check_change(t->config, &t->change, t->workspace, &t->expected, &t->why);
    return end(t, "check", rc, "postfix check, postconf -n");
}

static int keep_before(struct transaction *t)
{
    const struct change *c = &t->change;

    if (!c->builds)
        return 0;
    if (put(t, BEFORE, c->original, c->original_len) == -1)
        return -1;
    return c->rendering.services.count == 0
               ? 0
               : put(t, MASTER_BEFORE, c->original_master, c->original_master_len);
}

static enum install_result put_map(struct transaction *t, unsigned long number)
{
    int rc = senders_put(t->config, number, &t->why);

    return rc == 0 ? INSTALL_DONE : rc == 1 ? INSTALL_UNSYNCED : INSTALL_FAILED;
}

/* Takes the step, or takes it back. */
static enum install_result replace(struct transaction *t, const struct change_step *step, bool back)
{
    const char *directory = t->config->postfix.config_directory;
    const char *name = step->place == CHANGE_MAIN_CF ? MAIN_CF : MASTER_CF;

    if (step->place == CHANGE_MAP)
        return put_map(t, back ? step->from : step->to);
    return back ? install_file(directory, name, step->after, step->after_len, step->before,
                               step->before_len, &t->why)
                : install_file(directory, name, step->before, step->before_len, step->after,
                               step->after_len, &t->why);
}

static enum install_result install_step(struct transaction *t, size_t n, bool back)
{
    const struct change_step *step = &t->change.step[n];

    begin(t);
    enum install_result result = replace(t, step, back);
    bool in_place = result == INSTALL_DONE || result == INSTALL_UNSYNCED;
    end(t, back ? "undo" : step->name, in_place ? 0 : -1,
        result == INSTALL_UNSYNCED ? t->why.text : NULL);
    if (in_place)
        t->step = back ? n : n + 1;
    return result;
}

static int reload(struct transaction *t)
{
    begin(t);
    int rc = activate_reload(t->config, &t->why);
    end(t, "reload", rc == 1 ? 0 : rc, rc == 1 ? "Postfix is not running" : "postfix reload");
    return rc;
}

/* A reload, and the wait until no process is left that knows only the step before, and a queue
 * manager is there that a flush can reach: 0, 1 when Postfix is stopped, or -1. */
static int settle(struct transaction *t)
{
    struct why failure = t->why;
    struct settle *before = settle_begin(t->config, &t->why);
    int rc = before == NULL ? -1 : reload(t);

    if (rc == 0) {
        begin(t);
        rc = settle_wait(before, &t->why);
        end(t, "settle", rc == 1 ? 0 : rc, rc == 1 ? "Postfix was stopped meanwhile" : NULL);
    }
    if (before != NULL) {
        processes_free(&t->old);
        t->old = settle_old_clients(before);
    }
    settle_free(before);
    /* Nothing is left to wait for, unless it has been started again by now. */
    if (rc != 0) {
        struct why ignored;
        int running = activate_running(t->config, &ignored);
        rc = running == 0 ? 1 : rc == 1 && running == 1 ? 0 : -1;
    }
    t->running = rc == 1 ? 0 : t->running;
    if (rc != -1)
        t->why = failure;
    return rc;
}

/* Postfix itself sends a probe through the service. A relay that refuses the probe's addresses is
 * reached all the same; what it refuses of the mail is deferred (shield.h). */
static int prove(struct transaction *t)
{
    begin(t);
    enum proof_result result =
        proof_of_route(t->config, &t->change.proof, t->change.proof_sender, &t->why);
    bool good = result == PROOF_GOOD || result == PROOF_REFUSED;
    if (result == PROOF_REFUSED)
        findings_add(&t->change.notes, "the relay refuses the probe: %s", t->why.text);
    return end(t, "proof", good ? 0 : -1, result == PROOF_REFUSED ? t->why.text : "sendmail -bv");
}

/* A run that was cut off may not have come to the reload by which Postfix learns of the services
 * that it had put in place. */
static int prove_in_place(struct transaction *t)
{
    if (t->was_unfinished && settle(t) == -1)
        return -1;
    return t->running ? prove(t) : 0;
}

/* All steps; a Postfix that is stopped takes them up when it starts. */
static enum install_result install(struct transaction *t)
{
    enum install_result result = INSTALL_DONE;

    begin(t);
    t->running = activate_running(t->config, &t->why);
    if (t->running == -1 || keep_before(t) == -1) {
        end(t, "install", -1, NULL);
        return INSTALL_FAILED;
    }
    while (t->step < t->change.step_count) {
        const struct change_step *step = &t->change.step[t->step];
        bool is_last = t->step + 1 == t->change.step_count;
        /* What is left of it is for the way back. */
        if (memory_is_short()) {
            why_set(&t->why, "out of memory");
            return INSTALL_FAILED;
        }
        if (step->proved && t->running && prove_in_place(t) == -1)
            return INSTALL_FAILED;
        result = install_step(t, t->step, false);
        if (result != INSTALL_DONE && result != INSTALL_UNSYNCED)
            return result;
        if (!is_last && step->settles && t->running && settle(t) == -1)
            return INSTALL_FAILED;
    }
    return result;
}

/* After a failure behind a commit point: back to the old main.cf by the same steps. */
static void undo(struct transaction *t)
{
    struct why failure = t->why;
    bool undone = true;

    while (undone && t->step > 0) {
        enum install_result result = install_step(t, t->step - 1, true);
        undone = result == INSTALL_DONE || result == INSTALL_UNSYNCED;
        if (undone && t->step > 0 && t->running)
            undone = settle(t) != -1;
    }
    if (!undone) {
        struct why second = t->why;
        why_set(&t->why, "%.400s; and main.cf could not be put back: %.400s", failure.text,
                second.text);
        return;
    }
    /* Not without a queue manager that runs: mail would wait for its next occasion. */
    int stopped = t->running ? settle(t) : reload(t);
    if (clean(t, t->change.now.mark->generation) == 0 && stopped != -1)
        clear_unfinished(t);
    why_set(&t->why, "%.900s; main.cf was put back", failure.text);
}

/* What Postfix now reads is what it was to read, no more and no less. */
static int verify(struct transaction *t)
{
    begin(t);
    int rc = check_live(t->config, &t->change, &t->expected, &t->why);
    return end(t, "verify", rc == 1 ? 0 : rc,
               rc == 1 ? "postconf -n; main.cf was edited by somebody else meanwhile"
                       : "postconf -n");
}

/* A flush that fails puts nothing at risk: the mail waits for its own next attempt. The next run
 * finds the work unfinished. */
static int flush(struct transaction *t)
{
    char detail[WHY_MAX] = "";

    begin(t);
    backlog_free(t->backlog);
    int rc = backlog_flush(t->config, &t->change.route, &t->backlog, detail, &t->why);
    return end(t, "flush", rc, detail);
}

/* What others have edited is dealt with, so it can be forgotten; but not that it was edited. */
static void note_reverted(struct transaction *t)
{
    if (t->change.now.mark->reverted && reverts_add(t->config, &t->why) == -1)
        answer_step(t->answer, "note", false, 0, t->why.text);
}

/* After a switch to a relay, what hangs in a block is freed. It is no failure where that cannot be:
 * those messages leave later. */
static void rescue(struct transaction *t)
{
    char text[WHY_MAX];

    begin(t);
    rescue_run(t->config, &t->old, &t->rescue);
    if (rescue_text(&t->rescue, text))
        answer_step(t->answer, "rescue", t->rescue.unable.text[0] == '\0',
                    clock_mono_ms() - t->started, text);
}

/* An installation alone changes nobody's way. */
static bool moves_mail(const struct transaction *t)
{
    return t->request->wish != WISH_INSTALL || !route_is_direct(&t->change.route);
}

/* The rest, once Postfix works by the main.cf in place. Only now: what was started before the
 * reload has had its time to open the old maps. And the mark of unfinished work goes last, since a
 * record without a block in main.cf would say that somebody took the block out. */
static void finish(struct transaction *t, bool running, unsigned long keep)
{
    if (running && !route_is_direct(&t->change.route))
        rescue(t);
    int flushed = running && moves_mail(t) ? flush(t) : 0;
    int cleaned = clean(t, keep);

    if (cleaned == -1)
        answer_step(t->answer, "clean", false, 0, t->why.text);
    if (flushed == 0 && cleaned == 0)
        clear_unfinished(t);
}

/* What the caller should know of deliveries that go on hanging. */
static void add_slow(json_t *members, const struct rescue *r)
{
    char text[WHY_MAX];

    if (r->left > 0 && rescue_text(r, text))
        json_object_set_new(members, "slow", text_json(text));
}

static json_t *members_of(const struct transaction *t)
{
    json_t *members = json_object();

    json_object_set_new(members, "route", route_json(&t->change.route));
    add_slow(members, &t->rescue);
    json_t *notes = texts_json(t->change.notes.text, t->change.notes.count);
    json_t *exceptions = texts_json(t->change.exceptions.text, t->change.exceptions.count);
    json_array_extend(notes, exceptions);
    json_decref(exceptions);
    json_object_set_new(members, "notes", notes);
    return members;
}

/* Nothing of ours stays, and the lock is gone with it: from here on nothing may be written. */
static void leave(struct transaction *t)
{
    if (t->request->wish != WISH_REMOVE || home_is_unfinished(t->config))
        return;
    if (tree_remove(t->workspace, &t->why) == -1 || home_remove(t->config, &t->why) == -1)
        answer_step(t->answer, "remove", false, 0, t->why.text);
    close(t->lock);
    t->lock = -1;
}

static enum transaction_result fail(struct transaction *t, const char *result)
{
    answer_end(t->answer, result, t->why.text, NULL);
    return TRANSACTION_FAILED;
}

/* The last reload: what waits for the relay is to leave at its pace, so the new qmgr(8) is kept
 * from sending all of it at once. */
static int settle_at_pace(struct transaction *t)
{
    struct put_off *held =
        route_is_direct(&t->change.route) ? NULL : backlog_hold(t->config, &t->why);
    int rc = settle(t);

    put_off_end(held, rc == 0);
    return rc;
}

/* Reload, ask, flush. Behind the commit point, so a failure takes the change back. */
static enum transaction_result activate(struct transaction *t)
{
    int stopped = t->running ? settle_at_pace(t) : reload(t);

    if (stopped == -1 || verify(t) == -1 ||
        (t->change.proved_last && stopped == 0 && prove(t) == -1)) {
        undo(t);
        return fail(t, "failed");
    }
    finish(t, stopped == 0, t->change.generation);
    note_reverted(t);
    leave(t);
    answer_end(t->answer, "ok",
               stopped == 1 ? "Postfix is not running; the route counts when it starts" : NULL,
               members_of(t));
    return TRANSACTION_OK;
}

/* Which processes know the route in force, nobody noted before it came; but what was started before
 * its maps were built cannot. */
static void keep_older_than_route(struct transaction *t)
{
    const struct mark *mark = t->change.now.mark;
    struct processes all = t->old;

    t->old = processes_clients(&all, mark->kind == BLOCK_TRANSPORT
                                         ? senders_built(t->config)
                                         : generation_built(t->config, mark->generation));
    processes_free(&all);
}

/* main.cf is as it should be. What a run that was cut off may have left undone is done again; and
 * where somebody else has put main.cf back, nobody knows whether Postfix works by it. */
static enum transaction_result nothing_to_change(struct transaction *t)
{
    const struct mark *mark = t->change.now.mark;
    bool put_back = mark->drift_count > 0;

    if (put_back && set_unfinished(t) == -1)
        return fail(t, "failed");
    if (t->was_unfinished || put_back) {
        t->running = activate_running(t->config, &t->why);
        int stopped = t->running == 1 ? settle(t) : t->running == 0 ? 1 : -1;
        if (stopped == -1)
            return fail(t, "failed");
        keep_older_than_route(t);
        finish(t, stopped == 0, put_back ? 0 : mark->generation);
        note_reverted(t);
    }
    leave(t);
    answer_end(t->answer, put_back ? "ok" : "unchanged", NULL, members_of(t));
    return put_back ? TRANSACTION_OK : TRANSACTION_UNCHANGED;
}

static enum change_kind prepare(struct transaction *t)
{
    begin(t);
    enum change_kind kind =
        change_prepare(t->config, t->request, t->workspace, &t->change, &t->why);
    bool well = kind == CHANGE_NEEDED || kind == CHANGE_NONE;
    end(t, "prepare", well ? 0 : -1, kind == CHANGE_NONE ? "in force already" : "postconf");
    return kind;
}

/* One attempt; AGAIN when somebody else edited main.cf meanwhile. */
static enum transaction_result attempt(struct transaction *t, bool *again)
{
    enum change_kind kind = prepare(t);

    *again = false;
    if (kind == CHANGE_REFUSED || kind == CHANGE_FAILED)
        return fail(t, kind == CHANGE_REFUSED ? "refused" : "failed");
    install_clean(t->config->postfix.config_directory);
    if (clean(t, t->change.now.mark->generation) == -1)
        return fail(t, "failed");
    if (kind == CHANGE_NONE)
        return nothing_to_change(t);
    enum install_result result = INSTALL_FAILED;
    if (set_unfinished(t) == 0 && build_maps(t) == 0 && check(t) == 0)
        result = install(t);
    if (result == INSTALL_DONE || result == INSTALL_UNSYNCED)
        return activate(t);
    if (t->step > 0) {
        undo(t);
        return fail(t, "failed");
    }
    struct why failure = t->why;
    if (clean(t, t->change.now.mark->generation) == 0 && !t->was_unfinished)
        clear_unfinished(t);
    t->why = failure;
    *again = result == INSTALL_CHANGED;
    return TRANSACTION_FAILED;
}

static enum transaction_result attempts(struct transaction *t)
{
    enum transaction_result result = TRANSACTION_FAILED;
    bool again = true;

    for (int i = 0; again && i < ATTEMPTS; i++) {
        change_free(&t->change);
        reading_free(&t->expected);
        t->step = 0;
        result = attempt(t, &again);
    }
    if (!t->answer->ended)
        fail(t, "failed");
    return result;
}

static void release(struct transaction *t)
{
    struct why ignored;

    processes_free(&t->old);
    rescue_free(&t->rescue);
    backlog_free(t->backlog);
    if (t->lock != -1) {
        tree_remove(t->workspace, &ignored);
        close(t->lock);
    }
    change_free(&t->change);
    reading_free(&t->expected);
    free(t->workspace);
}

/* What both kinds of run begin with: 0, or -1 with the answer given. */
static int open_home(struct transaction *t)
{
    t->workspace = home_path(t->config, STAGE);
    if (home_check(t->config, &t->why) == -1) {
        fail(t, "failed");
        return -1;
    }
    int rc = home_lock(t->config, &t->lock, &t->why);
    t->was_unfinished = home_is_unfinished(t->config);
    if (rc == 1)
        why_set(&t->why, "another change is under way");
    if (rc != 0)
        fail(t, rc == 1 ? "busy" : "failed");
    return rc == 0 ? 0 : -1;
}

/* The processes that go on hanging outlive the run, and so does the backlog. */
static void hand_over(struct transaction *t, struct rest *rest)
{
    *rest = (struct rest){ .hung = t->rescue.hung, .backlog = t->backlog };
    t->rescue.hung = (struct processes){ 0 };
    t->backlog = NULL;
}

enum transaction_result transaction_run(const struct config *config,
                                        const struct change_request *request, struct answer *answer,
                                        struct rest *rest)
{
    struct transaction t = { .config = config, .request = request, .answer = answer, .lock = -1 };
    enum transaction_result result = TRANSACTION_FAILED;

    if (request->wish == WISH_ROUTE && route_allowed(config, &request->route, &t.why) == -1)
        fail(&t, "refused");
    else if (open_home(&t) == 0)
        result = attempts(&t);
    hand_over(&t, rest);
    release(&t);
    return result;
}

/* 0 when there may be something to free, or -1 with the answer given. */
static int find_old(struct transaction *t, struct route *route)
{
    struct home_now *now = &t->change.now;

    if (home_now_read(t->config, now, &t->why) == -1) {
        fail(t, "failed");
        return -1;
    }
    *route = now->mark->route;
    t->change.route = *route;
    t->running = activate_running(t->config, &t->why);
    pid_t master = t->running == 1 ? processes_master(t->config, &t->why) : 0;
    if (route_is_direct(route))
        why_set(&t->why, "the route is direct: what connects to port 25 is on its way");
    else if (t->running == 0)
        why_set(&t->why, "Postfix is not running");
    if (route_is_direct(route) || master == 0) {
        fail(t, t->running == -1 ? "failed" : "refused");
        return -1;
    }
    if (processes_of(master, &t->old, &t->why) == -1) {
        fail(t, "failed");
        return -1;
    }
    keep_older_than_route(t);
    return 0;
}

enum transaction_result transaction_rescue(const struct config *config, struct answer *answer,
                                           struct route *route, struct rest *rest)
{
    struct transaction t = { .config = config, .answer = answer, .lock = -1 };
    enum transaction_result result = TRANSACTION_FAILED;

    if (open_home(&t) == 0 && find_old(&t, route) == 0) {
        rescue(&t);
        if (flush(&t) == 0) {
            answer_end(answer, "ok", NULL, members_of(&t));
            result = TRANSACTION_OK;
        } else {
            fail(&t, "failed");
        }
    }
    hand_over(&t, rest);
    release(&t);
    return result;
}
