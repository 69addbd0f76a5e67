/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/fragment/handover.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/base/json_text.h"
#include "postfix/base/paths.h"
#include "postfix/cf/generation.h"
#include "postfix/change/check.h"
#include "postfix/change/home.h"
#include "postfix/change/home_now.h"
#include "postfix/change/prepare.h"
#include "postfix/fragment/draft.h"
#include "postfix/fragment/formats.h"
#include "postfix/method/senders.h"
#include "postfix/proof/proof.h"
#include "postfix/queue/rest.h"
#include "postfix/running/activate.h"
#include "postfix/running/rescue.h"
#include "postfix/running/settle.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the answer to `fragment`; it grows when a member changes its meaning. */
#define SCHEMA 1

/* A run under the lock. */
struct handover {
    const struct config *config;
    struct answer *answer;
    struct draft draft;
    struct draft again; /* what the fragment in force would be by now */
    char *workspace;
    int lock;
    int64_t started; /* of what is timed at present */
    struct rescue rescue;
    struct backlog *backlog; /* what leaves later, at the relay's pace */
    bool is_unproved;        /* WHY says what the proof has found */
    struct why why;
};

static void begin(struct handover *h)
{
    h->started = clock_mono_ms();
}

static int end(struct handover *h, const char *step, int rc, const char *detail)
{
    answer_step(h->answer, step, rc == 0, clock_mono_ms() - h->started,
                rc == 0 ? detail : h->why.text);
    return rc;
}

static enum transaction_result fail(struct handover *h, const char *result)
{
    answer_end(h->answer, result, h->why.text, NULL);
    return TRANSACTION_FAILED;
}

/* 0, or -1 with the answer given. */
static int open_home(struct handover *h)
{
    h->workspace = home_path(h->config, STAGE);
    if (home_check(h->config, &h->why) == -1) {
        fail(h, "failed");
        return -1;
    }
    int rc = home_lock(h->config, &h->lock, &h->why);
    if (rc == 1)
        why_set(&h->why, "another change is under way");
    if (rc != 0)
        fail(h, rc == 1 ? "busy" : "failed");
    return rc == 0 ? 0 : -1;
}

static void release(struct handover *h)
{
    struct why ignored;

    rescue_free(&h->rescue);
    backlog_free(h->backlog);
    draft_free(&h->draft);
    draft_free(&h->again);
    if (h->lock != -1) {
        tree_remove(h->workspace, &ignored);
        close(h->lock);
    }
    free(h->workspace);
}

/* What is known of the current fragment */

static json_t *standing_json(const struct config *config, const struct draft *d)
{
    const struct fragment *f = d->shelf.current;

    if (f == NULL)
        return json_null();
    char *path = shelf_path(config, f->generation);
    json_t *o = json_object();
    json_object_set_new(o, "generation", json_integer((json_int_t)f->generation));
    struct route route = fragment_route(config, &d->shelf, f);
    json_object_set_new(o, "route", route_json(&route));
    json_object_set_new(o, "state", json_string(standing_name(d->standing.state)));
    json_object_set_new(o, "missing",
                        texts_json(d->standing.missing.text, d->standing.missing.count));
    json_object_set_new(o, "written", json_integer(f->written));
    json_object_set_new(o, "confirmed", json_boolean(d->shelf.applied == f->generation));
    json_object_set_new(o, "directory", text_json(path));
    free(path);
    return o;
}

static json_t *members_of(const struct config *config, const struct draft *d)
{
    json_t *members = json_object();
    const char *state = standing_name(d->standing.state);

    json_object_set_new(members, "route", route_json(&d->standing.route));
    json_object_set_new(members, "state", json_string(state));
    json_object_set_new(members, "fragment", standing_json(config, d));
    json_object_set_new(members, "notes", texts_json(d->change.notes.text, d->change.notes.count));
    json_t *exceptions = texts_json(d->change.exceptions.text, d->change.exceptions.count);
    json_array_extend(json_object_get(members, "notes"), exceptions);
    json_decref(exceptions);
    return members;
}

int handover_status(const struct config *config, json_t *members, struct route *route,
                    struct why *why)
{
    struct draft d;
    int rc = 0;

