/* SPDX-License-Identifier: BSD-2-Clause */
/* All that depends on the configuration, built whole before anything of the old one goes. */
#ifndef DETOURD_EQUIPMENT_H
#define DETOURD_EQUIPMENT_H

#include "daemon/diagnosis/lookout.h"
#include "daemon/engine/relays.h"
#include "daemon/probe/dns.h"
#include "daemon/round/control_hosts.h"
#include "daemon/round/target_knowledge.h"
#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <event2/event.h>
#include <stddef.h>
#include <sys/types.h>

struct equipment {
    struct config *config;
    struct relays *relays;
    struct relay_catalogue *catalogue; /* NULL where it cannot be read */
    struct control_hosts controls;
    struct target_knowledge knowledge;
    struct lookout *lookout;
};

/* Owns CONFIG from here on; DNS must outlive it. GROUP may read the password files besides root.
 * NULL with a reason in WHY (CONFIG is then freed). */
struct equipment *equipment_new(struct event_base *base, struct dns *dns, struct config *config,
                                gid_t group, char *why, size_t whylen);
/* NULL is allowed. */
void equipment_free(struct equipment *equipment);

#endif
