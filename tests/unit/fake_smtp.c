/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake_smtp.h"

#include "lib/memory.h"
#include "tests/unit/unit.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct client {
    struct fake_smtp *server;
    const char *at; /* the line of the script that is next */
    struct bufferevent *io;
    struct evbuffer *drops; /* what is left to drip */
    struct event *drip;
    LIST_ENTRY(client) entry;
};

struct fake_smtp {
    struct event_base *base;
    struct evconnlistener *listener;
    struct address address;
    const char *script;
    SSL_CTX *tls;
    char wrong[512];
    char *heard;
    size_t connections;
    bool finished;
    LIST_HEAD(, client) clients;
};

static void run(struct client *c);

static void client_free(struct client *c)
{
    LIST_REMOVE(c, entry);
    event_free(c->drip);
    evbuffer_free(c->drops);
    bufferevent_free(c->io);
    free(c);
}

static void note(struct fake_smtp *s, const char *line)
{
    char *more = memory_format("%s%s\n", s->heard, line);

    free(s->heard);
    s->heard = more;
}

/* Whether the line that the script waits for, TEXT of LEN, has come. */
static bool hear(struct client *c, const char *text, size_t len)
{
    char *line = evbuffer_readln(bufferevent_get_input(c->io), NULL, EVBUFFER_EOL_CRLF_STRICT);

    if (line == NULL)
        return false;
    note(c->server, line);
    if (strncmp(line, text, len) != 0 && c->server->wrong[0] == '\0')
        snprintf(c->server->wrong, sizeof c->server->wrong, "expected \"%.*s\", heard \"%.200s\"",
                 (int)len, text, line);
    free(line);
    return true;
}

/* A TLS hello has no line's end, so that "C: \x16" has to be content with its first byte. */
static bool hear_tls(struct client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->io);

    return evbuffer_get_length(in) > 0 && evbuffer_drain(in, evbuffer_get_length(in)) == 0;
}

/* Adds TEXT of LEN to OUT with the escapes resolved. */
static void add_escaped(struct evbuffer *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        static const char from[] = "rne0", to[] = "\r\n\x1b\0";
        const char *escape = text[i] == '\\' && i + 1 < len ? strchr(from, text[i + 1]) : NULL;
        evbuffer_add(out, escape != NULL ? &to[escape - from] : &text[i], 1);
        i += escape != NULL;
    }
}

/* Plaintext goes out at once and TLS through the bufferevent. What does not fit into the socket's
 * buffer is lost: the client has stopped reading by then. */
static void put(struct client *c, struct evbuffer *bytes)
{
    size_t len = evbuffer_get_length(bytes);

    if (bufferevent_openssl_get_ssl(c->io) != NULL)
        evbuffer_add_buffer(bufferevent_get_output(c->io), bytes);
    else if (len > 0 &&
             send(bufferevent_getfd(c->io), evbuffer_pullup(bytes, -1), len, MSG_NOSIGNAL) == -1)
        evbuffer_drain(bytes, len);
}

static void on_drip(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval at_once = { 0, 0 };
    struct client *c = context;
    char byte;
    (void)fd;
    (void)what;

    if (evbuffer_remove(c->drops, &byte, 1) == 1)
        send(bufferevent_getfd(c->io), &byte, 1, MSG_NOSIGNAL);
    if (evbuffer_get_length(c->drops) > 0)
        event_add(c->drip, &at_once);
    else
        run(c);
}

static void on_read(struct bufferevent *io, void *context);
static void on_written(struct bufferevent *io, void *context);
static void on_event(struct bufferevent *io, short what, void *context);

static void use(struct client *c, struct bufferevent *io)
{
    c->io = io;
    bufferevent_setcb(io, on_read, on_written, on_event, c);
    bufferevent_enable(io, EV_READ | EV_WRITE);
}

static void begin_tls(struct client *c)
{
    evutil_socket_t fd = bufferevent_getfd(c->io);

    bufferevent_disable(c->io, EV_READ | EV_WRITE);
    bufferevent_setfd(c->io, -1);
    bufferevent_free(c->io);
    use(c, bufferevent_openssl_socket_new(c->server->base, fd, SSL_new(c->server->tls),
                                          BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE));
}

