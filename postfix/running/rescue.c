/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/rescue.h"

#include "lib/clock.h"
#include "lib/memory.h"
#include "postfix/running/connections.h"
#include "postfix/running/local_networks.h"
#include "postfix/running/sock_diag.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS        6
#define LIMIT_MS      15000
#define LOOK_EVERY_MS 50
#define LOOKS_SKIPPED 10   /* at the most, while no SYN was sent again */
#define LET_GO_MS     2000 /* so long a process that was freed may take to defer its message */
#define SOCKETS_MAX   256  /* an smtp(8) has some ten; its connection cache adds a few */

enum place {
    ELSEWHERE,  /* before, between and after connections */
    HANGING,    /* in a connection to port 25 that may be ended, or soon may */
    LOCAL,      /* in one to a local host */
    IN_SESSION, /* in an established one */
    GONE
};

struct client {
    struct process process;
    enum place place;
    unsigned freed; /* times */
    bool has_hung;
};

struct work {
    const struct config *config;
    struct client *client;
    size_t count;
    struct sock_diag *diag;       /* NULL where there is none: then only looking */
    struct local_networks *local; /* read when it is needed; */
    bool knows_local;             /* NULL then says that it cannot be read */
    struct connections seen;
    uint64_t syns_again;
    int64_t started, progress; /* clock_mono_ms(); of the last connection ended */
    struct rescue *rescue;
};

/* A name as in /proc/net/netstat, whose lines come in pairs: names, then values. */
static bool read_counter(FILE *file, const char *name, uint64_t *out)
{
    char names[8192], values[8192], *n, *v, *n_rest, *v_rest;

    while (fgets(names, sizeof names, file) != NULL && fgets(values, sizeof values, file) != NULL)
        for (n_rest = names, v_rest = values;
             (n = strsep(&n_rest, " \n")) != NULL && (v = strsep(&v_rest, " \n")) != NULL;)
            if (strcmp(n, name) == 0)
                return sscanf(v, "%" SCNu64, out) == 1;
    return false;
}

/* How many SYNs this network namespace has sent again: reading that costs less than a list of all
 * connections. False where the kernel does not count them. */
static bool syns_sent_again(uint64_t *out)
{
    FILE *file = fopen("/proc/self/net/netstat", "re");
    bool found = file != NULL && read_counter(file, "TCPSynRetrans", out);

    if (file != NULL)
        fclose(file);
    return found;
}

static int list_connections(struct work *w)
{
    connections_free(&w->seen);
    if (w->diag == NULL)
        connections_from_proc(&w->seen);
    else if (sock_diag_list(w->diag, &w->seen, &w->rescue->unable) == -1)
        return -1;
    connections_sort(&w->seen);
    return 0;
}

static bool peer_is_local(struct work *w, const struct connection *c)
{
    struct why ignored;

    if (!w->knows_local)
        w->local = local_networks_read(w->config, &ignored);
    w->knows_local = true;
    /* Where that is not known, nothing is touched. */
    return w->local == NULL || is_local(w->local, &c->peer);
}

static void cannot(struct work *w, const char *need)
{
    struct why reason = w->rescue->unable;

    why_set(&w->rescue->unable, "%.600s; %s", reason.text, need);
}

/* Ends the connection if it is stuck. */
static void free_client(struct work *w, struct client *client, const struct connection *c)
{
    struct rescue *r = w->rescue;

    if (w->diag == NULL || r->unable.text[0] != '\0' || !connection_is_stuck(c) ||
        client->freed == ROUNDS)
        return;
    int ended = sock_diag_end_stuck(w->diag, c, &r->unable);
    if (ended == -1 && errno == EOPNOTSUPP)
        cannot(w, "it was built without CONFIG_INET_DIAG_DESTROY");
    else if (ended == -1 && errno == EPERM)
        cannot(w, "detour-apply needs CAP_NET_ADMIN for it");
    if (ended != 1)
        return;
    client->freed++;
    r->deliveries += client->freed == 1;
    r->connections++;
    r->rounds = client->freed > r->rounds ? client->freed : r->rounds;
    client->place = ELSEWHERE;
    w->progress = clock_mono_ms();
}

static void look_at_connection(struct work *w, struct client *client, const struct connection *c)
{
    if (!connection_is_half_open(c)) {
        client->place = IN_SESSION;
    } else if (peer_is_local(w, c)) {
        client->place = LOCAL;
    } else {
        client->place = HANGING;
        client->has_hung = true;
        free_client(w, client, c);
    }
}

/* Where it cannot be seen whose they are, they may be anyone's. */
static bool some_half_open(const struct connections *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (connection_is_half_open(&list->item[i]))
            return true;
    return false;
}

