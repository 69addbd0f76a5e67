/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/serve/client.h"

#include "lib/memory.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define LINE_BYTES  512
/* A client that lets so much lie unread gets no further answers until it has read. */
#define UNREAD_MAX (1024 * 1024)

static const struct timeval read_patience = { .tv_sec = 300 };
static const struct timeval write_patience = { .tv_sec = 10 };

struct client {
    LIST_ENTRY(client) link;
    struct clients *all;
    struct bufferevent *stream;
    struct apply_call *call; /* whose answer it waits for */
    bool may_change, waiting, input_ended;
};

struct clients {
    struct event_base *base;
    struct engine *engine;
    client_run *run;
    size_t count;
    LIST_HEAD(, client) list;
};

static void client_free(struct client *c)
{
    LIST_REMOVE(c, link);
    c->all->count--;
    engine_forget(c->all->engine, c);
    apply_stop(c->call);
    bufferevent_free(c->stream);
    free(c);
}

struct engine *client_engine(const struct client *c)
{
    return c->all->engine;
}

struct event_base *client_base(const struct client *c)
{
    return c->all->base;
}

bool client_may_change(const struct client *c)
{
    return c->may_change;
}

static size_t unread(const struct client *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->stream));
}

static void run_line(struct client *c, char *line, size_t len)
{
    if (strlen(line) != len)
        client_say(c, "unknown command; a line holds no NUL\n");
    else
        c->all->run(c, line);
}

/* Runs the lines that have arrived, one at a time. */
static void run_lines(struct client *c)
{
    struct evbuffer *input = bufferevent_get_input(c->stream);
    size_t len;

    while (!c->waiting && unread(c) < UNREAD_MAX) {
        char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_CRLF);
        if (line == NULL)
            break;
        run_line(c, line, len);
        free(line);
    }
}

/* A last line may lack its newline. */
static void run_rest(struct client *c)
{
    struct evbuffer *input = bufferevent_get_input(c->stream);
    char line[LINE_BYTES + 1];

    run_lines(c);
    if (c->waiting || unread(c) >= UNREAD_MAX || evbuffer_get_length(input) == 0)
        return;
    ev_ssize_t n = evbuffer_remove(input, line, LINE_BYTES);
    line[n > 0 ? n : 0] = '\0';
    run_line(c, line, n > 0 ? (size_t)n : 0);
}

/* True when nothing is left to say to a client that has said everything. */
static bool is_over(const struct client *c)
{
    return c->input_ended && !c->waiting && unread(c) == 0 &&
           evbuffer_get_length(bufferevent_get_input(c->stream)) == 0;
}

static void on_read(struct bufferevent *stream, void *context)
{
    struct client *c = context;

    run_lines(c);
    if (!c->waiting && unread(c) < UNREAD_MAX &&
        evbuffer_get_length(bufferevent_get_input(stream)) >= LINE_BYTES) {
        client_say(c, "unknown command; a line has at most 512 bytes\n");
        bufferevent_disable(stream, EV_READ);
        evbuffer_drain(bufferevent_get_input(stream),
                       evbuffer_get_length(bufferevent_get_input(stream)));
        c->input_ended = true;
    }
}

/* Called when everything has been written. */
static void on_written(struct bufferevent *stream, void *context)
{
    struct client *c = context;

    (void)stream;
    if (c->input_ended)
        run_rest(c);
    else
        run_lines(c);
    if (is_over(c))
        client_free(c);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    struct client *c = context;

    if ((what & BEV_EVENT_EOF) == 0 || (what & BEV_EVENT_ERROR) != 0) {
        /* An error, or a client that neither reads nor writes. One that waits for an answer of
         * ours is only slow because we are. */
        if ((what & BEV_EVENT_TIMEOUT) != 0 && (what & BEV_EVENT_READING) != 0 && c->waiting)
            bufferevent_enable(stream, EV_READ);
        else
            client_free(c);
        return;
    }
    c->input_ended = true;
    run_rest(c);
    if (is_over(c))
        client_free(c);
}

static void answered(struct client *c)
{
    bool waited = c->waiting;

    c->waiting = false;
    c->call = NULL;
    if (waited && c->input_ended)
        run_rest(c);
    else if (waited)
        run_lines(c);
}

void client_say(struct client *c, const char *text)
{
    bufferevent_write(c->stream, text, strlen(text));
    bufferevent_write(c->stream, "\n", 1);
    answered(c);
}

void client_say_json(struct client *c, json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII);

    if (text != NULL)
        bufferevent_write(c->stream, text, strlen(text));
    bufferevent_write(c->stream, "\n", 1);
    free(text);
    json_decref(document);
    answered(c);
}

void client_wait(struct client *c, struct apply_call *call)
{
    c->waiting = true;
    c->call = call;
}

struct clients *clients_new(struct event_base *base, struct engine *engine, client_run *run)
{
    struct clients *all = memory_zero(1, sizeof *all);

    all->base = base;
    all->engine = engine;
    all->run = run;
    LIST_INIT(&all->list);
    return all;
}

void clients_add(struct clients *all, int fd, bool may_change)
{
    if (all->count >= CLIENTS_MAX) {
        close(fd);
        return;
    }
    struct client *c = memory_zero(1, sizeof *c);
    c->all = all;
    c->may_change = may_change;
    c->stream = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
    LIST_INSERT_HEAD(&all->list, c, link);
    all->count++;
    bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->stream, EV_READ, 0, LINE_BYTES);
    bufferevent_set_timeouts(c->stream, &read_patience, &write_patience);
    bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

void clients_free(struct clients *all)
{
    while (!LIST_EMPTY(&all->list))
        client_free(LIST_FIRST(&all->list));
    free(all);
}
