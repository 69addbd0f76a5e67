/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/serve/control.h"

#include "daemon/serve/commands.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define LINE_BYTES  512
#define GROUPS_MAX  64
/* A client that lets so much lie unread gets no further answers until it has read. */
#define UNREAD_MAX (1024 * 1024)

static const struct timeval read_patience = { .tv_sec = 300 };
static const struct timeval write_patience = { .tv_sec = 10 };

struct client {
    LIST_ENTRY(client) link;
    struct control_server *server;
    struct bufferevent *stream;
    struct apply_call *call; /* whose answer it waits for */
    bool may_change, waiting, input_ended;
};

struct control_server {
    struct event_base *base;
    struct engine *engine;
    struct evconnlistener *listener;
    char *path;
    gid_t admin_group;
    bool has_admin_group;
    size_t client_count;
    LIST_HEAD(, client) clients;
};

static void client_free(struct client *c)
{
    LIST_REMOVE(c, link);
    c->server->client_count--;
    engine_forget(c->server->engine, c);
    apply_stop(c->call);
    bufferevent_free(c->stream);
    free(c);
}

struct engine *client_engine(const struct client *c)
{
    return c->server->engine;
}

struct event_base *client_base(const struct client *c)
{
    return c->server->base;
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
        commands_run(c, line);
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

static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof groups;

    if (peer->gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
        return false;
    for (size_t i = 0; i < len / sizeof groups[0]; i++)
        if (groups[i] == group)
            return true;
    return false;
}

static bool peer_may_change(const struct control_server *s, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
        return false;
    return peer.uid == 0 || (s->has_admin_group && in_group(fd, &peer, s->admin_group));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int len, void *context)
{
    struct control_server *s = context;

    (void)listener;
    (void)from;
    (void)len;
    if (s->client_count >= CLIENTS_MAX) {
        close(fd);
        return;
    }
    struct client *c = memory_zero(1, sizeof *c);
    c->server = s;
    c->may_change = peer_may_change(s, fd);
    c->stream = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
    LIST_INSERT_HEAD(&s->clients, c, link);
    s->client_count++;
    bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->stream, EV_READ, 0, LINE_BYTES);
    bufferevent_set_timeouts(c->stream, &read_patience, &write_patience);
    bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

/* 1 when somebody answers there; a socket that nobody answers on was left by a crash. */
static int is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int alive = fd != -1 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                             errno == EAGAIN);

    if (fd != -1)
        close(fd);
    return alive;
}

static void give_to_group(const char *path, const char *name)
{
    const struct group *group = getgrnam(name);

    if (group == NULL || chown(path, (uid_t)-1, group->gr_gid) == -1)
        log_warning("%s is for this user and root alone: group %s %s", path, name,
                    group == NULL ? "does not exist" : "cannot be given it");
}

static int bind_socket(const struct status_config *config, char *why, size_t whylen)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", config->socket);
    if (is_alive(&address)) {
        snprintf(why, whylen, "%s: another program answers there", config->socket);
        close(fd);
        return -1;
    }
    unlink(config->socket);
    mode_t old = umask(0117);
    int bound = fd == -1 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(old);
    if (bound == -1 || listen(fd, SOMAXCONN) == -1) {
        snprintf(why, whylen, "%s: %s", config->socket, strerror(errno));
        if (fd != -1)
            close(fd);
        return -1;
    }
    give_to_group(config->socket, config->group);
    return fd;
}

void control_server_reload(struct control_server *s, const struct status_config *config)
{
    const struct group *group = config->admin_group != NULL ? getgrnam(config->admin_group) : NULL;

    s->has_admin_group = group != NULL;
    if (group != NULL)
        s->admin_group = group->gr_gid;
    else if (config->admin_group != NULL)
        log_warning("admin_group %s does not exist; only root may change things",
                    config->admin_group);
}

struct control_server *control_server_new(struct event_base *base, struct engine *engine,
                                          const struct status_config *config, char *why,
                                          size_t whylen)
{
    int fd = bind_socket(config, why, whylen);

    if (fd == -1)
        return NULL;
    struct control_server *s = memory_zero(1, sizeof *s);
    s->base = base;
    s->engine = engine;
    s->path = memory_copy(config->socket);
    LIST_INIT(&s->clients);
    s->listener = evconnlistener_new(base, on_accept, s, LEV_OPT_CLOSE_ON_FREE, 0, fd);
    control_server_reload(s, config);
    return s;
}

void control_server_free(struct control_server *s)
{
    if (s == NULL)
        return;
    while (!LIST_EMPTY(&s->clients))
        client_free(LIST_FIRST(&s->clients));
    evconnlistener_free(s->listener);
    unlink(s->path);
    free(s->path);
    free(s);
}
