/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/backlog.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "postfix/base/command.h"
#include "postfix/base/paths.h"
#include "postfix/host/view.h"
#include "postfix/queue/backlog_list.h"
#include "postfix/queue/defer_log.h"
#include "postfix/queue/pace.h"
#include "postfix/queue/queue.h"
#include "postfix/running/activate.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the time, one part in so many is spent looking. */
#define LOOK_SHARE 20
/* A relay may have a quota an hour; beyond that Postfix's own retries do as well. */
#define GIVE_UP_MS     3600000
#define CHECK_EVERY_MS 10000
/* Often enough that none is due before its turn. */
#define PUT_OFF_EVERY_MS ((int64_t)PUT_OFF_S * 1000 / 5)
/* A message that the relay alone refuses so often waits for its own next attempts. */
#define TRIES_MOST 20

enum place { PLACE_NONE, PLACE_IN_HAND, PLACE_PUT_OFF, PLACE_DEFERRED };

/* A message that was released. */
struct released {
    char *id;
    int64_t arrival;
    int64_t since_ms;
    unsigned tries;
    enum place place;
    char *below; /* where it lies in deferred */
};

struct backlog {
    const struct config *config;
    const struct relay *relay;
    char *queue_directory;
    struct lifetimes lifetimes;
    int64_t began; /* what arrives later is no part of it */
    struct timespec token;

    struct backlog_list list;
    struct waiting_list again; /* refused for now */
    struct released *out;      /* sorted by id while the queue is walked */
    size_t out_count, out_room;
    int64_t put_off_ms;
    struct pace *pace;
    struct pace_seen seen;
    bool over;

    int64_t progress_ms; /* the last delivery */
    int64_t checked_ms;  /* whether Postfix runs */
    size_t delivered, refused, failed;
};

/* The lock file's time stamp names the latest release; WRITE makes this one the latest. */
static struct timespec token(const struct config *config, bool write)
{
    struct timespec none = { 0 };
    char *path = home_path(config, LOCK_FILE);
    struct stat st;

    if (write)
        utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
    if (lstat(path, &st) == 0)
        none = st.st_mtim;
    free(path);
    return none;
}

static bool is_latest(const struct backlog *b)
{
    struct timespec now = token(b->config, false);

    return now.tv_sec == b->token.tv_sec && now.tv_nsec == b->token.tv_nsec;
}

size_t backlog_left(const struct backlog *b)
{
    return waiting_list_count(&b->list.young) + waiting_list_count(&b->list.aged) +
           waiting_list_count(&b->again);
}

static int compare_id(const void *a, const void *b)
{
    const struct released *left = a, *right = b;

    return strcmp(left->id, right->id);
}

static struct released *find_released(struct backlog *b, const char *id)
{
    struct released wanted = { .id = (char *)(uintptr_t)id };

    return b->out_count == 0 ? NULL
                             : bsearch(&wanted, b->out, b->out_count, sizeof *b->out, compare_id);
}

static bool see_active(void *context, int directory, const char *below, const char *id)
{
    struct backlog *b = context;
    struct released *r = find_released(b, id);

    (void)directory;
    (void)below;
    b->seen.under_way++;
    if (r != NULL)
        r->place = PLACE_IN_HAND;
    return true;
}

/* What has its time to come is in nobody's way: qmgr(8) found it locked by another delivery. */
static bool see_incoming(void *context, int directory, const char *below, const char *id)
{
    struct backlog *b = context;
    struct stat st;

    if (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return true;
    if (st.st_mtime <= clock_wall() + 1)
        return see_active(context, directory, below, id);
    struct released *r = find_released(b, id);
    if (r != NULL)
        r->place = PLACE_PUT_OFF;
    return true;
}

static bool see_deferred(void *context, int directory, const char *below, const char *id)
{
    struct released *r = find_released(context, id);

    (void)directory;
    if (r != NULL) {
        r->place = PLACE_DEFERRED;
        free(r->below);
        r->below = memory_copy(below);
    }
    return true;
}

/* In the order in which a message goes, so that none is missed on its way. */
static void walk(struct backlog *b)
{
    if (b->out_count > 0)
        qsort(b->out, b->out_count, sizeof *b->out, compare_id);
    queue_walk(b->queue_directory, "incoming", see_incoming, b);
    queue_walk(b->queue_directory, "active", see_active, b);
    if (b->out_count > 0)
        queue_walk(b->queue_directory, "deferred", see_deferred, b);
}

static void note_delivered(struct backlog *b, const struct released *r, int64_t now)
{
    int64_t took = now - r->since_ms;

    if (b->seen.delivered == 0 || took < b->seen.fastest_ms)
        b->seen.fastest_ms = took;
    b->seen.delivered++;
    b->delivered++;
    b->progress_ms = now;
}

static void note_deferred(struct backlog *b, struct released *r)
{
    const char *host = b->relay == NULL ? "" : b->relay->host;
    char reason[DEFER_REASON_MAX];

    if (r->tries < TRIES_MOST && defer_reason(b->queue_directory, r->below, r->id, reason) &&
        defer_is_relays(reason, host)) {
        waiting_list_add(
            &b->again, &(struct waiting){ .id = r->id, .arrival = r->arrival, .tries = r->tries });
        r->id = NULL;
        b->seen.refused++;
        b->refused++;
    } else {
        b->seen.failed++;
        b->failed++;
    }
}

/* True when it is still under way. */
static bool judge(struct backlog *b, struct released *r, int64_t now)
{
    if (r->place == PLACE_IN_HAND) {
        r->place = PLACE_NONE;
        b->seen.own++;
        return true;
    }
    if (r->place == PLACE_NONE)
        note_delivered(b, r, now);
    else if (r->place == PLACE_DEFERRED)
        note_deferred(b, r);
    free(r->id);
    free(r->below);
    return false;
}

static void judge_all(struct backlog *b, int64_t now)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->out_count; i++)
        if (judge(b, &b->out[i], now))
            b->out[kept++] = b->out[i];
    b->out_count = kept;
}

