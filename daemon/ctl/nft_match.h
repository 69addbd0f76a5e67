/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a SYN to port 25 fits an expression of nft(8)'s, as libnftables-json(5) has it. */
#ifndef DETOURD_CTL_NFT_MATCH_H
#define DETOURD_CTL_NFT_MATCH_H

#include "daemon/ctl/packet_filter.h"
#include <jansson.h>

struct nft_fit {
    bool excluded[FAMILIES]; /* no packet of that family fits */
    unsigned conditions;     /* of enum rule_condition */
    bool names_port;
};

/* Narrows FIT by "LEFT OP RIGHT". SETS is an object that holds the elements of the table's named
 * sets, each an array; OP one of "==", "!=", "in", "<" and so on. */
void nft_match(struct nft_fit *fit, const json_t *sets, const char *op, const json_t *left,
               const json_t *right);

/* No packet fits. */
void nft_exclude(struct nft_fit *fit);

/* The elements of RIGHT: of a named or an anonymous set, or itself as the only one. The array is
 * the caller's to json_decref. */
json_t *nft_elements(const json_t *sets, const json_t *right);

#endif
