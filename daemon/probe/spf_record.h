/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SPF record, parsed (RFC 7208 4.6, 5, 6). Pure: the bytes may be anybody's.
 */
#ifndef DETOURD_SPF_RECORD_H
#define DETOURD_SPF_RECORD_H

#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>

/* RFC 7208 2.6. */
enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR,
};

/* "none", "neutral", ... */
const char *spf_result_name(enum spf_result result);

enum spf_mechanism {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
};

struct spf_term {
    enum spf_mechanism mechanism;
    enum spf_result result;    /* of a match, by the qualifier */
    char *text;                /* as it stands in the record */
    char *domain;              /* a domain-spec, macros and all; NULL where there is none */
    struct address network;    /* of ip4 and ip6 */
    unsigned prefix[FAMILIES]; /* in bits; of ip4 and ip6 the one of their family alone */
};

struct spf_record {
    struct spf_term *terms;
    size_t count;
    char *redirect; /* a domain-spec, or NULL */
};

/* Whether the text claims to be an SPF record of version 1 (4.5). */
bool spf_record_is(const char *text, size_t len);

/* 0, or -1 with what is wrong in WHY, printable if TEXT is; OUT is to be freed only after 0. */
int spf_record_parse(const char *text, size_t len, struct spf_record *out, char *why,
                     size_t whylen);
void spf_record_free(struct spf_record *record);

/* Whether ADDRESS lies within the first PREFIX bits of NETWORK. */
bool spf_network_holds(const struct address *network, unsigned prefix,
                       const struct address *address);

#endif
