/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/queue/backlog_list.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/relay.h"
#include "postfix/host/view.h"
#include "postfix/queue/queue_list.h"
#include "postfix/queue/scope.h"
#include <stdlib.h>
#include <string.h>

#define LIFETIME_MOST ((int64_t)1000 * 365 * 86400)

/* A message that is released now is tried a little later. */
#define SOON_S 60

size_t waiting_list_count(const struct waiting_list *list)
{
    return list->last - list->first;
}

void waiting_list_add(struct waiting_list *list, const struct waiting *waiting)
{
    /* Where messages come back to it, it would grow without end. */
    if (list->last == list->room && list->first > list->room / 2) {
        list->last -= list->first;
        memmove(list->item, list->item + list->first, list->last * sizeof *list->item);
        list->first = 0;
    }
    if (list->last == list->room) {
        list->room = list->room == 0 ? 64 : 2 * list->room;
        list->item = memory_grow(list->item, list->room, sizeof *list->item);
    }
    list->item[list->last++] = *waiting;
}

struct waiting waiting_list_take(struct waiting_list *list)
{
    return list->item[list->first++];
}

void waiting_list_free(struct waiting_list *list)
{
    while (waiting_list_count(list) > 0)
        free(waiting_list_take(list).id);
    free(list->item);
    *list = (struct waiting_list){ 0 };
}

static int compare_age(const void *a, const void *b)
{
    const struct waiting *left = a, *right = b;

    if (left->arrival != right->arrival)
        return left->arrival < right->arrival ? -1 : 1;
    return strcmp(left->id, right->id);
}

static void sort(struct waiting_list *list)
{
    if (waiting_list_count(list) > 0)
        qsort(list->item + list->first, waiting_list_count(list), sizeof *list->item, compare_age);
}

int64_t lifetime_parse(const char *text)
{
    static const struct {
        char name;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 } };
    char *end;
    long long count = strtoll(text, &end, 10);
    int64_t unit = end[0] == '\0' ? 86400 : 0;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (end[0] == units[i].name && end[1] == '\0')
            unit = units[i].seconds;
    if (end == text || unit == 0 || count < 0 || count > LIFETIME_MOST / unit)
        return -1;
    return count * unit;
}

int lifetimes_read(const struct config *config, struct lifetimes *l, struct why *why)
{
    static const char *const names[] = { "maximal_queue_lifetime", "bounce_queue_lifetime", NULL };
    struct parameters *p = view_some(config->postfix.config_directory, true, names, why);
    int rc = p == NULL ? -1 : 0;

    for (size_t i = 0; rc == 0 && names[i] != NULL; i++) {
        const char *value = parameters_value(p, names[i]);
        int64_t seconds = value == NULL ? -1 : lifetime_parse(value);
        if (seconds == -1)
            rc = why_set(why, "postconf does not say what %s is", names[i]);
        *(i == 0 ? &l->mail : &l->bounce) = seconds;
    }
    /* As qmgr(8) does it. */
    if (rc == 0 && l->bounce > l->mail)
        l->bounce = l->mail;
    parameters_free(p);
    return rc;
}

struct reading_list {
    const struct relay *relay;
    const char *delimiters;
    const struct lifetimes *lifetimes;
    int64_t now, before;
    struct backlog_list *list;
};

/* Also what is incoming: a message that qmgr(8) found locked waits there for its time. */
static bool is_backlog(const struct reading_list *r, const struct queue_message *m)
{
    bool waits = strcmp(m->queue, "deferred") == 0 || strcmp(m->queue, "incoming") == 0;

    return waits && m->arrival <= r->before &&
           (r->relay == NULL || relay_takes(r->relay, m->sender, r->delimiters));
}

static bool add(void *context, const struct queue_message *m)
{
    struct reading_list *r = context;
    struct backlog_list *list = r->list;

    if (!is_backlog(r, m))
        return true;
    if (waiting_list_count(&list->young) + waiting_list_count(&list->aged) == BACKLOG_MAX) {
        list->partial = true;
        return false;
    }
    int64_t lifetime = m->sender[0] == '\0' ? r->lifetimes->bounce : r->lifetimes->mail;
    bool aged = r->now + SOON_S - m->arrival >= lifetime;
    waiting_list_add(aged ? &list->aged : &list->young,
                     &(struct waiting){ .id = memory_copy(m->id), .arrival = m->arrival });
    return true;
}

int backlog_list_read(const struct config *config, const struct relay *relay,
                      const struct lifetimes *lifetimes, int64_t before, struct backlog_list *list,
                      struct why *why)
{
    char *delimiters = scope_delimiters(config, relay, why);
    struct reading_list r = { .relay = relay,
                              .delimiters = delimiters,
                              .lifetimes = lifetimes,
                              .now = clock_wall(),
                              .before = before,
                              .list = list };

    *list = (struct backlog_list){ 0 };
    if (delimiters == NULL)
        return -1;
    int rc = queue_list(config, QUEUE_LIST_PATIENCE_MS, add, &r, why);
    if (rc == 1) {
        log_warning("%s: the rest of the queue is looked at later", why->text);
        list->partial = true;
    }
    free(delimiters);
    sort(&list->young);
    sort(&list->aged);
    return rc == -1 ? -1 : 0;
}

void backlog_list_free(struct backlog_list *list)
{
    waiting_list_free(&list->young);
    waiting_list_free(&list->aged);
    list->partial = false;
}