    if (config->mode != MODE_FRAGMENT)
        return 0;
    rc = draft_look(config, &d, why);
    if (rc == 0 && !draft_has_block(&d))
        *route = d.standing.route;
    if (rc == 0)
        json_object_set_new(members, "fragment", standing_json(config, &d));
    draft_free(&d);
    return rc;
}

bool handover_in_force(const struct config *config, const struct route *route)
{
    struct draft d;
    struct why ignored;
    bool same = draft_look(config, &d, &ignored) == 0 && route_equal(&d.standing.route, route);

    draft_free(&d);
    return same;
}

char *handover_owner(const struct config *config, struct why *why)
{
    struct draft d;
    char *text = draft_look(config, &d, why) == 0 ? draft_owner(&d) : NULL;

    draft_free(&d);
    return text;
}

/* Writing a fragment */

static int clean(struct handover *h)
{
    if (shelf_clean(h->config, &h->draft.shelf, &h->why) == -1 ||
        tree_remove(h->workspace, &h->why) == -1)
        return -1;
    return generation_clean(h->config, 0, h->draft.now.bytes, h->draft.now.master.bytes, &h->why);
}

static int build_maps(struct handover *h)
{
    const struct change *c = &h->draft.change;

    if (c->generation == 0)
        return 0;
    begin(h);
    int rc = generation_build(h->config, c->generation, change_map_type(c), &c->rendering.contents,
                              &h->why);
    return end(h, "maps", rc, "postmap");
}

static int check(struct handover *h)
{
    struct reading expected;

    if (h->draft.change.generation == 0)
        return 0;
    begin(h);
    int rc = check_change(h->config, &h->draft.change, h->workspace, &expected, &h->why);
    reading_free(&expected);
    return end(h, "check", rc, "postfix check, postconf -n");
}

static int put(struct handover *h)
{
    char *path = shelf_path(h->config, h->draft.fragment->generation);

    begin(h);
    int rc = end(h, "fragment", shelf_put(h->config, h->draft.fragment, &h->why), path);
    free(path);
    return rc;
}

/* The draft has become the current fragment. */
static int look_again(struct handover *h)
{
    struct draft now;
    int rc = draft_look(h->config, &now, &h->why);

    if (rc == 0) {
        struct shelf shelf = h->draft.shelf;
        struct standing standing = h->draft.standing;
        h->draft.shelf = now.shelf;
        h->draft.standing = now.standing;
        now.shelf = shelf;
        now.standing = standing;
    }
    draft_free(&now);
    return rc;
}

static enum transaction_result say_unchanged(struct handover *h)
{
    answer_end(h->answer, "unchanged", NULL, members_of(h->config, &h->draft));
    return TRANSACTION_UNCHANGED;
}

/* The method transport: the map of senders */

/* Whether Postfix asks the map, by an installation that was handed over. */
static bool map_is_asked(const struct draft *d)
{
    for (size_t n = 0; n < d->shelf.count; n++) {
        const struct fragment *f = d->shelf.kept[n];
        for (size_t i = 0; fragment_installs(f) && i < f->count; i++) {
            char *value = f->item[i].leads ? live_value(&d->live, &f->item[i]) : NULL;
            bool asked = value != NULL && fragment_item_is_applied(&f->item[i], value);
            free(value);
            if (asked)
                return true;
        }
    }
    return false;
}

/* The map type that the installation was made for. */
static char *map_type(const struct handover *h, const struct fragment *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->item[i].leads)
            return senders_type(h->config, f->item[i].value);
    return memory_copy("");
}

/* CHANGE is what a route to a relay needs; for direct it is empty. contents_free ends OUT. */
static void map_contents(const struct handover *h, const struct change *change,
                         const struct route *route, struct contents *out)
{
    struct senders senders = { .route = *route, .proof = route_direct() };

    if (change->proof_sender != NULL) {
        senders.proof = change->proof;
        snprintf(senders.proof_sender, sizeof senders.proof_sender, "%s", change->proof_sender);
    }
    senders_contents(h->config, change->view, &senders, out);
}

