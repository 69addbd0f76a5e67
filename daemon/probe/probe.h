/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One probe of one address, on port 25: connect, banner, EHLO, STARTTLS where it is offered and
 * EHLO again, QUIT, under one deadline. It waits for the banner before it speaks, since a server
 * may hold it back on purpose and punish who talks first, and it never begins a mail transaction.
 *
 * A certificate that is not good enough is a failure only where it is known to be good (Postfix
 * does not look at it either unless it was told to); elsewhere the detail of "open" says so.
 *
 * The program has to ignore SIGPIPE.
 */
#ifndef DETOURD_PROBE_H
#define DETOURD_PROBE_H

#include "daemon/decide/outcome.h"
#include "daemon/probe/syn_fate.h"
#include "daemon/probe/tls.h"
#include "lib/address.h"
#include "lib/endpoint.h"
#include "lib/probe_tls.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* How this host goes out, for probes and relay checks alike: as Postfix does. */
struct probe_settings {
    char helo_name[HOST_MAX + 1];
    bool has_source[FAMILIES];
    struct address source[FAMILIES];
};

/* The source address for connections to ADDRESS, or NULL. */
const struct address *probe_source(const struct probe_settings *settings,
                                   const struct address *address);

#define PROBE_DETAIL 256
#define PROBE_BANNER 128

struct probe_result {
    enum outcome outcome;
    struct address address;
    /* This host could not even try (no descriptors, a bad source address). The outcome is
     * "unreachable" then, but it says nothing about the network. */
    bool local_fault;
    bool connected;
    enum syn_fate fate;           /* of a SYN without an answer */
    int code;                     /* of the reply that decided, 0 without one */
    char detail[PROBE_DETAIL];    /* one phrase: "554 5.7.1 ...", "no answer to SYN in 8.0 s" */
    char banner[PROBE_BANNER];    /* the greeting's text, printable; empty without one */
    char ehlo_name[HOST_MAX + 1]; /* what the server calls itself in its reply to EHLO; or empty */
    bool starttls_offered;
    struct tls_info tls;    /* all zero where no handshake began */
    bool certificate_alone; /* "tls-failed" for that: the session went on to its end */
    bool masked; /* the banner or the reply to EHLO, by a firewall between: see masked.h */
    bool has_public_address;
    struct address public_address; /* this host's, as the server shows it; the port is 0 */
    int64_t started_ms;            /* the SYN left, on clock_mono_ms() */
    int64_t connect_ms;            /* until TCP stood or failed */
    int64_t total_ms;              /* until the outcome was known; QUIT does not count */
};

/* RESULT is valid during the call alone; the probe is gone when it returns. */
typedef void probe_done(const struct probe_result *result, void *context);

struct probe;

/* Copied by probe_start. */
struct probe_plan {
    struct address address;
    const char *host;        /* the MX host's name; NULL where the target is a literal */
    enum probe_tls tls;      /* what is known of it */
    struct tls_trust *trust; /* held while the probe runs; NULL: no STARTTLS is tried */
    const struct probe_settings *settings;
    int64_t deadline_ms;
};

/* The callback comes once, always from the loop. Never NULL. */
struct probe *probe_start(struct event_base *base, const struct probe_plan *plan,
                          probe_done *callback, void *context);

/* Ends the probe without its callback. NULL is allowed; so is the call inside the callback. */
void probe_stop(struct probe *probe);

/* What has become of its SYN so far. */
enum syn_fate probe_fate(const struct probe *probe);

/* The moment on clock_mono_ms() when the connection stood; -1 as long as it does not. */
int64_t probe_connected(const struct probe *probe);

/* The moment on clock_mono_ms() when the SYN left. */
int64_t probe_started(const struct probe *probe);

#endif
