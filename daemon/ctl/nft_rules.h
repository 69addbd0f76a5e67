/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what "nft -j list ruleset" prints (libnftables-json(5)), and from "nft -a list ruleset" the
 * text of the rules, which the first does not have.
 */
#ifndef DETOURD_CTL_NFT_RULES_H
#define DETOURD_CTL_NFT_RULES_H

#include "daemon/ctl/packet_filter.h"

/* Adds the tables in JSON to FILTER, but for those that iptables-nft-save(8) has shown already,
 * since nft cannot show what iptables' extensions ask for. TEXT, which is changed, may be NULL.
 * False where JSON is none; what cannot be understood in it is a condition, never an error. */
bool nft_rules_read(struct packet_filter *filter, const char *json, char *text);

#endif
