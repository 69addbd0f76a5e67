/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/dns.h"

#include "daemon/probe/deadline.h"
#include "daemon/probe/dns_channel.h"
#include "daemon/probe/dns_message.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

/* One host to look up, with what has been found of it so far. */
struct host {
    char name[HOST_MAX + 1];
    int preference;
    struct address addresses[FAMILIES][DNS_ADDRESSES_MAX];
    size_t count[FAMILIES];
};

/* One question on its way. It outlives a query that is cancelled, since c-ares cannot take back a
 * single question. */
struct lookup {
    struct dns_query *query; /* NULL: nobody waits any more */
    struct host *host;       /* NULL for MX */
    enum family family;
    LIST_ENTRY(lookup) entry;
};

struct dns_query {
    struct dns *dns;
    struct endpoint endpoint;
    unsigned families;
    dns_done *callback;
    void *context;
    struct event *timer; /* the deadline at first; then it delivers */
    LIST_HEAD(, lookup) lookups;
    size_t pending; /* lookups, and one more while they are being started */
    struct host hosts[DNS_MX_MAX];
    size_t host_count;
    unsigned long answers_before; /* the channel's count at the start */
    bool has_mx, is_complete, is_delivering;
    enum dns_status failure; /* the gravest so far; DNS_OK for none */
    struct dns_answer answer;
    LIST_ENTRY(dns_query) entry;
};

struct dns {
    struct event_base *base;
    struct dns_channel *channel;
    size_t users; /* queries, and whoever else asks */
    LIST_HEAD(, dns_query) queries;
};

struct dns_channel *dns_hold(struct dns *dns)
{
    if (dns->users++ == 0)
        dns_channel_refresh(dns->channel);
    return dns->channel;
}

/* Questions that nobody waits for any more end with the last user. */
void dns_release(struct dns *dns)
{
    if (--dns->users == 0)
        dns_channel_cancel(dns->channel);
}

struct event_base *dns_base(const struct dns *dns)
{
    return dns->base;
}

/*
 * The answer
 */

/* Where several lookups failed in several ways, the one that leaves most in doubt is reported: a
 * domain with a broken MX host and a silent one may well exist. */
static int gravity(enum dns_status status)
{
    static const int gravities[] = {
        [DNS_OK] = 0,       [DNS_NXDOMAIN] = 1,    [DNS_NODATA] = 2,
        [DNS_NULL_MX] = 3,  [DNS_UNUSABLE] = 4,    [DNS_MALFORMED] = 5,
        [DNS_SERVFAIL] = 6, [DNS_NO_RESOLVER] = 7, [DNS_TIMEOUT] = 8,
    };

    return gravities[status];
}

static void note_failure(struct dns_query *q, enum dns_status status)
{
    if (gravity(status) > gravity(q->failure))
        q->failure = status;
}

static bool is_known(const struct dns_answer *answer, const struct address *address)
{
    for (size_t i = 0; i < answer->count; i++)
        if (address_equal(&answer->hosts[i].address, address))
            return true;
    return false;
}

static void collect(struct dns_answer *answer, const struct host *host, enum family family)
{
    for (size_t i = 0; i < host->count[family]; i++) {
        struct dns_host *out = &answer->hosts[answer->count];
        if (is_known(answer, &host->addresses[family][i]))
            continue;
        memcpy(out->name, host->name, sizeof out->name);
        out->preference = host->preference;
        out->address = host->addresses[family][i];
        answer->count++;
    }
}

static const char *wanted_address(unsigned families)
{
    return families == DNS_IPV4   ? "IPv4 address"
           : families == DNS_IPV6 ? "IPv6 address"
                                  : "address";
}

static void explain_nothing(struct dns_query *q)
{
    const char *name = q->endpoint.host;

    snprintf(q->answer.detail, sizeof q->answer.detail,
             q->has_mx ? "no MX host of %s has an %s" : "%s has no %s", name,
             wanted_address(q->families));
}