static bool map_says(const struct handover *h, const char *type, const struct contents *contents)
{
    unsigned long number;
    struct why ignored;

    return senders_number(h->config, &number, &ignored) == 0 && number != 0 &&
           senders_hold(h->config, number, type, contents);
}

static bool map_leads_to(const struct handover *h, const struct fragment *f,
                         const struct change *change, const struct route *route)
{
    char *type = map_type(h, f);
    struct contents contents;

    map_contents(h, change, route, &contents);
    bool leads = map_says(h, type, &contents);
    contents_free(&contents);
    free(type);
    return leads;
}

/* 0, 1 where the map says that already, or -1 with a reason. */
static int put_map(struct handover *h, const struct fragment *f, const struct change *change,
                   const struct route *route)
{
    char *type = map_type(h, f);
    struct contents contents;
    int rc = 1;

    begin(h);
    map_contents(h, change, route, &contents);
    if (!map_says(h, type, &contents)) {
        unsigned long number = senders_build(h->config, type, &contents, &h->why);
        rc = number == 0 || senders_put(h->config, number, &h->why) == -1 ? -1 : 0;
        end(h, "map", rc, "postmap");
    }
    contents_free(&contents);
    free(type);
    return rc;
}

/* A new map counts for all mail with the next reload. */
static int take_map_up(struct handover *h, const char *detail, struct processes *old)
{
    int running = activate_running(h->config, &h->why);
    struct settle *before = running == 1 ? settle_begin(h->config, &h->why) : NULL;
    int rc = running == 1 && before == NULL ? -1 : running == -1 ? -1 : 0;

    begin(h);
    if (before != NULL && activate_reload(h->config, &h->why) == -1)
        rc = -1;
    if (rc == 0 && before != NULL)
        rc = settle_wait(before, &h->why) == -1 ? -1 : 0;
    if (before != NULL) {
        processes_free(old);
        *old = settle_old_clients(before);
    }
    settle_free(before);
    return end(h, "reload", rc, detail);
}

/* The route that the map has mail go by now, as long as the configuration knows its relay. */
static int present_route(struct handover *h, struct route *out)
{
    struct senders now;

    if (senders_now(h->config, &now, &h->why) == -1)
        return -1;
    *out = config_relay(h->config, now.route.name) == NULL ? route_direct() : now.route;
    return 0;
}

static int run_proof(struct handover *h, const struct change *change)
{
    begin(h);
    enum proof_result result =
        proof_of_route(h->config, &change->proof, change->proof_sender, &h->why);
    h->is_unproved = result != PROOF_GOOD && result != PROOF_REFUSED;
    if (result == PROOF_REFUSED)
        findings_add(&h->draft.change.notes, "the relay refuses the probe: %s", h->why.text);
    return end(h, "proof", h->is_unproved ? -1 : 0,
               result == PROOF_REFUSED ? h->why.text : "sendmail -bv");
}

/* What configuration management has put in place proves itself first, while mail keeps its way. */
static int prove(struct handover *h, const struct fragment *f, const struct change *change,
                 struct processes *old)
{
    struct route present;

    if (change->proof_sender == NULL || activate_running(h->config, &h->why) != 1)
        return 0;
    if (present_route(h, &present) == -1)
        return -1;
    int put = put_map(h, f, change, &present);
    if (put == -1 || (put == 0 && take_map_up(h, "the probe goes by the relay", old) == -1))
        return -1;
    return run_proof(h, change);
}

/* Leads mail to ROUTE: 0, 1 where the map does that already, or -1 with a reason. */
static int lead(struct handover *h, const struct change *change, const struct route *route,
                struct processes *old)
{
    const struct fragment *f = h->draft.shelf.current;
    bool asked = map_is_asked(&h->draft);

    if (map_leads_to(h, f, change, route))
        return 1;
    if (asked && prove(h, f, change, old) == -1)
        return -1;
    if (put_map(h, f, change, route) == -1)
        return -1;
    return asked ? take_map_up(
                       h, route_is_direct(route) ? "mail goes directly" : "mail goes by the relay",
                       old)
                 : 0;
}

