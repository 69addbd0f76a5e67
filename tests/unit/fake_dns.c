/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/fake_dns.h"

#include "lib/memory.h"
#include "tests/unit/unit.h"
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream {
    struct bufferevent *io;
    LIST_ENTRY(stream) entry;
};

struct fake_dns {
    struct event_base *base;
    const char *zone;
    int fd;
    struct event *event;
    struct evconnlistener *listener;
    char at[32];
    size_t questions, by_tcp;
    LIST_HEAD(, stream) streams;
};

struct message {
    unsigned char bytes[65535];
    size_t len;
    const char *owner; /* of the records; NULL: the name in the question */
};

#define DATA_MAX 6000

struct rule {
    char name[256], type[16], data[DATA_MAX];
};

static void put(struct message *m, const void *bytes, size_t len)
{
    assert_true(m->len + len <= sizeof m->bytes);
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void put16(struct message *m, unsigned value)
{
    put(m, (unsigned char[]){ (unsigned char)(value >> 8), (unsigned char)value }, 2);
}

static void put_name(struct message *m, const char *name)
{
    while (*name != '\0' && strcmp(name, ".") != 0) {
        unsigned char len = (unsigned char)strcspn(name, ".");
        put(m, &len, 1);
        put(m, name, len);
        name += len;
        name += *name == '.';
    }
    put(m, "", 1);
}

/* Name, type, class, TTL; the length comes with end_record. */
static size_t begin_record(struct message *m, int type)
{
    if (m->owner != NULL)
        put_name(m, m->owner);
    else
        put16(m, 0xc00c);
    put16(m, (unsigned)type);
    put16(m, ns_c_in);
    put16(m, 0);
    put16(m, 60);
    put16(m, 0);
    m->bytes[7]++;
    m->bytes[6] = (unsigned char)(m->bytes[6] + (m->bytes[7] == 0));
    return m->len;
}

static void end_record(struct message *m, size_t start)
{
    m->bytes[start - 2] = (unsigned char)((m->len - start) >> 8);
    m->bytes[start - 1] = (unsigned char)(m->len - start);
}

static void add_address(struct message *m, int type, const char *text, unsigned plus)
{
    unsigned char bytes[16];
    size_t start = begin_record(m, type), len = type == ns_t_a ? 4 : 16;

    assert_int_equal(inet_pton(type == ns_t_a ? AF_INET : AF_INET6, text, bytes), 1);
    bytes[len - 1] = (unsigned char)(bytes[len - 1] + plus);
    bytes[len - 2] = (unsigned char)(bytes[len - 2] + (plus >> 8));
    put(m, bytes, len);
    end_record(m, start);
}

static void add_name(struct message *m, int type, const char *name)
{
    size_t start = begin_record(m, type);

    put_name(m, name);
    end_record(m, start);
}

static void add_mx(struct message *m, unsigned preference, const char *host)
{
    size_t start = begin_record(m, ns_t_mx);

    put16(m, preference);
    put_name(m, host);
    end_record(m, start);
}

/* TEXT in strings of at most 255 bytes, as a zone's tools cut them; `|` begins one too. */
static void add_text(struct message *m, const char *text)
{
    size_t start = begin_record(m, ns_t_txt);

    do {
        unsigned char len = (unsigned char)strcspn(text, "|");
        size_t whole = strcspn(text, "|");
        if (whole > 255)
            len = 255;
        put(m, &len, 1);
        put(m, text, len);
        text += len + (whole == len && text[len] == '|');
    } while (*text != '\0');
    end_record(m, start);
}

/* Aliases that lead nowhere but to each other. */
static void add_circle(struct message *m, const char *name)
{
    char other[300];

    snprintf(other, sizeof other, "circle.%.200s", name);
    m->owner = name;
    add_name(m, ns_t_cname, other);
    m->owner = other;
    add_name(m, ns_t_cname, name);
    m->owner = NULL;
}

static void add_many(struct message *m, int type, const char *name, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char host[300];
        snprintf(host, sizeof host, "mx%u.%.200s", i, name);
        if (type == ns_t_txt)
            add_text(m, host);
        else if (type == ns_t_ptr)
            add_name(m, type, host);
        else if (type == ns_t_mx)
            add_mx(m, count - i, host);
        else
            add_address(m, type, type == ns_t_a ? "198.18.0.1" : "2001:db8::1", i);
    }
}