static void explain(struct dns_query *q)
{
    const char *name = q->endpoint.host;
    char *out = q->answer.detail;
    size_t len = sizeof q->answer.detail;

    switch (q->answer.status) {
    case DNS_OK:
        snprintf(out, len, "%zu addresses for %s", q->answer.count, name);
        break;
    case DNS_NXDOMAIN:
        snprintf(out, len, q->has_mx ? "no MX host of %s exists" : "no such domain: %s", name);
        break;
    case DNS_NODATA:
        explain_nothing(q);
        break;
    case DNS_NULL_MX:
        snprintf(out, len, "%s takes no mail (null MX)", name);
        break;
    case DNS_UNUSABLE:
        snprintf(out, len, "%s leads to no address that a mail server could have", name);
        break;
    case DNS_SERVFAIL:
        snprintf(out, len, "the resolver failed to look up %s", name);
        break;
    case DNS_TIMEOUT:
        snprintf(out, len, "%s for %s in %.1f s",
                 q->answer.server_answered ? "no complete answer" : "no answer from any resolver",
                 name, DNS_DEADLINE_MS / 1000.0);
        break;
    case DNS_NO_RESOLVER:
        snprintf(out, len, "no resolver can be reached (looking up %s)", name);
        break;
    case DNS_MALFORMED:
        snprintf(out, len, "the resolver's answer for %s cannot be read", name);
        break;
    }
}

/* The result stands; the timer delivers it. */
static void complete(struct dns_query *q)
{
    struct dns_answer *a = &q->answer;

    for (size_t i = 0; i < q->host_count; i++)
        for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
            collect(a, &q->hosts[i], family);
    a->status = a->count > 0 ? DNS_OK : q->failure != DNS_OK ? q->failure : DNS_NODATA;
    a->server_answered = dns_channel_answers(q->dns->channel) != q->answers_before;
    explain(q);
    log_debug("dns %s: %s, %s", q->endpoint.host, dns_status_name(a->status), a->detail);
    q->is_complete = true;
    deadline_soon(q->timer);
}

static void lookup_done(struct dns_query *q)
{
    if (--q->pending == 0 && !q->is_complete)
        complete(q);
}

static void forget_lookups(struct dns_query *q)
{
    struct lookup *l;

    while ((l = LIST_FIRST(&q->lookups)) != NULL) {
        LIST_REMOVE(l, entry);
        l->query = NULL;
    }
}

/* Takes Q from its resolver. */
static void detach(struct dns_query *q)
{
    struct dns *dns = q->dns;

    forget_lookups(q);
    LIST_REMOVE(q, entry);
    dns_release(dns);
}

static void dispose(struct dns_query *q)
{
    event_free(q->timer);
    free(q);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct dns_query *q = context;
    (void)fd;
    (void)what;

    if (!q->is_complete) {
        note_failure(q, DNS_TIMEOUT);
        complete(q);
    }
    detach(q); /* before the callback, which may free the resolver */
    q->is_delivering = true;
    q->callback(&q->answer, q->context);
    dispose(q);
}

/*
 * Lookups
 */

enum dns_status dns_status_of(int rc, bool server_answered)
{
    switch (rc) {
    case ARES_ENODATA:
        return DNS_NODATA;
    case ARES_ENOTFOUND:
        return DNS_NXDOMAIN;
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
    case ARES_EFORMERR:
        return DNS_SERVFAIL;
    case ARES_ETIMEOUT:
        return DNS_TIMEOUT;
    case ARES_EBADRESP:
    case ARES_EBADNAME:
    case ARES_EBADSTR:
        return DNS_MALFORMED;
    default:
        /* Also what c-ares says when every resolver answered SERVFAIL or REFUSED. */
        return server_answered ? DNS_SERVFAIL : DNS_NO_RESOLVER;
    }
}

static enum dns_status status_of(const struct dns_query *q, int rc)
{
    return dns_status_of(rc, dns_channel_answers(q->dns->channel) != q->answers_before);
}

/* Whether an address that came from somebody else's DNS may be connected to. Addresses that nobody
 * can have are out; this host's own are, too, where an MX record names them: a probe of oneself
 * proves nothing. IPv4 in IPv6's clothes would get around these rules. */
static bool is_usable4(const struct in_addr *in, bool own_is_fine)
{
    unsigned first = ntohl(in->s_addr) >> 24;

    return first != 0 && first < 224 && (first != 127 || own_is_fine);
}

