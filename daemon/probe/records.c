/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/records.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/dns_channel.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/printable.h"
#include <ares.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question on its way. It outlives a lookup that has ended, since c-ares cannot take back a
 * single one. */
struct question {
    struct record_lookup *lookup; /* NULL: nobody waits any more */
};

struct record_lookup {
    struct dns *dns;
    struct dns_channel *channel;
    struct question *question; /* NULL once it is answered */
    struct event *timer;       /* the deadline at first; then it delivers */
    unsigned long answers_before;
    record_done *callback;
    void *context;
    struct record_answer answer;
    bool in_callback;
};

/* Letters, digits and whatever else a name on the wire may hold and c-ares takes as it stands. */
static bool may_be_asked(const char *name)
{
    size_t label = 0, len = strlen(name);

    if (len == 0 || len > HOST_MAX)
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7f || *p == '\\')
            return false;
        if (*p == '.' && label == 0)
            return false;
        label = *p == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

static const char *wanted(const struct record_answer *a)
{
    static const char *const words[] = {
        [RECORD_A] = "IPv4 address", [RECORD_AAAA] = "IPv6 address", [RECORD_MX] = "MX record",
        [RECORD_PTR] = "PTR record", [RECORD_TXT] = "TXT record",
    };

    return words[a->type];
}

static void explain(struct record_answer *a)
{
    char *out = a->detail;
    size_t len = sizeof a->detail;

    switch (a->status) {
    case DNS_OK:
        snprintf(out, len, "%s%zu %s%s for %s", a->is_cut ? "more than " : "", a->count, wanted(a),
                 a->count == 1            ? ""
                 : a->type <= RECORD_AAAA ? "es"
                                          : "s",
                 a->name);
        break;
    case DNS_NXDOMAIN:
        snprintf(out, len, "no such name: %s", a->name);
        break;
    case DNS_NODATA:
    case DNS_NULL_MX:
        snprintf(out, len, "%s has no %s", a->name, wanted(a));
        break;
    case DNS_UNUSABLE:
        snprintf(out, len, "%s cannot be a name in the DNS", a->name);
        break;
    case DNS_SERVFAIL:
        snprintf(out, len, "the resolver failed to look up the %s of %s", wanted(a), a->name);
        break;
    case DNS_TIMEOUT:
        snprintf(out, len, "no answer in time for the %s of %s", wanted(a), a->name);
        break;
    case DNS_NO_RESOLVER:
        snprintf(out, len, "no resolver can be reached (looking up the %s of %s)", wanted(a),
                 a->name);
        break;
    case DNS_MALFORMED:
        snprintf(out, len, "the resolver's answer for the %s of %s cannot be read", wanted(a),
                 a->name);
        break;
    }
}

static void keep(const struct record *record, void *context)
{
    struct record_answer *a = context;

    if (a->count == RECORDS_MAX) {
        a->is_cut = true;
        return;
    }
    a->records = memory_grow(a->records, a->count + 1, sizeof *a->records);
    a->records[a->count++] = *record;
}

static void on_reply(void *context, int rc, int timeouts, unsigned char *bytes, int len)
{
    struct question *question = context;
    struct record_lookup *l = question->lookup;
    (void)timeouts;

    free(question);
    if (l == NULL)
        return;
    l->question = NULL;
    l->answer.status =
        rc == ARES_SUCCESS
            ? dns_message_read(bytes, (size_t)len, l->answer.type, keep, &l->answer)
            : dns_status_of(rc, dns_channel_answers(l->channel) != l->answers_before);
    deadline_soon(l->timer);
}

/* Takes the lookup from its resolver. */
static void detach(struct record_lookup *l)
{
    if (l->question != NULL)
        l->question->lookup = NULL;
    l->question = NULL;
    dns_release(l->dns);
}

static void dispose(struct record_lookup *l)
{
    event_free(l->timer);
    free(l->answer.records);
    free(l);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct record_lookup *l = context;
    struct record_answer *a = &l->answer;
    (void)fd;
    (void)what;

    if (l->question != NULL)
        a->status = DNS_TIMEOUT;
    detach(l);
    explain(a);
    log_debug("dns %s %s: %s", a->name, record_type_name(a->type), a->detail);
    l->in_callback = true;
    l->callback(a, l->context);
    dispose(l);
}

static void take_name(struct record_answer *a, const char *name)
{
    size_t len = strlen(name);

    snprintf(a->name, sizeof a->name, "%s", name);
    if (len > 1 && len < sizeof a->name && name[len - 1] == '.')
        a->name[len - 1] = '\0';
    if (len > sizeof a->name - 1 || !may_be_asked(a->name))
        a->status = DNS_UNUSABLE;
    make_printable(a->name);
}

struct record_lookup *record_lookup_start(struct dns *dns, const char *name, enum record_type type,
                                          int64_t deadline_ms, record_done *callback, void *context)
{
    struct record_lookup *l = memory_zero(1, sizeof *l);

    l->dns = dns;
    l->channel = dns_hold(dns);
    l->answers_before = dns_channel_answers(l->channel);
    l->callback = callback;
    l->context = context;
    l->answer.type = type;
    l->timer = deadline_timer(dns_base(dns), on_timer, l);
    take_name(&l->answer, name);
    if (l->answer.status == DNS_UNUSABLE) {
        deadline_soon(l->timer);
        return l;
    }
    deadline_arm(l->timer, deadline_ms);
    l->question = memory_zero(1, sizeof *l->question);
    l->question->lookup = l;
    dns_channel_ask(l->channel, l->answer.name, record_type_number(type), on_reply, l->question);
    return l;
}

void record_lookup_stop(struct record_lookup *l)
{
    if (l == NULL || l->in_callback)
        return;
    detach(l);
    dispose(l);
}

void record_reversed(const struct address *address, char *out)
{
    const unsigned char *v4 = (const unsigned char *)&address->u.in.sin_addr;
    const unsigned char *v6 = address->u.in6.sin6_addr.s6_addr;

    if (address_family(address) == FAMILY_IPV4) {
        snprintf(out, RECORD_REVERSED, "%u.%u.%u.%u", v4[3], v4[2], v4[1], v4[0]);
        return;
    }
    for (size_t i = 0; i < 16; i++)
        snprintf(out + 4 * i, RECORD_REVERSED - 4 * i, "%x.%x%s", v6[15 - i] & 0xfU,
                 v6[15 - i] >> 4U, i < 15 ? "." : "");
}