/* The oldest, but one that has its last try only while the relay takes what it is given. */
static struct waiting take_next(struct backlog *b)
{
    if (waiting_list_count(&b->list.aged) > 0 && pace_is_open(b->pace))
        return waiting_list_take(&b->list.aged);
    if (waiting_list_count(&b->again) > 0)
        return waiting_list_take(&b->again);
    if (waiting_list_count(&b->list.young) > 0)
        return waiting_list_take(&b->list.young);
    return waiting_list_take(&b->list.aged);
}

static void add_released(struct backlog *b, const struct waiting *w, int64_t now)
{
    if (b->out_count == b->out_room) {
        b->out_room = b->out_room == 0 ? 64 : 2 * b->out_room;
        b->out = memory_grow(b->out, b->out_room, sizeof *b->out);
    }
    b->out[b->out_count++] = (struct released){
        .id = w->id, .arrival = w->arrival, .tries = w->tries + 1, .since_ms = now
    };
}

/* Without flush(8) there is no other way than all at once; without Postfix there is none. */
static void cannot_release(struct backlog *b, const struct why *failure)
{
    struct why why;

    b->over = true;
    if (activate_running(b->config, &why) != 1)
        return;
    log_warning("cannot release single messages, so all at once: %s", failure->text);
    if (activate_flush(b->config, &why) == -1)
        log_warning("%s", why.text);
}

static void release(struct backlog *b, size_t count)
{
    const char *const argv[] = { "postqueue", "-c", b->config->postfix.config_directory, "-i",
                                 NULL };
    size_t first = b->out_count, left = backlog_left(b);
    struct why why = { "" };

    count = count < left ? count : left;
    if (count == 0)
        return;
    const char **ids = memory_zero(count, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        struct waiting next = take_next(b);
        ids[i] = next.id;
        add_released(b, &next, clock_mono_ms());
    }
    size_t well = command_each(argv, ids, count, COMMAND_TIMEOUT_MS, &why);
    free(ids);
    if (well == 0)
        cannot_release(b, &why);
    for (size_t i = first; i < b->out_count; i++)
        b->out[i].since_ms = clock_mono_ms();
}

static int read_list(struct backlog *b, struct why *why)
{
    backlog_list_free(&b->list);
    return backlog_list_read(b->config, b->relay, &b->lifetimes, b->began, &b->list, why);
}

/* A queue of which only a part could be read is read again, as long as something of it leaves. */
static void read_rest(struct backlog *b)
{
    bool partial = b->list.partial && b->delivered > 0;
    struct why why;

    b->list.partial = false;
    if (partial && read_list(b, &why) == -1)
        log_warning("%s", why.text);
    b->over = b->over || backlog_left(b) == 0;
}

static void say_end(const struct backlog *b)
{
    log_notice("of the backlog %zu messages have left, %zu times one was refused for now, %zu "
               "wait for another reason%s",
               b->delivered, b->refused, b->failed,
               backlog_left(b) > 0 ? "; the rest waits for its own next attempts" : "");
}

struct ids {
    const char **item;
    size_t count;
};