static bool is_usable6(const struct in6_addr *in, bool own_is_fine)
{
    return !IN6_IS_ADDR_UNSPECIFIED(in) && !IN6_IS_ADDR_MULTICAST(in) &&
           !IN6_IS_ADDR_V4MAPPED(in) && !IN6_IS_ADDR_LINKLOCAL(in) &&
           (!IN6_IS_ADDR_LOOPBACK(in) || own_is_fine);
}

static void keep_address(struct dns_query *q, struct host *host, const struct address *address)
{
    enum family family = address_family(address);
    bool own_is_fine = !q->endpoint.use_mx;
    bool usable = family == FAMILY_IPV4 ? is_usable4(&address->u.in.sin_addr, own_is_fine)
                                        : is_usable6(&address->u.in6.sin6_addr, own_is_fine);

    if (!usable)
        note_failure(q, DNS_UNUSABLE);
    else if (host->count[family] < DNS_ADDRESSES_MAX)
        host->addresses[family][host->count[family]++] = *address;
}

/* Whoever takes the records of one answer. */
struct taking {
    struct dns_query *query;
    struct host *host;
    size_t count, null_mx;
};

static void take_address(const struct record *record, void *context)
{
    struct taking *t = context;
    struct address a = record->address;

    address_set_port(&a, t->query->endpoint.port);
    keep_address(t->query, t->host, &a);
}

/* The query that waits for LOOKUP, which ends here; NULL if none does. */
static struct dns_query *end_lookup(struct lookup *l)
{
    struct dns_query *q = l->query;

    if (q != NULL)
        LIST_REMOVE(l, entry);
    free(l);
    return q;
}

static void on_address(void *context, int rc, int timeouts, unsigned char *bytes, int len)
{
    struct lookup *l = context;
    struct host *host = l->host;
    enum family family = l->family;
    struct dns_query *q = end_lookup(l);
    (void)timeouts;

    if (q == NULL)
        return;
    struct taking taking = { .query = q, .host = host };
    enum dns_status status =
        rc == ARES_SUCCESS
            ? dns_message_read(bytes, (size_t)len, family == FAMILY_IPV4 ? RECORD_A : RECORD_AAAA,
                               take_address, &taking)
            : status_of(q, rc);
    if (status != DNS_OK)
        note_failure(q, status);
    lookup_done(q);
}

static struct lookup *new_lookup(struct dns_query *q, struct host *host, enum family family)
{
    struct lookup *l = memory_zero(1, sizeof *l);

    l->query = q;
    l->host = host;
    l->family = family;
    LIST_INSERT_HEAD(&q->lookups, l, entry);
    q->pending++;
    return l;
}

static void ask_addresses(struct dns_query *q)
{
    static const int types[FAMILIES] = { [FAMILY_IPV4] = ns_t_a, [FAMILY_IPV6] = ns_t_aaaa };

    for (size_t i = 0; i < q->host_count; i++)
        for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
            if (q->families & DNS_FAMILY(family))
                dns_channel_ask(q->dns->channel, q->hosts[i].name, types[family], on_address,
                                new_lookup(q, &q->hosts[i], family));
}

/* Keeps the DNS_MX_MAX most preferred hosts in order; equals stay as they came. */
static void add_host(struct dns_query *q, const char *name, int preference)
{
    size_t at = q->host_count;

    for (size_t i = 0; i < q->host_count; i++)
        if (strcasecmp(q->hosts[i].name, name) == 0)
            return;
    while (at > 0 && q->hosts[at - 1].preference > preference)
        at--;
    if (at == DNS_MX_MAX)
        return;
    size_t behind = q->host_count - at;
    if (q->host_count == DNS_MX_MAX)
        behind--;
    else
        q->host_count++;
    memmove(&q->hosts[at + 1], &q->hosts[at], behind * sizeof q->hosts[0]);
    memset(&q->hosts[at], 0, sizeof q->hosts[0]);
    snprintf(q->hosts[at].name, sizeof q->hosts[at].name, "%s", name);
    q->hosts[at].preference = preference;
}

static void take_mx_host(const struct record *record, void *context)
{
    struct taking *t = context;

    t->count++;
    t->null_mx += record->text[0] == '\0';
    if (hostname_valid(record->text))
        add_host(t->query, record->text, record->preference);
}

/* An empty name is the root: "MX 0 ." means no mail at all when it stands alone (RFC 7505 3), and
 * nothing when it does not. */
