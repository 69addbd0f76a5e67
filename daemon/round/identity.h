/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How this host goes out: HELO name, source addresses, address families. A probe that went out in
 * another way than Postfix's mail would prove nothing about it.
 */
#ifndef DETOURD_IDENTITY_H
#define DETOURD_IDENTITY_H

#include "daemon/probe/probe.h"
#include "lib/config.h"
#include <stdbool.h>

struct identity {
    struct probe_settings settings;
    bool families[FAMILIES];
    char sender_domain[HOST_MAX + 1]; /* empty where it is not known */
};

/* What is known of Postfix, from whoever could ask it; NULL where it is not known. */
struct postfix_identity {
    const char *helo_name; /* smtp_helo_name, expanded */
    const char *bind_address[FAMILIES];
    const char *origin; /* myorigin: the domain that local mail is from, or a file that names it */
    const char *protocols[FAMILIES]; /* of inet_protocols: "ipv4", "ipv6", "all"; NULL-padded */
};

/* What the configuration says stands above Postfix's own; without either, this host's name, no
 * source address and both families. */
void identity_make(const struct probe_config *config, const struct postfix_identity *postfix,
                   struct identity *out);

/* The domain that this host sends for, or NULL. */
const char *identity_sender_domain(const struct identity *identity);

/* The families wanted from the DNS, as a set of DNS_FAMILY(). */
unsigned identity_families(const struct identity *identity);

#endif
