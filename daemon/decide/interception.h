/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who was answered by somebody else than the operator that was asked: a transparent proxy or a
 * firewall that rewrites SMTP. Pure. One sign is enough for a host, in this order:
 *
 *   name         one name in banner or EHLO reply for unrelated targets
 *   certificate  one certificate for unrelated targets
 *   authority    certificates of unrelated targets known to have good ones come from one unknown
 *                authority, and none of such a target verifies
 *   stripped     STARTTLS is missing at most of the targets known to offer it
 *   masked       banner or EHLO reply are masked
 *
 * Two hosts are unrelated when their names have different organisational domains, no host of the
 * one target shares a network with any of the other, be it by way of a third (operators.h), and the
 * catalogue does not know them for one operator's. The name or
 * the certificate that they share counts only where it lies under the domain of neither. Many
 * domains share the hosts of Google Workspace or Microsoft 365, be it under names of their own:
 * what is known for an operator's name is to be left out by the caller. A host whose certificate is
 * good for its name is who it says it is, whatever else is seen.
 */
#ifndef DETOURD_INTERCEPTION_H
#define DETOURD_INTERCEPTION_H

#include "lib/probe_tls.h"
#include <stdbool.h>
#include <stddef.h>

/* Strings are never NULL; empty ones say nothing. */
struct interception_host {
    size_t target;           /* the number of its target: hosts of one share it */
    const char *target_name; /* for the detail, "gmail.com" */
    const char *host;        /* the MX host's name; empty for a literal, which is never unrelated */
    const char *network;     /* as address_network() has it */
    const char *operator_name; /* of the catalogue */
    const char *banner_name, *ehlo_name;
    const char *certificate_name, *certificate; /* certificate and issuer: fingerprints */
    const char *issuer;                         /* only where it is not known */
    enum probe_tls known;                       /* before the probe */
    bool answered;                              /* EHLO with 250 */
    bool starttls_offered, verified, masked;
};

enum interception_sign {
    INTERCEPTION_NONE,
    INTERCEPTION_NAME,
    INTERCEPTION_CERTIFICATE,
    INTERCEPTION_AUTHORITY,
    INTERCEPTION_STRIPPED,
    INTERCEPTION_MASKED,
};

#define INTERCEPTION_DETAIL 256

struct interception {
    enum interception_sign sign;
    bool false_certificate; /* TLS was led through a certificate that is not the operator's */
    char detail[INTERCEPTION_DETAIL]; /* what was seen; empty without a sign */
};

/* HOSTS stand in the order of their targets; OUT has COUNT of them. */
void interception_find(const struct interception_host *hosts, size_t count,
                       struct interception *out);

/* The part of HOST that one organisation has: its last two labels, and three where the second is
 * one of those under which countries give out names ("co.uk", "com.au", "ne.jp"). Inside HOST. */
const char *organisational_domain(const char *host);

#endif
