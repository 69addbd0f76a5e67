/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The macros of SPF (RFC 7208 7): "%{ir}.%{v}._spf.%{d2}". Pure.
 */
#ifndef DETOURD_SPF_MACRO_H
#define DETOURD_SPF_MACRO_H

#include "lib/address.h"
#include "lib/endpoint.h"
#include <stdbool.h>
#include <stddef.h>

/* What the letters stand for; no string may be NULL. */
struct spf_values {
    struct address address;    /* i, v */
    const char *local;         /* l; s is LOCAL@SENDER_DOMAIN */
    const char *sender_domain; /* o */
    const char *domain;        /* d: the one whose record is evaluated */
    const char *helo_name;     /* h */
    const char *validated;     /* p: a reverse name that leads back, or "unknown" */
};

/* Whether the LEN bytes are a macro-string (7.1), without the letters that only explanations may
 * have. */
bool spf_macro_valid(const char *text, size_t len);

/* Whether they are a domain-spec: a macro-string that ends in a macro or in a top label. */
bool spf_domain_spec_valid(const char *text, size_t len);

/* Whether SPEC holds the letter p. */
bool spf_macro_wants_validated(const char *spec);

/* SPEC, a valid domain-spec, with its macros expanded, as a name without a final dot; from a name
 * that is too long, labels are taken on the left (7.3). False when none is left. */
bool spf_macro_expand(const char *spec, const struct spf_values *values, char out[HOST_MAX + 1]);

#endif
