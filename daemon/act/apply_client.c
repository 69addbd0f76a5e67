/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/act/apply_client.h"

#include "daemon/probe/deadline.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* detour-apply waits up to 30 s for its lock, and each tool that it runs has its own deadline. */
#define ANSWER_MS  180000
#define ANSWER_MAX (4 * 1024 * 1024)
#define STEPS_MAX  100

struct apply_call {
    struct bufferevent *stream;
    struct event *end;
    json_t *steps, *last;
    struct apply_result result;
    char reason[512];
    size_t bytes;
    int64_t started_ms;
    apply_done *callback;
    void *context;
};

static void release(struct apply_call *c)
{
    if (c->stream != NULL)
        bufferevent_free(c->stream);
    event_free(c->end);
    json_decref(c->steps);
    json_decref(c->last);
    free(c);
}

static void end_with(struct apply_call *c, enum apply_end end, const char *reason)
{
    c->result.end = end;
    snprintf(c->reason, sizeof c->reason, "%s", reason);
    if (c->stream != NULL)
        bufferevent_disable(c->stream, EV_READ | EV_WRITE);
    deadline_soon(c->end);
}

/* Also the deadline: what has no result by then is unanswered, as it was at the beginning. */
static void finish(evutil_socket_t fd, short events, void *context)
{
    struct apply_call *c = context;

    (void)fd;
    (void)events;
    c->result.reason = c->reason;
    c->result.steps = c->steps;
    c->result.last = c->last;
    c->result.ms = clock_mono_ms() - c->started_ms;
    c->callback(&c->result, c->context);
    release(c);
}

static enum apply_end end_named(const char *name)
{
    static const struct {
        const char *name;
        enum apply_end end;
    } ends[] = { { "ok", APPLY_OK },
                 { "unchanged", APPLY_OK },
                 { "refused", APPLY_REFUSED },
                 { "failed", APPLY_FAILED },
                 { "busy", APPLY_BUSY } };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(ends[i].name, name) == 0)
            return ends[i].end;
    return APPLY_UNANSWERED;
}

static void take_line(struct apply_call *c, const char *line, size_t len)
{
    json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *result = json_string_value(json_object_get(o, "result"));
    const char *reason = json_string_value(json_object_get(o, "reason"));

    if (!json_is_object(o)) {
        end_with(c, APPLY_UNANSWERED, "detour-apply answered something that is no JSON");
    } else if (result == NULL) {
        if (json_array_size(c->steps) < STEPS_MAX)
            json_array_append(c->steps, o);
    } else {
        c->last = json_incref(o);
        end_with(c, end_named(result), reason != NULL ? reason : "");
    }
    json_decref(o);
}

static void on_read(struct bufferevent *stream, void *context)
{
    struct apply_call *c = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    size_t len;

    for (char *line;
         c->last == NULL && (line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) != NULL;) {
        c->bytes += len;
        take_line(c, line, len);
        free(line);
    }
    if (c->last == NULL && c->bytes + evbuffer_get_length(input) > ANSWER_MAX)
        end_with(c, APPLY_UNANSWERED, "detour-apply does not stop answering");
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    struct apply_call *c = context;

    if (c->last != NULL)
        return;
    on_read(stream, c);
    if (c->last == NULL && (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        end_with(c, APPLY_UNANSWERED, "detour-apply ended without a result");
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        int saved = errno; /* EAGAIN: the listener's queue is full */
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void open_stream(struct apply_call *c, struct event_base *base, const char *path)
{
    int fd = connect_to(path);
    char why[400];

    if (fd == -1) {
        snprintf(why, sizeof why, "detour-apply cannot be reached at %s: %s", path,
                 strerror(errno));
        end_with(c, APPLY_ABSENT, why);
        return;
    }
    c->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(c->stream, on_read, NULL, on_event, c);
    bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

struct apply_call *apply_start(struct event_base *base, const char *socket,
                               const struct request *request, apply_done *callback, void *context)
{
    struct apply_call *c = memory_zero(1, sizeof *c);
    char line[REQUEST_MAX];

    c->started_ms = clock_mono_ms();
    c->callback = callback;
    c->context = context;
    c->steps = json_array();
    c->result.end = APPLY_UNANSWERED;
    snprintf(c->reason, sizeof c->reason, "detour-apply did not answer in time");
    c->end = deadline_timer(base, finish, c);
    deadline_arm(c->end, c->started_ms + ANSWER_MS);
    open_stream(c, base, socket);
    request_format(request, line);
    if (c->stream != NULL)
        bufferevent_write(c->stream, line, strlen(line));
    return c;
}

void apply_stop(struct apply_call *call)
{
    if (call != NULL)
        release(call);
}
