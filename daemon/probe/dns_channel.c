/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/dns_channel.h"

#include "daemon/probe/deadline.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/stat.h>

/* The first try of each server, doubled with each round (ares_init_options(3)). */
#define TRY_MS 1000
#define TRIES  3

struct channel_socket {
    struct dns_channel *channel;
    int fd;
    struct event *event;
    LIST_ENTRY(channel_socket) entry;
};

/* What tells one version of a file from the next. */
struct file_mark {
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct dns_channel {
    struct event_base *base;
    ares_channel ares; /* NULL: it could not be set up, and is tried again with each refresh */
    struct event *timer;
    char *servers, *resolv_conf;
    struct file_mark mark;
    unsigned long answers;
    LIST_HEAD(, channel_socket) sockets;
};

static void arm_timer(struct dns_channel *c)
{
    struct timeval space, *wait = NULL;

    if (c->ares != NULL)
        wait = ares_timeout(c->ares, NULL, &space);
    if (wait != NULL)
        event_add(c->timer, wait);
    else
        event_del(c->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct dns_channel *c = context;
    (void)fd;
    (void)what;

    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(c);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct channel_socket *s = context;
    struct dns_channel *c = s->channel; /* S may be gone after ares_process_fd() */
    int waiting = 0;

    /* Not by a peek, which would take away the error that c-ares is about to find. */
    if ((what & EV_READ) && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0)
        c->answers++;
    ares_process_fd(c->ares, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    arm_timer(c);
}

static struct channel_socket *find_socket(struct dns_channel *c, int fd)
{
    struct channel_socket *s;

    LIST_FOREACH(s, &c->sockets, entry)
    if (s->fd == fd)
        return s;
    s = memory_zero(1, sizeof *s);
    s->channel = c;
    s->fd = fd;
    LIST_INSERT_HEAD(&c->sockets, s, entry);
    return s;
}

/* c-ares says what it waits for on a socket; for nothing just before it closes it. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *c = context;
    struct channel_socket *s = find_socket(c, fd);
    int events = EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

    if (s->event != NULL)
        event_free(s->event);
    s->event = NULL;
    if (!readable && !writable) {
        LIST_REMOVE(s, entry);
        free(s);
        return;
    }
    s->event = event_new(c->base, fd, (short)events, on_socket, s);
    if (s->event == NULL || event_add(s->event, NULL) == -1)
        log_error("a DNS socket cannot be watched"); /* c-ares's own timeout ends the query */
}

static struct file_mark mark_of(const char *path)
{
    struct file_mark mark = { 0 };
    struct stat st;

    if (stat(path, &st) == 0)
        mark = (struct file_mark){ st.st_ino, st.st_size, st.st_mtim };
    return mark;
}

static bool mark_equal(const struct file_mark *a, const struct file_mark *b)
{
    return a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

/* 0, or an ARES_... error. */
static int set_up(struct dns_channel *c)
{
    struct ares_options options = {
        .timeout = TRY_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = c,
        .resolvconf_path = c->resolv_conf,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

#ifdef ARES_OPT_QUERY_CACHE
    /* Newer versions would answer for a resolver that is dead by now. */
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    if (c->resolv_conf != NULL) {
        mask |= ARES_OPT_RESOLVCONF;
        c->mark = mark_of(c->resolv_conf);
    }
    int rc = ares_init_options(&c->ares, &options, mask);
    if (rc != ARES_SUCCESS) {
        c->ares = NULL;
        return rc;
    }
    return c->servers != NULL ? ares_set_servers_ports_csv(c->ares, c->servers) : ARES_SUCCESS;
}

struct dns_channel *dns_channel_new(struct event_base *base, const char *servers,
                                    const char *resolv_conf)
{
    struct dns_channel *c = memory_zero(1, sizeof *c);

    ares_library_init(ARES_LIB_INIT_ALL);
    c->base = base;
    c->timer = deadline_timer(base, on_timer, c);
    c->servers = servers != NULL ? memory_copy(servers) : NULL;
    c->resolv_conf = servers == NULL ? memory_copy(resolv_conf) : NULL;
    LIST_INIT(&c->sockets);
    int rc = set_up(c);
    if (rc != ARES_SUCCESS && servers != NULL) {
        dns_channel_free(c);
        return NULL;
    }
    if (rc != ARES_SUCCESS)
        log_warning("%s cannot be used: %s", resolv_conf, ares_strerror(rc));
    return c;
}

static void tear_down(struct dns_channel *c)
{
    if (c->ares != NULL)
        ares_destroy(c->ares);
    c->ares = NULL;
    event_del(c->timer);
}

void dns_channel_free(struct dns_channel *c)
{
    tear_down(c);
    ares_library_cleanup();
    event_free(c->timer);
    free(c->servers);
    free(c->resolv_conf);
    free(c);
}

void dns_channel_refresh(struct dns_channel *c)
{
    struct file_mark now;

    if (c->resolv_conf == NULL)
        return;
    now = mark_of(c->resolv_conf);
    if (c->ares != NULL && mark_equal(&now, &c->mark))
        return;
    tear_down(c);
    int rc = set_up(c);
    if (rc != ARES_SUCCESS)
        log_warning("%s cannot be used: %s", c->resolv_conf, ares_strerror(rc));
}

void dns_channel_ask(struct dns_channel *c, const char *name, int type, ares_callback callback,
                     void *context)
{
    if (c->ares == NULL) {
        callback(context, ARES_ENOTINITIALIZED, 0, NULL, 0);
        return;
    }
    ares_query(c->ares, name, ns_c_in, type, callback, context);
    arm_timer(c);
}

void dns_channel_cancel(struct dns_channel *c)
{
    if (c->ares == NULL)
        return;
    ares_cancel(c->ares);
    arm_timer(c);
}

unsigned long dns_channel_answers(const struct dns_channel *c)
{
    return c->answers;
}

static bool take_server(const struct ares_addr_port_node *server, struct address *out)
{
    memset(out, 0, sizeof *out);
    if (server->family == AF_INET) {
        out->u.in.sin_family = AF_INET;
        memcpy(&out->u.in.sin_addr, &server->addr.addr4, sizeof out->u.in.sin_addr);
        out->len = sizeof out->u.in;
    } else if (server->family == AF_INET6) {
        out->u.in6.sin6_family = AF_INET6;
        memcpy(&out->u.in6.sin6_addr, &server->addr.addr6, sizeof out->u.in6.sin6_addr);
        out->len = sizeof out->u.in6;
    } else {
        return false;
    }
    address_set_port(out, server->udp_port != 0 ? (uint16_t)server->udp_port : NS_DEFAULTPORT);
    return true;
}

size_t dns_channel_servers(struct dns_channel *c, struct address *out, size_t max)
{
    struct ares_addr_port_node *list = NULL;
    size_t count = 0;

    if (c->ares == NULL || ares_get_servers_ports(c->ares, &list) != ARES_SUCCESS)
        return 0;
    for (struct ares_addr_port_node *s = list; s != NULL && count < max; s = s->next)
        if (take_server(s, &out[count]))
            count++;
    ares_free_data(list);
    return count;
}