static void hang_up(struct client *c, bool reset)
{
    struct linger now = { 1, 0 };

    if (reset)
        setsockopt(bufferevent_getfd(c->io), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    client_free(c);
}

static bool is(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line == '\n' ? line + 1 : line;
}

/* All the "S:" lines from here on, in one packet. */
static void say(struct client *c)
{
    struct evbuffer *out = evbuffer_new();

    for (; is(c->at, "S: "); c->at = next_line(c->at)) {
        add_escaped(out, c->at + 3, strcspn(c->at, "\n") - 3);
        evbuffer_add(out, "\r\n", 2);
    }
    put(c, out);
    evbuffer_free(out);
}

static void say_raw(struct client *c, const char *text, long count)
{
    struct evbuffer *out = evbuffer_new();

    while (count-- > 0)
        add_escaped(out, text, strcspn(text, "\n"));
    put(c, out);
    evbuffer_free(out);
}

static void flood(struct client *c, const char *line)
{
    char *text;
    long count = strtol(line, &text, 10);

    say_raw(c, text + 1, count);
}

/* The lines that nothing has to be waited for; true unless the script is at its end. */
static bool go_on(struct client *c, const char *line)
{
    c->at = next_line(line);
    if (is(line, "R: "))
        say_raw(c, line + 3, 1);
    else if (is(line, "F: "))
        flood(c, line + 3);
    else if (is(line, "TLS"))
        begin_tls(c);
    else if (*line != '\0')
        fail_msg("not a line of a script: %s", line);
    c->server->finished = *line == '\0';
    return *line != '\0';
}

/* One line; false where the script has to wait or the client is gone. */
static bool step(struct client *c)
{
    const char *line = c->at;
    size_t len = strcspn(line, "\n");

    if (is(line, "S: ")) {
        say(c);
        return true;
    }
    if (is(line, "C: ")) {
        if (line[3] == '\x16' ? !hear_tls(c) : !hear(c, line + 3, len - 3))
            return false;
        c->at = next_line(line);
        return true;
    }
    if (is(line, "CLOSE") || is(line, "RESET")) {
        if (evbuffer_get_length(bufferevent_get_output(c->io)) == 0)
            hang_up(c, is(line, "RESET"));
        return false;
    }
    if (is(line, "D: ")) {
        c->at = next_line(line);
        add_escaped(c->drops, line + 3, len - 3);
        event_active(c->drip, EV_TIMEOUT, 0);
        return false;
    }
    return go_on(c, line);
}

static void run(struct client *c)
{
    while (step(c))
        ;
}

static void on_read(struct bufferevent *io, void *context)
{
    struct client *c = context;
    (void)io;

    if (is(c->at, "C: "))
        run(c);
}

static void on_written(struct bufferevent *io, void *context)
{
    struct client *c = context;
    (void)io;

    if (is(c->at, "CLOSE") || is(c->at, "RESET"))
        run(c);
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    (void)io;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        client_free(context);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int len, void *context)
{
    struct fake_smtp *s = context;
    struct client *c = memory_zero(1, sizeof *c);
    int on = 1;
    (void)listener;
    (void)from;
    (void)len;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->connections++;
    s->finished = false;
    c->server = s;
    c->at = s->script;
    c->drops = evbuffer_new();
    c->drip = evtimer_new(s->base, on_drip, c);
    LIST_INSERT_HEAD(&s->clients, c, entry);
    use(c, bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE));
    run(c);
}

struct fake_smtp *fake_smtp_new(struct event_base *base, const char *host, const char *script,
                                SSL_CTX *tls)
{
    return fake_smtp_new_at(base, host, 0, script, tls);
}

struct fake_smtp *fake_smtp_new_at(struct event_base *base, const char *host, uint16_t port,
                                   const char *script, SSL_CTX *tls)
{
    struct fake_smtp *s = memory_zero(1, sizeof *s);

    s->base = base;
    s->script = script;
    s->tls = tls;
    s->heard = memory_copy("");
    LIST_INIT(&s->clients);
    assert_true(address_parse(host, port, &s->address));
    s->listener = evconnlistener_new_bind(
        base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 128,
        &s->address.u.sa, (int)s->address.len);
    assert_non_null(s->listener);
    assert_int_equal(
        getsockname(evconnlistener_get_fd(s->listener), &s->address.u.sa, &s->address.len), 0);
    return s;
}

void fake_smtp_free(struct fake_smtp *s)
{
    while (!LIST_EMPTY(&s->clients))
        client_free(LIST_FIRST(&s->clients));
    evconnlistener_free(s->listener);
    free(s->heard);
    free(s);
}

const struct address *fake_smtp_address(const struct fake_smtp *s)
{
    return &s->address;
}

void fake_smtp_check(const struct fake_smtp *s)
{
    if (s->wrong[0] != '\0')
        fail_msg("%s", s->wrong);
}

const char *fake_smtp_heard(const struct fake_smtp *s)
{
    return s->heard;
}

size_t fake_smtp_connections(const struct fake_smtp *s)
{
    return s->connections;
}

size_t fake_smtp_open(const struct fake_smtp *s)
{
    const struct client *c;
    size_t count = 0;

    LIST_FOREACH(c, &s->clients, entry)
    count++;
    return count;
}

const bool *fake_smtp_finished(const struct fake_smtp *s)
{
    return &s->finished;
}
