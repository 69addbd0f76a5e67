/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be proved of a relay's service (proof.h), and what can come of it. */
#ifndef DETOURD_POSTFIX_PROOF_PLAN_H
#define DETOURD_POSTFIX_PROOF_PLAN_H

#include <stdint.h>

/* Longer than master(8) holds back a service that could not start (service_throttle_time, 60 s),
 * so that a proof right after a repair succeeds. */
#define PROOF_TIMEOUT_MS 90000

enum proof_result {
    PROOF_GOOD,
    PROOF_REFUSED, /* reached through TLS and AUTH, but the relay refuses this sender or recipient;
                      the reason has its words */
    PROOF_FAILED,  /* the reason has Postfix's words */
    PROOF_UNKNOWN  /* the probe could not be made, or nothing was heard of it; with a reason */
};

struct proof_plan {
    const char *sender;    /* from proof_sender; Postfix leads it to the service */
    const char *recipient; /* such as postmaster@HOST */
    const char *host;      /* the relay's, as in the nexthop, without brackets */
    uint16_t port;
    const char *service; /* its name in master.cf */
    int timeout_ms;      /* of it all; 0 for PROOF_TIMEOUT_MS */
};

#endif
