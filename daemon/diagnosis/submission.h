/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which submission ports work from here: the relays' hosts, each at each of its ports, as far as a
 * mail server goes before it logs in: TCP, TLS, certificate, EHLO, AUTH offered, QUIT. No password
 * is read or sent.
 *
 * Sorted as RFC 8314 3.3 prefers them: TLS from the first byte (465, 2465), then STARTTLS at 587,
 * then the ports that stand in for it.
 */
#ifndef DETOURD_SUBMISSION_H
#define DETOURD_SUBMISSION_H

#include "daemon/probe/dns.h"
#include "daemon/probe/probe.h"
#include "daemon/probe/relay_check.h"
#include "lib/endpoint.h"
#include "lib/relay_catalogue.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBMISSION_HOSTS_MAX   12
#define SUBMISSION_ENTRIES_MAX (SUBMISSION_HOSTS_MAX * PORTS_MAX)
#define SUBMISSION_AT_ONCE     24 /* connections */
#define SUBMISSION_MS          5000

struct submission_host {
    const char *relay; /* its name in the configuration or the catalogue */
    const char *host;  /* without brackets */
    struct ports ports;
    bool offers_tls;     /* the catalogue says so: without STARTTLS somebody has stripped it */
    const char *ca_file; /* NULL: the plan's trust */
};

/* Copied by submission_start, strings included. */
struct submission_plan {
    const struct submission_host *hosts; /* what is beyond SUBMISSION_HOSTS_MAX is left out */
    size_t host_count;
    unsigned families;       /* DNS_IPV4, DNS_IPV6 or both */
    struct tls_trust *trust; /* NULL: the system's certificates */
    struct probe_settings settings;
    int64_t deadline_ms; /* 0: SUBMISSION_MS from now */
};

struct submission_entry {
    char relay[TOKEN_MAX + 1];
    char host[HOST_MAX + 1];
    uint16_t port;
    enum relay_proof state; /* RELAY_PROVEN: a mail server could log in here */
    char tls[16];           /* "TLSv1.3"; empty without TLS */
    bool verified;          /* the certificate is good for the host's name */
    bool has_days_left;
    int days_left;
    char auth[256]; /* the mechanisms offered under TLS, single spaces between them */
    bool attack;    /* somebody on the way has taken STARTTLS out */
    char detail[RELAY_DETAIL];
};

struct submission_result {
    struct submission_entry *entries;
    size_t count;
};

/* The word for STATE in JSON: relay_proof_name, but "usable" for RELAY_PROVEN. */
const char *submission_state_name(enum relay_proof state);

/* RESULT is valid during the call alone; the ladder is gone when it returns. */
typedef void submission_done(const struct submission_result *result, void *context);

struct submission;

/* The callback comes once, always from the loop, at the deadline at the latest. DNS must outlive
 * it. Never NULL. */
struct submission *submission_start(struct event_base *base, struct dns *dns,
                                    const struct submission_plan *plan, submission_done *callback,
                                    void *context);

/* Ends it without its callback. NULL is allowed; so is the call inside the callback. */
void submission_stop(struct submission *submission);

#endif
