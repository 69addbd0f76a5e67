/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose doing it is that mail does not get out as it should, for one address family. Pure.
 *
 * A cause is named only where the evidence carries it. With the verdict `blocked`, the first row
 * that fits:
 *
 *   a rule of this host's own acts on port 25            local-rule
 *   this host itself forbids it (EACCES, EPERM)          firewall
 *   packets to port 25 reach the operators               none: the evidence contradicts itself
 *   they are gone before the first router                firewall; but where the host's rules were
 *                                                        looked at and none does it: provider
 *   they are gone behind it, or nothing tells where      provider
 *
 * and with the others:
 *
 *   open          none
 *   remote        recipient
 *   reputation    reputation
 *   intercepted   proxy
 *   unstable      local-rule where there is one; path where controls were lost too; else firewall
 *   offline       network
 *   unknown       dns where no target has an address, and none in the other family; else none
 */
#ifndef DETOURD_CAUSE_H
#define DETOURD_CAUSE_H

#include "daemon/decide/outcome.h"
#include "daemon/decide/verdict.h"
#include <stdbool.h>
#include <stddef.h>

enum cause {
    CAUSE_NONE,
    CAUSE_PROVIDER,
    CAUSE_FIREWALL, /* this host's, or one just outside of it */
    CAUSE_LOCAL_RULE,
    CAUSE_RECIPIENT,
    CAUSE_REPUTATION,
    CAUSE_PATH,
    CAUSE_PROXY,
    CAUSE_NETWORK,
    CAUSE_DNS,
};
#define CAUSES 10

/* "provider", "local-rule", ...; NULL for CAUSE_NONE. */
const char *cause_name(enum cause cause);

/* Where packets to port 25 end, as far as a trace or who answered in the target's place tells. */
enum cause_place {
    PLACE_UNKNOWN,
    PLACE_HERE,   /* no router gets them, though the first one gets those to other ports */
    PLACE_BEHIND, /* at a router, or behind it */
    PLACE_TARGET, /* nowhere: the target itself answers */
};

enum cause_rules {
    RULES_UNKNOWN, /* nobody could look: no root, or no tool */
    RULES_NONE,    /* none that acts on port 25 */
    RULES_FOUND,
};

struct cause_evidence {
    enum verdict_kind verdict;
    size_t outcomes[OUTCOMES];   /* how many targets ended so */
    bool forbidden_here;         /* those that are prohibited were so by this host, not by ICMP */
    enum cause_place refused_at; /* where what refuses or prohibits sits, where that is known */
    enum cause_place silent_at;  /* the same of silence */
    enum cause_rules rules;
    bool controls_lost; /* connections to other ports get lost as well, not all of them */
    bool dns_answers;   /* addresses of the other family were found */
};

enum cause cause_decide(const struct cause_evidence *evidence);

#endif
