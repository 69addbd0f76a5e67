/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a target's TLS on port 25 before it is probed, in the words of Postfix's levels
 * (TLS_README, "SMTP client TLS security levels"). Ordered: each one holds what the ones before it
 * say.
 */
#ifndef DETOURD_PROBE_TLS_H
#define DETOURD_PROBE_TLS_H

#include <stdbool.h>

enum probe_tls {
    PROBE_TLS_MAY,     /* nothing */
    PROBE_TLS_ENCRYPT, /* it offers STARTTLS */
    PROBE_TLS_SECURE,  /* and its certificate is good for the MX host's name */
};

/* "may", "encrypt", "secure"; ended by NULL. */
extern const char *const probe_tls_words[];

/* False when TEXT is none of the words. */
bool probe_tls_parse(const char *text, enum probe_tls *out);

#endif
