/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a target to addresses, by c-ares on the event loop.
 *
 * "example.com" means its MX hosts, and its own addresses where the name exists without an MX
 * record (RFC 5321 5.1); "[mx.example.com]" means that host; a literal needs no lookup. Postfix
 * asks the DNS alone (smtp_host_lookup = dns), so /etc/hosts is not consulted here either.
 *
 * A lookup ends within DNS_DEADLINE_MS with whatever was known by then. Answers are hostile: at
 * most DNS_MX_MAX hosts are looked up, at most DNS_ADDRESSES_MAX addresses of each and family are
 * kept, and addresses that an outsider could use to point us at ourselves are dropped.
 */
#ifndef DETOURD_DNS_H
#define DETOURD_DNS_H

#include "daemon/probe/dns_status.h"
#include "lib/address.h"
#include "lib/endpoint.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#define DNS_DEADLINE_MS   4000
#define DNS_MX_MAX        8
#define DNS_ADDRESSES_MAX 4 /* of one host, in one family */
#define DNS_HOSTS_MAX     (DNS_MX_MAX * DNS_ADDRESSES_MAX * FAMILIES)

/* The families to look for, as a set. */
#define DNS_FAMILY(family) (1U << (family))
#define DNS_IPV4           DNS_FAMILY(FAMILY_IPV4)
#define DNS_IPV6           DNS_FAMILY(FAMILY_IPV6)
#define DNS_ANY_FAMILY     (DNS_IPV4 | DNS_IPV6)

struct dns_host {
    char name[HOST_MAX + 1]; /* the MX host, or the target's own name; a literal as it stands */
    struct address address;  /* with the target's port */
    int preference;          /* of the MX record; 0 without one */
};

#define DNS_DETAIL 384

struct dns_answer {
    enum dns_status status;
    char detail[DNS_DETAIL];              /* one phrase, "no such domain: example.com" */
    bool server_answered;                 /* some resolver sent something back: it is alive */
    size_t count;                         /* 0 unless DNS_OK */
    struct dns_host hosts[DNS_HOSTS_MAX]; /* by preference, then as the resolver gave them */
};

/* ANSWER is valid during the call alone, QUERY too: dns_cancel(QUERY) in there is harmless. */
typedef void dns_done(const struct dns_answer *answer, void *context);

struct dns;
struct dns_query;

/* Uses the resolvers of /etc/resolv.conf and reads it again when it has changed. Never NULL. */
struct dns *dns_new(struct event_base *base);

/* Uses another file in the place of /etc/resolv.conf. Never NULL. */
struct dns *dns_new_with_file(struct event_base *base, const char *resolv_conf);

/* Uses SERVERS instead, "192.0.2.53,[2001:db8::53]:5353" (ares_set_servers_ports_csv(3)).
 * NULL when that cannot be parsed. */
struct dns *dns_new_with_servers(struct event_base *base, const char *servers);

/* Ends every query without its callback. Allowed inside a callback; NULL is allowed. */
void dns_free(struct dns *dns);

/* Starts a lookup of FAMILIES (DNS_IPV4, DNS_IPV6 or both). The callback comes once, always from
 * the loop. The query belongs to DNS and is gone when its callback returns. Never NULL. */
struct dns_query *dns_resolve(struct dns *dns, const struct endpoint *endpoint, unsigned families,
                              dns_done *callback, void *context);

/* Ends QUERY without its callback. NULL is allowed. */
void dns_cancel(struct dns_query *query);

/* The configured resolvers, with their ports; how many were written to OUT. */
size_t dns_servers(struct dns *dns, struct address *out, size_t max);

/* For what asks the same resolvers for other things (records.h): DNS's channel, which stays what it
 * is until as many calls of dns_release. The last one ends every question that is still on its way
 * (dns_channel_cancel), so it must not be made from within a callback of the channel's. */
struct dns_channel;
struct dns_channel *dns_hold(struct dns *dns);
void dns_release(struct dns *dns);
struct event_base *dns_base(const struct dns *dns);

/* What an error of c-ares's (ARES_...) means; SERVER_ANSWERED tells a resolver that fails from one
 * that is not there, see dns_channel_answers. */
enum dns_status dns_status_of(int rc, bool server_answered);

#endif