/* As after a switch. OLD knows nothing of the relay. */
static int free_and_flush(struct handover *h, const struct route *route,
                          const struct processes *old)
{
    char text[WHY_MAX], detail[WHY_MAX] = "";

    begin(h);
    if (!route_is_direct(route))
        rescue_run(h->config, old, &h->rescue);
    if (rescue_text(&h->rescue, text))
        answer_step(h->answer, "rescue", h->rescue.unable.text[0] == '\0',
                    clock_mono_ms() - h->started, text);
    begin(h);
    int rc = backlog_flush(h->config, route, &h->backlog, detail, &h->why);
    return end(h, "flush", rc, detail);
}

static json_t *members_with_rest(const struct handover *h)
{
    json_t *members = members_of(h->config, &h->draft);
    char text[WHY_MAX];

    if (h->rescue.left > 0 && rescue_text(&h->rescue, text))
        json_object_set_new(members, "slow", text_json(text));
    return members;
}

/* The installation stands or is about to; only the map is to lead elsewhere. */
static enum transaction_result flip(struct handover *h, const struct route *route)
{
    bool asked = map_is_asked(&h->draft);
    struct processes old = { 0 };
    int led = lead(h, &h->draft.change, route, &old), rc = led == -1 ? -1 : 0;

    if (led == 0 && asked && activate_running(h->config, &h->why) == 1)
        rc = free_and_flush(h, route, &old);
    processes_free(&old);
    if (rc == 0)
        rc = look_again(h);
    if (rc == 0)
        rc = senders_clean(h->config, &h->why);
    if (rc == -1)
        return fail(h, h->is_unproved ? "refused" : "failed");
    if (led == 1)
        return say_unchanged(h);
    answer_end(h->answer, "ok", NULL, members_with_rest(h));
    return TRANSACTION_OK;
}

/* It has to be there before main.cf refers to it, and leads nobody but the probe. */
static int put_first_map(struct handover *h)
{
    const struct fragment *f = h->draft.fragment;
    struct route nowhere = route_direct();

    if (!fragment_installs(f) || map_is_asked(&h->draft))
        return 0;
    return put_map(h, f, &h->draft.change, &nowhere) == -1 ? -1 : 0;
}

static enum transaction_result write_fragment(struct handover *h)
{
    if (build_maps(h) == -1 || check(h) == -1 || put_first_map(h) == -1 || put(h) == -1 ||
        look_again(h) == -1) {
        struct why failure = h->why;
        clean(h);
        h->why = failure;
        return fail(h, "failed");
    }
    answer_end(h->answer, "ok",
               "main.cf is left to configuration management, which has to apply the fragment",
               members_of(h->config, &h->draft));
    return TRANSACTION_OK;
}

static bool is_installed(const struct handover *h)
{
    const struct fragment *f = h->draft.shelf.current;

    return f != NULL && fragment_installs(f);
}

/* REMOVES: also an installation goes, which else stays when the route is direct. */
static enum transaction_result hand_over(struct handover *h, const struct route *route,
                                         bool removes)
{
    begin(h);
    enum change_kind kind = draft_prepare(h->config, route, h->workspace, &h->draft, &h->why);
    bool well = kind == CHANGE_NEEDED || kind == CHANGE_NONE;

    end(h, "prepare", well ? 0 : -1, kind == CHANGE_NONE ? "said already" : "postconf");
    if (!well)
        return fail(h, kind == CHANGE_REFUSED ? "refused" : "failed");
    if (clean(h) == -1)
        return fail(h, "failed");
    if (is_installed(h) && !fragment_awaits_map(&h->draft.shelf, h->draft.shelf.current) &&
        (kind == CHANGE_NONE || (route_is_direct(route) && !removes)))
        return flip(h, route);
    return kind == CHANGE_NONE ? say_unchanged(h) : write_fragment(h);
}

/* What mode switch has put into main.cf goes out the way it came. */
static bool holds_block(const struct config *config)
{
    struct home_now now;
    struct why ignored;
    bool holds = home_now_read(config, &now, &ignored) == 0 &&
                 (now.mark->generation != 0 || now.mark->drift_count > 0);

    home_now_free(&now);
    return holds || home_is_unfinished(config);
}

