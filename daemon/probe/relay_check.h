/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proof of a relay, before mail is entrusted to it: resolve, TCP, verified TLS, EHLO, AUTH,
 * QUIT under one deadline. The password leaves this host under TLS alone, and under verified TLS
 * unless the operator wrote otherwise.
 *
 * The program has to ignore SIGPIPE.
 */
#ifndef DETOURD_RELAY_CHECK_H
#define DETOURD_RELAY_CHECK_H

#include "daemon/probe/dns.h"
#include "daemon/probe/probe.h"
#include "daemon/probe/tls.h"
#include "lib/address.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum relay_proof {
    RELAY_PROVEN,
    RELAY_DNS_FAILED,     /* no address to connect to */
    RELAY_NO_CONNECT,     /* no TCP connection to any of its addresses */
    RELAY_NO_SMTP,        /* connected, but no SMTP: silence, nonsense, closed */
    RELAY_REJECTED,       /* 4xx or 5xx before authentication */
    RELAY_NO_STARTTLS,    /* not offered, or refused */
    RELAY_TLS_FAILED,     /* handshake or certificate */
    RELAY_NO_AUTH,        /* no AUTH, or no mechanism for a user name and a password */
    RELAY_PASSWORD,       /* the password file was refused */
    RELAY_AUTH_FAILED,    /* 5xx: the relay does not take this user name and password */
    RELAY_AUTH_TEMPORARY, /* 4xx, silence or hanging up: throttled, over quota, in trouble */
};
#define RELAY_PROOFS 11

/* "proven", "dns-failed", "no-connect", ...: the word used in status, logs and JSON. */
const char *relay_proof_name(enum relay_proof proof);

/* Copied by relay_check_start, strings included. */
struct relay_check_plan {
    const char *host; /* a host name or an IP address, without brackets */
    uint16_t port;
    bool implicit_tls;         /* TLS from the first byte (465, 2465), not STARTTLS */
    const char *username;      /* NULL: end after EHLO under TLS, without AUTH */
    const char *password_file; /* read when the relay asks for it, and wiped at once after */
    gid_t password_group;      /* may read that file besides root; SECRET_NO_GROUP for nobody */
    struct tls_trust *trust;   /* held as long as the check runs */
    bool verify;               /* false only where the operator wrote tls_level = encrypt */
    unsigned families;         /* DNS_IPV4, DNS_IPV6 or both */
    struct probe_settings settings;
    int64_t deadline_ms;
};

#define RELAY_DETAIL 384

struct relay_check_result {
    enum relay_proof proof;
    char detail[RELAY_DETAIL]; /* one phrase; never a password, nor a reply that repeats one */
    int code;                  /* of the reply that decided, 0 without one */
    bool has_address;          /* an address was at least tried; the last one: */
    struct address address;
    bool reachable;        /* a SYN-ACK or RST came */
    bool is_control;       /* and it came from off-link, so that it proves the network to be up */
    char protocol[16];     /* "TLSv1.3"; empty without TLS */
    bool verified;         /* the certificate was good for the host's name */
    bool starttls_missing; /* not offered where it was needed, or refused for good */
    bool auth_offered;     /* under TLS; by these mechanisms, with single spaces: */
    char auth[256];
    bool has_days_left;
    int days_left;    /* of the certificate, negative when expired */
    int64_t total_ms; /* until the proof stood or failed; QUIT does not count */
};

/* RESULT is valid during the call alone; the check is gone when it returns. */
typedef void relay_check_done(const struct relay_check_result *result, void *context);

struct relay_check;

/* The callback comes once, always from the loop. DNS must outlive the check. Never NULL. */
struct relay_check *relay_check_start(struct event_base *base, struct dns *dns,
                                      const struct relay_check_plan *plan,
                                      relay_check_done *callback, void *context);

/* Ends the check without its callback. NULL is allowed; so is the call inside the callback. */
void relay_check_stop(struct relay_check *check);

#endif
