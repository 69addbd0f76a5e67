/* SPDX-License-Identifier: BSD-2-Clause */
/* How one probe of port 25 ended. */
#ifndef DETOURD_OUTCOME_H
#define DETOURD_OUTCOME_H

#include <stdbool.h>

enum outcome {
    OUTCOME_OPEN,        /* 220 and a sane EHLO reply */
    OUTCOME_TIMEOUT,     /* no answer to the SYN until the deadline */
    OUTCOME_REFUSED,     /* RST, or ICMP port-unreachable */
    OUTCOME_UNREACHABLE, /* no route, ICMP net- or host-unreachable */
    OUTCOME_PROHIBITED,  /* ICMP administratively prohibited, or EACCES/EPERM from this host */
    OUTCOME_NO_BANNER,   /* connected, then nothing that is an SMTP greeting */
    OUTCOME_REJECTED,    /* connected, then 4xx or 5xx */
    OUTCOME_NO_STARTTLS,
    OUTCOME_TLS_FAILED,
    OUTCOME_INTERCEPTED,
    OUTCOME_DNS_FAILED, /* no address to probe */
};
#define OUTCOMES 11

/* "open", "no-banner", ...: the word used in status, logs and JSON. */
const char *outcome_name(enum outcome outcome);

/* Whether a TCP connection stood. */
bool outcome_connected(enum outcome outcome);

/* Which of the outcomes of one target's hosts speaks for the target: one host that is open makes
 * it open; short of a connection, an explicit refusal says more than silence. */
enum outcome outcome_better(enum outcome a, enum outcome b);

#endif
