/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which rule of this host's own packet filter keeps port 25 from going out: what nft(8),
 * iptables-save(8) and ip6tables-save(8) (both kinds) show to be in force, and whether ufw(8) or
 * firewalld(1) made it. Their configuration files are not read.
 *
 * A rule is followed from the chains on the way out (output, postrouting, egress, and forward where
 * that is asked for) through jumps. It counts for a new connection to port 25 of an address that is
 * not known: see packet_filter.h.
 */
#ifndef DETOURD_CTL_LOCAL_RULES_H
#define DETOURD_CTL_LOCAL_RULES_H

#include "daemon/ctl/packet_filter.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCAL_RULES_MS  3000
#define LOCAL_RULES_MAX 16
#define LOCAL_RULE_NAME 64
#define LOCAL_RULE_TEXT 256

struct local_rule {
    const char *tool;            /* "nft", "iptables", "ip6tables", "iptables-legacy",
                                    "ip6tables-legacy", "ufw", "firewalld" */
    const char *family;          /* "ip", "ip6", "inet", "netdev" */
    char table[LOCAL_RULE_NAME]; /* all printable */
    char chain[LOCAL_RULE_NAME];
    char text[LOCAL_RULE_TEXT]; /* the rule as the tool prints it, "policy drop" for a policy */
    bool rejects;               /* says no; else it drops in silence */
    bool is_policy;
    bool certain;          /* it depends on nothing but the port */
    unsigned conditions;   /* else on this, of enum rule_condition */
    bool blocks[FAMILIES]; /* whose packets */
};

enum local_rules_state {
    LOCAL_RULES_SEEN,       /* all that is in force */
    LOCAL_RULES_INCOMPLETE, /* one tool or other failed, see DETAIL */
    LOCAL_RULES_NOT_ROOT,   /* only root may look */
    LOCAL_RULES_NO_TOOL,    /* neither nft nor iptables is there */
};

struct local_rules {
    enum local_rules_state state;
    char detail[160]; /* why it could not look, or not at all; empty otherwise */
    size_t count;     /* of RULES */
    bool more;        /* there are more than fit */
    struct local_rule rules[LOCAL_RULES_MAX];
};

/* Blocks, until DEADLINE_MS on clock_mono_ms() at most. */
void local_rules_look(bool forwarded, int64_t deadline_ms, struct local_rules *out);

/* The same for a filter that has been read. */
void local_rules_judge(const struct packet_filter *filter, bool forwarded, struct local_rules *out);

#endif
