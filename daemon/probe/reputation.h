/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mail operator would hold against this host, as far as the DNS tells: its reverse name, its
 * HELO name, SPF, DKIM and DMARC of the domain it sends for, blocklists that the operator of this
 * host has named.
 *
 * All of it goes out at once. What hangs on the public address waits until that is known: because
 * the plan says so, because this host has it itself, or because a mail server has shown it
 * (reputation_set_address).
 */
#ifndef DETOURD_REPUTATION_H
#define DETOURD_REPUTATION_H

#include "daemon/probe/dns.h"
#include "daemon/probe/examination.h"
#include "daemon/probe/probe.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A relay and the domain whose SPF record admits it ("amazonses.com"). */
struct reputation_relay {
    const char *name;
    const char *spf_include;
};

/* Copied by reputation_start, strings included. */
struct reputation_plan {
    unsigned families; /* DNS_IPV4, DNS_IPV6 or both: those that Postfix uses */
    bool has_address[FAMILIES];
    struct address address[FAMILIES]; /* the public ones, where they are known for sure */
    struct probe_settings settings;   /* the HELO name, and where connections come from */
    const char *sender_domain;        /* NULL: nothing is said of SPF, DKIM and DMARC */
    const char *const *dnsbl;         /* zones */
    size_t dnsbl_count;
    const char *const *dkim_selectors;
    size_t dkim_selector_count;
    const struct reputation_relay *relays;
    size_t relay_count;
    int64_t deadline_ms;
};

/* What is more in a plan is left out. */
#define REPUTATION_DNSBL_MAX     16
#define REPUTATION_SELECTORS_MAX 16
#define REPUTATION_RELAYS_MAX    16

struct reputation_result {
    bool has_address[FAMILIES]; /* the public address is known */
    struct address address[FAMILIES];
    bool is_nat[FAMILIES];           /* this host goes out from a private one, */
    struct address source[FAMILIES]; /* this */
    const struct finding *findings;  /* in the order of enum reputation_check, IPv4 first */
    size_t count;
};

/* RESULT is valid during the call alone; the look-ups are gone when it returns. */
typedef void reputation_done(const struct reputation_result *result, void *context);

struct reputation;

/* The callback comes once, always from the loop: as soon as everything is found out, but while a
 * public address may still be shown not before reputation_finish_soon, and at the deadline in any
 * case. DNS must outlive it. Never NULL. */
struct reputation *reputation_start(struct dns *dns, const struct reputation_plan *plan,
                                    reputation_done *callback, void *context);

/* The world sees this host as ADDRESS. What an earlier one had led to is dropped. */
void reputation_set_address(struct reputation *reputation, enum family family,
                            const struct address *address);

/* No address will be shown any more; the end is at DEADLINE_MS at the latest. */
void reputation_finish_soon(struct reputation *reputation, int64_t deadline_ms);

/* Ends it without its callback. NULL is allowed; so is the call inside the callback. */
void reputation_stop(struct reputation *reputation);

#endif