static void look_at(struct work *w, struct client *client)
{
    uint64_t inodes[SOCKETS_MAX];
    int count = 0;

    client->place = process_runs(&client->process) ? ELSEWHERE : GONE;
    if (client->place == GONE || w->seen.count == 0)
        return;
    count = process_sockets(client->process.pid, inodes, SOCKETS_MAX);
    if (count == -1 && (errno == EACCES || errno == EPERM) && some_half_open(&w->seen)) {
        why_errno(&w->rescue->unable, "cannot see whose the connections to port 25 are");
        cannot(w, "detour-apply needs CAP_SYS_PTRACE for it");
        client->place = HANGING;
    }
    for (int i = 0; i < count; i++) {
        const struct connection *c = connections_find(&w->seen, inodes[i]);
        if (c != NULL)
            look_at_connection(w, client, c);
    }
}

static size_t count_place(const struct work *w, enum place place)
{
    size_t count = 0;

    for (size_t i = 0; i < w->count; i++)
        count += w->client[i].place == place;
    return count;
}

/* Of those that still may be freed. */
static bool some_hang(const struct work *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->client[i].place == HANGING && w->client[i].freed < ROUNDS)
            return true;
    return false;
}

/* A process that was freed and now is on its way to the next address or to its end. A flush must
 * not come before it has let go of its message: a queue manager that finds a message locked puts it
 * off for minimal_backoff_time. */
static bool some_are_on_their_way(const struct work *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->client[i].place == ELSEWHERE && w->client[i].has_hung)
            return true;
    return false;
}

static bool is_over(const struct work *w, bool first)
{
    int64_t now = clock_mono_ms();

    if (w->rescue->unable.text[0] != '\0' || now - w->started > LIMIT_MS)
        return true;
    if (some_hang(w))
        return false;
    if (some_are_on_their_way(w))
        return now - w->progress > LET_GO_MS;
    /* At the first look one may just be between two addresses. */
    return !first || count_place(w, ELSEWHERE) == 0;
}

/* Until a further SYN was sent again, but not for long: what hangs may let go by itself. */
static void wait_for_news(struct work *w)
{
    for (int i = 0; i < LOOKS_SKIPPED; i++) {
        uint64_t count = 0;
        poll(NULL, 0, LOOK_EVERY_MS);
        if (!syns_sent_again(&count) || count != w->syns_again || some_are_on_their_way(w) ||
            !some_hang(w))
            break;
    }
}

static void look(struct work *w)
{
    /* Before the list: one that is sent again after it must be noticed. */
    syns_sent_again(&w->syns_again);
    if (list_connections(w) == -1)
        return;
    for (size_t i = 0; i < w->count; i++)
        look_at(w, &w->client[i]);
}

static void open_diag(struct work *w)
{
    struct why *unable = &w->rescue->unable;

    w->diag = sock_diag_open(unable);
    if (w->diag != NULL && sock_diag_list(w->diag, &w->seen, unable) == -1) {
        sock_diag_close(w->diag);
        w->diag = NULL;
    }
    if (w->diag == NULL)
        cannot(w, "the kernel needs CONFIG_INET_DIAG, and detour-apply AF_NETLINK");
}

static void work_start(struct work *w, const struct config *config, const struct processes *old,
                       struct rescue *rescue)
{
    *w = (struct work){ .config = config, .rescue = rescue, .started = clock_mono_ms() };
    *rescue = (struct rescue){ 0 };
    w->client = memory_zero(old->count + 1, sizeof *w->client);
    for (size_t i = 0; i < old->count; i++)
        if (old->item[i].program == PROGRAM_SMTP)
            w->client[w->count++].process = old->item[i];
    w->progress = w->started;
}

static void work_end(struct work *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct client *c = &w->client[i];
        bool on_its_way = c->place == ELSEWHERE && c->has_hung;
        if (c->place == HANGING || c->place == LOCAL || on_its_way)
            processes_add(&w->rescue->hung, &c->process);
        w->rescue->left += c->place == HANGING;
    }
    connections_free(&w->seen);
    local_networks_free(w->local);
    sock_diag_close(w->diag);
    free(w->client);
}

void rescue_run(const struct config *config, const struct processes *old, struct rescue *rescue)
{
    struct work w;

    work_start(&w, config, old, rescue);
    open_diag(&w);
    look(&w);
    for (bool first = true; !is_over(&w, first); first = false) {
        wait_for_news(&w);
        look(&w);
    }
    work_end(&w);
    /* What is not needed is not missed. */
    if (rescue->left == 0)
        rescue->unable.text[0] = '\0';
}

void rescue_free(struct rescue *rescue)
{
    processes_free(&rescue->hung);
}

bool rescue_text(const struct rescue *r, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    if (r->deliveries > 0)
        used = (size_t)snprintf(out, WHY_MAX,
                                "%u deliveries freed, %u half-open connections ended in %u rounds",
                                r->deliveries, r->connections, r->rounds);
    if (r->left > 0 && used < WHY_MAX)
        used +=
            (size_t)snprintf(out + used, WHY_MAX - used,
                             used > 0 ? "; %u still hang" : "%u deliveries still hang", r->left);
    if (r->unable.text[0] != '\0' && used < WHY_MAX)
        snprintf(out + used, WHY_MAX - used, ": %.700s", r->unable.text);
    return out[0] != '\0';
}
