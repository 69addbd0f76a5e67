/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server offers, from its reply to EHLO (RFC 5321 4.1.1.1). */
#ifndef DETOURD_EHLO_H
#define DETOURD_EHLO_H

#include "lib/address.h"
#include "lib/endpoint.h"
#include <stdbool.h>
#include <stdint.h>

struct ehlo {
    char name[HOST_MAX + 1]; /* what the server calls itself; cut where it is longer */
    bool has_client;         /* the server shows this end's address: see seen_address.h */
    struct address client;
    bool masked;       /* something between has rewritten it: see masked.h */
    bool starttls;     /* RFC 3207 */
    bool eightbitmime; /* RFC 6152 */
    bool smtputf8;     /* RFC 6531 */
    bool has_size;     /* RFC 1870 */
    uint64_t size;     /* the limit in bytes; 0 for none or unknown */
    bool has_auth;
    char auth[256]; /* mechanisms in upper case with single spaces, each once (RFC 4954) */
};

/* TEXT is the text of a reply as struct smtp_reply has it, lines joined by newlines. */
void ehlo_parse(const char *text, struct ehlo *out);

#endif