static void add_ids(struct ids *ids, const struct waiting_list *list)
{
    for (size_t i = list->first; i < list->last; i++)
        ids->item[ids->count++] = list->item[i].id;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_among(void *context, const char *id)
{
    const struct ids *ids = context;

    return bsearch(&id, ids->item, ids->count, sizeof *ids->item, compare_text) != NULL;
}

/* qmgr(8) itself would take them all as soon as they are due. */
static void put_off_rest(struct backlog *b, int64_t now)
{
    size_t left = backlog_left(b);

    if (left == 0 || now - b->put_off_ms < PUT_OFF_EVERY_MS)
        return;
    struct ids ids = { .item = memory_zero(left, sizeof *ids.item) };
    add_ids(&ids, &b->list.young);
    add_ids(&ids, &b->list.aged);
    add_ids(&ids, &b->again);
    qsort(ids.item, ids.count, sizeof *ids.item, compare_text);
    put_off_again(b->queue_directory, is_among, &ids);
    free(ids.item);
    b->put_off_ms = now;
}

/* Where nothing moves, Postfix may have been stopped. */
static bool goes_on(struct backlog *b, int64_t now)
{
    struct why why;

    if (now - b->progress_ms > GIVE_UP_MS)
        return false;
    if (now - b->progress_ms < CHECK_EVERY_MS || now - b->checked_ms < CHECK_EVERY_MS)
        return true;
    b->checked_ms = now;
    return activate_running(b->config, &why) != 0;
}

int backlog_look(struct backlog *b)
{
    int64_t start = clock_mono_ms();

    b->seen = (struct pace_seen){ 0 };
    walk(b);
    int64_t now = clock_mono_ms(), cost = LOOK_SHARE * (now - start);
    judge_all(b, now);
    if (backlog_left(b) == 0 && b->out_count == 0)
        read_rest(b);
    if (!is_latest(b))
        return -1;
    b->over = b->over || !goes_on(b, now);
    struct pace_order order = { 0 };
    if (!b->over) {
        put_off_rest(b, now);
        order = pace_look(b->pace, &b->seen, now);
        release(b, order.release);
    }
    if (b->over) {
        say_end(b);
        return -1;
    }
    return order.wait_ms > cost ? order.wait_ms : (int)cost;
}

void backlog_renew(struct backlog *b)
{
    struct why why;

    /* What was refused is in the queue too. */
    waiting_list_free(&b->again);
    if (read_list(b, &why) == -1)
        log_warning("%s", why.text);
}

void backlog_free(struct backlog *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->out_count; i++)
        free(b->out[i].id);
    free(b->out);
    waiting_list_free(&b->again);
    backlog_list_free(&b->list);
    pace_free(b->pace);
    free(b->queue_directory);
    free(b);
}

static struct backlog *backlog_new(const struct config *config, const struct route *route,
                                   struct why *why)
{
    struct backlog *b = memory_zero(1, sizeof *b);

    b->config = config;
    b->relay = config_relay(config, route->name);
    b->put_off_ms = INT64_MIN / 2;
    b->began = clock_wall();
    b->progress_ms = b->checked_ms = clock_mono_ms();
    b->pace = pace_new(b->relay == NULL ? 0 : b->relay->rate,
                       b->relay == NULL ? 0 : b->relay->concurrency, b->progress_ms);
    b->queue_directory = view_one(config->postfix.config_directory, "queue_directory", why);
    if (b->queue_directory != NULL && lifetimes_read(config, &b->lifetimes, why) == 0 &&
        read_list(b, why) == 0)
        return b;
    backlog_free(b);
    return NULL;
}

static bool is_small(const struct backlog *b)
{
    int rate = b->relay == NULL ? 0 : b->relay->rate;
    int concurrency = b->relay == NULL ? 0 : b->relay->concurrency;

    return waiting_list_count(&b->list.aged) == 0 && !b->list.partial &&
           backlog_left(b) <= pace_small(rate, concurrency);
}

static void describe(const struct backlog *b, size_t all, size_t aged, char *detail)
{
    int len = snprintf(detail, WHY_MAX,
                       "postqueue -i for %zu of %zu messages, oldest first; the rest "
                       "at the relay's pace",
                       all - backlog_left(b), all);

    if (aged == 0)
        return;
    snprintf(detail + len, WHY_MAX - (size_t)len,
             "; %zu are older than maximal_queue_lifetime, and a relay that refuses them for now "
             "makes Postfix return them: they go once it has taken others",
             aged);
    log_warning(
        "%zu deferred messages are older than maximal_queue_lifetime: their next attempt is "
        "the last one",
        aged);
}

struct put_off *backlog_hold(const struct config *config, struct why *why)
{
    char *queue_directory = view_one(config->postfix.config_directory, "queue_directory", why);
    struct put_off *held = queue_directory == NULL ? NULL : put_off_begin(queue_directory);

    free(queue_directory);
    return held;
}

static int flush_all(const struct config *config, char *detail, struct why *why)
{
    snprintf(detail, WHY_MAX, "postqueue -f");
    return activate_flush(config, why);
}

int backlog_flush(const struct config *config, const struct route *route, struct backlog **backlog,
                  char *detail, struct why *why)
{
    struct backlog *b = route_is_direct(route) ? NULL : backlog_new(config, route, why);

    *backlog = NULL;
    if (b == NULL && !route_is_direct(route))
        log_warning("cannot look through the queue, so all of it is flushed: %s", why->text);
    if (b == NULL)
        return flush_all(config, detail, why);
    b->token = token(config, true);
    size_t all = backlog_left(b), aged = waiting_list_count(&b->list.aged);
    if (is_small(b)) {
        backlog_free(b);
        return flush_all(config, detail, why);
    }
    backlog_look(b);
    describe(b, all, aged, detail);
    *backlog = b;
    return 0;
}