static enum transaction_result say_how_it_stands(struct handover *h)
{
    if (draft_look(h->config, &h->draft, &h->why) == -1)
        return fail(h, "failed");
    return say_unchanged(h);
}

enum transaction_result handover_run(const struct config *config, const struct request *request,
                                     struct answer *answer, struct rest *rest)
{
    struct handover h = { .config = config, .answer = answer, .lock = -1 };
    bool releases = request->verb == VERB_RELEASE, removes = request->verb == VERB_REMOVE;
    struct change_request wanted = { .route = request->route,
                                     .wish = releases  ? WISH_RELEASE
                                             : removes ? WISH_REMOVE
                                                       : WISH_ROUTE };
    enum transaction_result result = TRANSACTION_FAILED;

    *rest = (struct rest){ 0 };
    if (route_is_direct(&request->route) && holds_block(config))
        return transaction_run(config, &wanted, answer, rest);
    if (open_home(&h) == 0)
        result = releases ? say_how_it_stands(&h) : hand_over(&h, &request->route, removes);
    release(&h);
    return result;
}

/* What follows when it is applied */

/* The maps that the values refer to must be what the configuration asks for, and answer. */
static int check_maps(struct handover *h)
{
    const struct fragment *f = h->draft.shelf.current;
    struct route route = f->route;
    struct draft *again = &h->again;

    if (route_is_direct(&route))
        return 0;
    begin(h);
    enum change_kind kind = draft_prepare(h->config, &route, h->workspace, again, &h->why);
    if (kind == CHANGE_NEEDED)
        why_set(&h->why, "the configuration asks for something else by now: ask for the route "
                         "again, for a new generation");
    return end(h, "maps", kind == CHANGE_NONE ? 0 : -1, "postmap -q");
}

static int check_standing(struct handover *h, unsigned long generation)
{
    const struct draft *d = &h->draft;
    const struct fragment *f = d->shelf.current;
    struct why missing;

    if (f == NULL)
        return why_set(&h->why, "there is no fragment to be applied");
    if (generation != 0 && f->generation != generation)
        return why_set(&h->why, "generation %lu is not the current one, which is %lu", generation,
                       f->generation);
    if (d->standing.state == STANDING_UNLOADED)
        return why_set(&h->why, "Postfix has not been reloaded since main.cf was changed");
    if (d->standing.state == STANDING_APPLIED)
        return 0;
    findings_join(&d->standing.missing, &missing);
    return why_set(&h->why,
                   "not applied: Postfix's configuration does not say what generation "
                   "%lu says of: %.800s",
                   f->generation, missing.text);
}

/* The smtp(8) that were there before main.cf became what it is. */
static int find_old(struct handover *h, struct processes *old)
{
    struct processes all = { 0 };
    int64_t at;
    pid_t master = processes_master(h->config, &h->why);
    int rc = master == 0 || live_changed_at(h->config, &at, &h->why) == -1 ||
                     processes_of(master, &all, &h->why) == -1
                 ? -1
                 : 0;

    if (rc == 0)
        *old = processes_clients(&all, at);
    processes_free(&all);
    return rc;
}

/* What follows a switch was done when it was said first. */
static bool is_confirmed(const struct handover *h, unsigned long generation)
{
    return generation != 0 && h->draft.shelf.applied == generation &&
           h->draft.standing.state == STANDING_APPLIED &&
           h->draft.shelf.current->generation == generation;
}

/* What was put off until now, and what is not needed any more. */
static int settle_map(struct handover *h, struct processes *old)
{
    const struct fragment *f = h->draft.shelf.current;
    unsigned long number;

    if (fragment_awaits_map(&h->draft.shelf, f))
        return lead(h, &h->again.change, &f->route, old) == -1 ? -1 : 0;
    if (senders_number(h->config, &number, &h->why) == -1)
        return -1;
    if (!route_is_direct(&f->route) || number == 0)
        return 0;
    return senders_put(h->config, 0, &h->why) == -1 ? -1 : senders_clean(h->config, &h->why);
}