/* Takes the next line of *ZONE; false at its end. */
static bool next_rule(const char **zone, struct rule *rule)
{
    size_t len = strcspn(*zone, "\n");
    char line[DATA_MAX + 300];

    if (len == 0)
        return false;
    assert_true(len < sizeof line);
    snprintf(line, sizeof line, "%.*s", (int)len, *zone);
    *zone += len + ((*zone)[len] == '\n');
    if (sscanf(line, "%255s %15s %5999[^\n]", rule->name, rule->type, rule->data) != 3)
        fail_msg("not a line of a zone: %s", line);
    return true;
}

static bool fits(const struct rule *rule, const char *name)
{
    size_t len = strlen(rule->name), asked = strlen(name);

    if (rule->name[0] != '*')
        return strcasecmp(rule->name, name) == 0;
    return asked > len - 1 && strcasecmp(name + asked - (len - 1), rule->name + 1) == 0;
}

static const char *type_name(int type)
{
    return type == ns_t_mx     ? "MX"
           : type == ns_t_a    ? "A"
           : type == ns_t_aaaa ? "AAAA"
           : type == ns_t_txt  ? "TXT"
           : type == ns_t_ptr  ? "PTR"
                               : "?";
}

static void set_rcode(struct message *m, unsigned rcode)
{
    m->bytes[3] = (unsigned char)((m->bytes[3] & 0xf0) | rcode);
}

/* Breaks the message in the way that WORD says; false when it is no such word. */
static bool spoil(struct message *m, int type, const char *word)
{
    if (strcmp(word, "GARBAGE") == 0) {
        begin_record(m, type);
        m->len -= 3;
    } else if (strcmp(word, "LOOP") == 0) {
        size_t start = m->len;
        add_name(m, type, "x");
        m->bytes[start] = (unsigned char)(0xc0 | start >> 8);
        m->bytes[start + 1] = (unsigned char)start;
    } else if (strcmp(word, "SHORT") == 0) {
        size_t start = begin_record(m, type);
        put(m, "xx", 2);
        end_record(m, start);
    } else if (strcmp(word, "RUNT") == 0) {
        m->len = 2;
    } else {
        return false;
    }
    return true;
}

static bool fail_with(struct message *m, const char *word)
{
    static const struct {
        const char *word;
        unsigned rcode;
    } rcodes[] = {
        { "SERVFAIL", ns_r_servfail },
        { "REFUSED", ns_r_refused },
        { "NXDOMAIN", ns_r_nxdomain },
        { "FORMERR", ns_r_formerr },
    };

    for (size_t i = 0; i < sizeof rcodes / sizeof rcodes[0]; i++)
        if (strcmp(word, rcodes[i].word) == 0) {
            set_rcode(m, rcodes[i].rcode);
            return true;
        }
    return false;
}

static void follow(struct message *m, const struct rule *rule, const char *name, int type)
{
    unsigned number = 0;
    char host[300];

    if (fail_with(m, rule->data) || spoil(m, type, rule->data))
        return;
    if (sscanf(rule->data, "MANY %u", &number) == 1)
        add_many(m, type, name, number);
    else if (strcmp(rule->data, "CIRCLE") == 0)
        add_circle(m, name);
    else if (type == ns_t_txt)
        add_text(m, rule->data);
    else if (type == ns_t_ptr)
        add_name(m, type, rule->data);
    else if (type == ns_t_mx && sscanf(rule->data, "%u %299s", &number, host) == 2)
        add_mx(m, number, host);
    else
        add_address(m, type, rule->data, 0);
}

/* Adds what the zone says; false when it says nothing at all to anybody. */
static bool answer_from_zone(struct fake_dns *d, struct message *m, const char *name, int type)
{
    const char *zone = d->zone;
    struct rule rule;
    bool exists = false;

    while (next_rule(&zone, &rule)) {
        if (!fits(&rule, name))
            continue;
        exists = true;
        if (strcmp(rule.type, "CNAME") == 0) {
            char target[300];
            snprintf(target, sizeof target, "%.*s", (int)sizeof target - 1, rule.data);
            add_name(m, ns_t_cname, target);
            m->owner = target;
            bool answered = answer_from_zone(d, m, target, type);
            m->owner = NULL;
            return answered;
        }
        if (strcmp(rule.type, type_name(type)) != 0)
            continue;
        if (strcmp(rule.data, "SILENT") == 0)
            return false;
        follow(m, &rule, name, type);
    }
    if (!exists)
        set_rcode(m, ns_r_nxdomain);
    return true;
}

