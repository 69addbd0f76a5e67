/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This host's packet filter as far as it concerns a SYN to port 25 that a program here sends: for
 * each rule, whether such a packet can match it, on what else that depends, and what the rule does
 * with it. Readers fill it (nft_rules.h, iptables_rules.h); packet_filter_search() follows the
 * packet through it.
 */
#ifndef DETOURD_CTL_PACKET_FILTER_H
#define DETOURD_CTL_PACKET_FILTER_H

#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>

/* On what a match depends that is not known of the packet. */
enum rule_condition {
    CONDITION_USER = 1,      /* whose the connection is: Postfix's may be let through */
    CONDITION_INTERFACE = 2, /* where it goes out */
    CONDITION_ADDRESS = 4,   /* from where or whither */
    CONDITION_OTHER = 8,
};

enum rule_action {
    RULE_NONE, /* goes on with the next rule */
    RULE_ACCEPT,
    RULE_DROP,
    RULE_REJECT,
    RULE_RETURN,
    RULE_JUMP,
    RULE_GOTO,
};

enum filter_hook { HOOK_NONE, HOOK_OUTPUT, HOOK_FORWARD };

struct filter_rule {
    bool excluded[FAMILIES]; /* such a packet never matches */
    unsigned conditions;     /* of enum rule_condition; 0: it always matches */
    bool names_port;         /* it asks for the port */
    enum rule_action action;
    char *target; /* of a jump or goto, otherwise NULL */
    char *text;   /* as the tool prints it; may be NULL */
};

struct filter_chain {
    char *name;
    enum filter_hook hook;
    bool drops; /* its policy */
    size_t rule_count;
    struct filter_rule *rules;
};

struct filter_table {
    const char *tool;   /* "nft", "iptables", ... */
    const char *family; /* "ip", "ip6", "inet", "netdev" */
    char *name;
    size_t chain_count;
    struct filter_chain *chains;
    size_t recent; /* index of the chain that was last looked for */
};

struct packet_filter {
    size_t table_count;
    struct filter_table *tables;
};

/* Chains and tables are found or made; a pointer holds until the next one is made. TOOL is one of
 * the constants that the readers are given, and compared as a pointer. NULL for a FAMILY that is
 * none of the words above. */
struct filter_table *packet_filter_table(struct packet_filter *filter, const char *tool,
                                         const char *family, const char *name);
struct filter_chain *filter_chain(struct filter_table *table, const char *name);

/* A new rule at the end of CHAIN that no family is excluded from. */
struct filter_rule *filter_rule(struct filter_chain *chain);

/* Frees what is in FILTER. */
void packet_filter_clear(struct packet_filter *filter);

/* One rule, or policy, that drops or rejects the packet. */
struct blocking_rule {
    const struct filter_table *table;
    const struct filter_chain *chain;
    const struct filter_rule *rule; /* NULL: the policy of CHAIN */
    unsigned conditions;            /* 0: nothing that depends on more than the port */
    bool blocks[FAMILIES];
};

/* Fills OUT, which holds MAX, and returns how many there are, which may be more. FORWARDED: also
 * what other hosts' packets meet here. */
size_t packet_filter_search(const struct packet_filter *filter, bool forwarded,
                            struct blocking_rule *out, size_t max);

#endif