static int finish(struct handover *h, struct processes *old)
{
    struct route route = fragment_route(h->config, &h->draft.shelf, h->draft.shelf.current);
    int running = activate_running(h->config, &h->why);

    if (running == -1 || settle_map(h, old) == -1)
        return -1;
    if (running == 0)
        return 0;
    if (old->count == 0 && find_old(h, old) == -1)
        return -1;
    return free_and_flush(h, &route, old);
}

static void now_in_force(struct handover *h)
{
    struct shelf *shelf = &h->draft.shelf;

    shelf->applied = shelf->current->generation;
    h->draft.standing.route = fragment_route(h->config, shelf, shelf->current);
}

static enum transaction_result confirm(struct handover *h)
{
    unsigned long generation = h->draft.shelf.current->generation;
    struct processes old = { 0 };
    int rc = finish(h, &old);

    if (rc == 0)
        rc = shelf_set_applied(h->config, generation, &h->why);
    if (rc == 0)
        now_in_force(h);
    if (rc == 0 && old.count == 0 && clean(h) == -1)
        answer_step(h->answer, "clean", false, 0, h->why.text);
    processes_free(&old);
    if (rc == -1)
        return fail(h, h->is_unproved ? "refused" : "failed");
    answer_end(h->answer, "ok",
               activate_running(h->config, &h->why) == 0
                   ? "Postfix is not running; the route counts when it starts"
                   : NULL,
               members_with_rest(h));
    return TRANSACTION_OK;
}

enum transaction_result handover_applied(const struct config *config, unsigned long generation,
                                         struct answer *answer, struct route *route,
                                         struct rest *rest)
{
    struct handover h = { .config = config, .answer = answer, .lock = -1 };
    enum transaction_result result = TRANSACTION_FAILED;

    *route = route_direct();
    if (config->mode != MODE_FRAGMENT) {
        why_set(&h.why, "mode = %s: fragments are applied with mode = fragment",
                mode_name(config->mode));
        fail(&h, "refused");
    } else if (open_home(&h) == 0) {
        begin(&h);
        if (draft_look(config, &h.draft, &h.why) == -1)
            result = fail(&h, "failed");
        else if (is_confirmed(&h, generation))
            result = say_unchanged(&h);
        else if (end(&h, "verify", check_standing(&h, generation), "postconf -n") == -1 ||
                 check_maps(&h) == -1)
            result = fail(&h, "refused");
        else
            result = confirm(&h);
        *route = h.draft.standing.route;
    }
    *rest = (struct rest){ .hung = h.rescue.hung, .backlog = h.backlog };
    h.rescue.hung = (struct processes){ 0 };
    h.backlog = NULL;
    release(&h);
    return result;
}

/* Showing one */

static json_t *files_json(const struct fragment *f)
{
    json_t *files = json_object();

    for (int i = 0; i < FORMATS; i++) {
        enum fragment_format format = (enum fragment_format)i;
        char *text = format_text(f, format);
        if (format != FORMAT_MASTER_CF || fragment_has_services(f))
            json_object_set_new(files, format_name(format), text_json(text));
        free(text);
    }
    return files;
}

bool handover_show(const struct config *config, const struct route *route, struct answer *answer)
{
    struct draft d;
    struct why why;
    enum change_kind kind = draft_prepare(config, route, NULL, &d, &why);
    const struct fragment *f = kind == CHANGE_NEEDED ? d.fragment : d.shelf.current;

    bool well = kind == CHANGE_NEEDED || kind == CHANGE_NONE;

    if (well && f == NULL) {
        answer_end(answer, "unchanged",
                   "no fragment has put a route in: nothing is to be taken out", NULL);
    } else if (well) {
        json_t *members = members_of(config, &d);
        json_object_set_new(members, "schema", json_integer(SCHEMA));
        json_object_set_new(members, "generation", json_integer((json_int_t)f->generation));
        json_object_set_new(members, "written", json_boolean(kind == CHANGE_NONE));
        json_object_set_new(members, "files", files_json(f));
        answer_end(answer, "ok", NULL, members);
    } else {
        answer_end(answer, kind == CHANGE_REFUSED ? "refused" : "failed", why.text, NULL);
    }
    draft_free(&d);
    return well;
}