/* Turns the QUESTION of LEN bytes into an answer; false when there is none. */
static bool answer(struct fake_dns *d, const unsigned char *question, size_t len, struct message *m)
{
    char name[300] = "";
    size_t at = 12;

    d->questions++;
    m->len = 0;
    m->owner = NULL;
    while (at < len && question[at] != 0) {
        snprintf(name + strlen(name), sizeof name - strlen(name), "%s%.*s",
                 name[0] != '\0' ? "." : "", question[at], question + at + 1);
        at += question[at] + 1U;
    }
    assert_true(at + 5 <= len);
    put(m, question, at + 5);
    m->bytes[2] = 0x81; /* a response, recursion wanted */
    m->bytes[3] = 0x80;
    memset(m->bytes + 6, 0, 6);
    return answer_from_zone(d, m, name, question[at + 1] << 8 | question[at + 2]);
}

static void on_packet(evutil_socket_t fd, short what, void *context)
{
    struct fake_dns *d = context;
    unsigned char question[1500];
    struct sockaddr_in from;
    socklen_t fromlen = sizeof from;
    ssize_t len = recvfrom(fd, question, sizeof question, 0, (struct sockaddr *)&from, &fromlen);
    struct message *m = memory_zero(1, sizeof *m);
    (void)what;

    if (len > 12 && answer(d, question, (size_t)len, m)) {
        if (m->len > NS_PACKETSZ) {
            m->len = (size_t)len;
            memset(m->bytes + 6, 0, 2);
            m->bytes[2] |= 0x02; /* truncated */
        }
        sendto(fd, m->bytes, m->len, 0, (struct sockaddr *)&from, fromlen);
    }
    free(m);
}

static void on_stream(struct bufferevent *io, void *context)
{
    struct fake_dns *d = context;
    struct evbuffer *in = bufferevent_get_input(io);
    unsigned char question[1500];
    struct message *m = memory_zero(1, sizeof *m);

    while (evbuffer_copyout(in, question, 2) == 2) {
        size_t len = (size_t)(question[0] << 8 | question[1]);
        assert_true(len <= sizeof question - 2);
        if (evbuffer_get_length(in) < len + 2)
            break;
        evbuffer_remove(in, question, len + 2);
        d->by_tcp++;
        if (answer(d, question + 2, len, m)) {
            uint16_t size = htons((uint16_t)m->len);
            bufferevent_write(io, &size, 2);
            bufferevent_write(io, m->bytes, m->len);
        }
    }
    free(m);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int len, void *context)
{
    struct fake_dns *d = context;
    struct stream *s = memory_zero(1, sizeof *s);
    (void)listener;
    (void)from;
    (void)len;

    s->io = bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE);
    LIST_INSERT_HEAD(&d->streams, s, entry);
    bufferevent_setcb(s->io, on_stream, NULL, NULL, d);
    bufferevent_enable(s->io, EV_READ | EV_WRITE);
}

/* UDP and TCP on one port of the kernel's choice. */
static void listen_somewhere(struct fake_dns *d)
{
    for (int i = 0; i < 100 && d->listener == NULL; i++) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof at;
        d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(d->fd, (struct sockaddr *)&at, len), 0);
        assert_int_equal(getsockname(d->fd, (struct sockaddr *)&at, &len), 0);
        d->listener = evconnlistener_new_bind(d->base, on_accept, d, LEV_OPT_CLOSE_ON_FREE, 16,
                                              (struct sockaddr *)&at, (int)len);
        snprintf(d->at, sizeof d->at, "127.0.0.1:%u", ntohs(at.sin_port));
        if (d->listener == NULL)
            close(d->fd);
    }
    assert_non_null(d->listener);
}

struct fake_dns *fake_dns_new(struct event_base *base, const char *zone)
{
    struct fake_dns *d = memory_zero(1, sizeof *d);

    d->base = base;
    d->zone = zone;
    LIST_INIT(&d->streams);
    listen_somewhere(d);
    d->event = event_new(base, d->fd, EV_READ | EV_PERSIST, on_packet, d);
    event_add(d->event, NULL);
    return d;
}

void fake_dns_free(struct fake_dns *d)
{
    struct stream *s;

    while ((s = LIST_FIRST(&d->streams)) != NULL) {
        LIST_REMOVE(s, entry);
        bufferevent_free(s->io);
        free(s);
    }
    evconnlistener_free(d->listener);
    event_free(d->event);
    close(d->fd);
    free(d);
}

const char *fake_dns_at(const struct fake_dns *d)
{
    return d->at;
}

size_t fake_dns_questions(const struct fake_dns *d)
{
    return d->questions;
}

size_t fake_dns_by_tcp(const struct fake_dns *d)
{
    return d->by_tcp;
}