static void take_mx(struct dns_query *q, const struct taking *taking)
{
    q->has_mx = true;
    if (q->host_count > 0)
        ask_addresses(q);
    else
        note_failure(q, taking->count == 1 && taking->null_mx == 1 ? DNS_NULL_MX : DNS_UNUSABLE);
}

static void on_mx(void *context, int rc, int timeouts, unsigned char *bytes, int len)
{
    struct dns_query *q = end_lookup(context);
    struct taking taking = { .query = q };
    (void)timeouts;

    if (q == NULL)
        return;
    enum dns_status status =
        rc == ARES_SUCCESS ? dns_message_read(bytes, (size_t)len, RECORD_MX, take_mx_host, &taking)
                           : status_of(q, rc);
    if (status == DNS_OK) {
        take_mx(q, &taking);
    } else if (status == DNS_NODATA) {
        /* "If an empty list of MXs is returned, the address is treated as if it was associated
         * with an implicit MX RR" (RFC 5321 5.1); after an error it is not. */
        add_host(q, q->endpoint.host, 0);
        ask_addresses(q);
    } else {
        note_failure(q, status);
    }
    lookup_done(q);
}

static void take_literal(struct dns_query *q)
{
    struct address a;

    if (!address_parse(q->endpoint.host, q->endpoint.port, &a) ||
        !(q->families & DNS_FAMILY(address_family(&a))))
        return;
    add_host(q, q->endpoint.host, 0);
    q->hosts[0].addresses[address_family(&a)][0] = a;
    q->hosts[0].count[address_family(&a)] = 1;
}

static void start(struct dns_query *q)
{
    q->pending = 1;
    if (q->endpoint.is_literal) {
        take_literal(q);
    } else if (q->endpoint.use_mx) {
        dns_channel_ask(q->dns->channel, q->endpoint.host, ns_t_mx, on_mx,
                        new_lookup(q, NULL, FAMILY_IPV4));
    } else {
        add_host(q, q->endpoint.host, 0);
        ask_addresses(q);
    }
    lookup_done(q);
}

/*
 * The interface
 */

static struct dns *new_with(struct event_base *base, const char *servers, const char *resolv_conf)
{
    struct dns_channel *channel = dns_channel_new(base, servers, resolv_conf);
    struct dns *dns;

    if (channel == NULL)
        return NULL;
    dns = memory_zero(1, sizeof *dns);
    dns->base = base;
    dns->channel = channel;
    LIST_INIT(&dns->queries);
    return dns;
}

struct dns *dns_new(struct event_base *base)
{
    return new_with(base, NULL, "/etc/resolv.conf");
}

struct dns *dns_new_with_file(struct event_base *base, const char *resolv_conf)
{
    return new_with(base, NULL, resolv_conf);
}

struct dns *dns_new_with_servers(struct event_base *base, const char *servers)
{
    return new_with(base, servers, NULL);
}

void dns_free(struct dns *dns)
{
    struct dns_query *q;

    if (dns == NULL)
        return;
    while ((q = LIST_FIRST(&dns->queries)) != NULL) {
        detach(q);
        dispose(q);
    }
    dns_channel_free(dns->channel);
    free(dns);
}

struct dns_query *dns_resolve(struct dns *dns, const struct endpoint *endpoint, unsigned families,
                              dns_done *callback, void *context)
{
    struct dns_query *q = memory_zero(1, sizeof *q);

    dns_hold(dns);
    q->dns = dns;
    q->endpoint = *endpoint;
    q->families = families;
    q->callback = callback;
    q->context = context;
    q->answers_before = dns_channel_answers(dns->channel);
    LIST_INIT(&q->lookups);
    LIST_INSERT_HEAD(&dns->queries, q, entry);
    q->timer = deadline_timer(dns->base, on_timer, q);
    deadline_arm(q->timer, deadline_within(INT64_MAX, DNS_DEADLINE_MS));
    start(q);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q == NULL || q->is_delivering)
        return;
    detach(q);
    dispose(q);
}

size_t dns_servers(struct dns *dns, struct address *out, size_t max)
{
    if (dns->users == 0)
        dns_channel_refresh(dns->channel);
    return dns_channel_servers(dns->channel, out, max);
}
