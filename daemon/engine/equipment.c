/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/engine/equipment.h"

#include "lib/config_load.h"
#include "lib/memory.h"
#include <stdlib.h>

static void fill(struct equipment *e, struct event_base *base, struct dns *dns)
{
    const struct config *config = e->config;

    e->catalogue = relay_catalogue_load_quietly(config->catalogue_directory);
    control_hosts_collect(config, e->catalogue, &e->controls);
    target_knowledge_collect(config, config->probe.targets, config->probe.target_count,
                             relays_system_trust(e->relays), &e->knowledge);
    e->lookout = lookout_new(base, dns, config, e->catalogue, e->knowledge.trust);
}

struct equipment *equipment_new(struct event_base *base, struct dns *dns, struct config *config,
                                gid_t group, char *why, size_t whylen)
{
    struct equipment *e = memory_zero(1, sizeof *e);

    e->config = config;
    e->relays = relays_new(base, dns, config, group, why, whylen);
    if (e->relays == NULL) {
        equipment_free(e);
        return NULL;
    }
    fill(e, base, dns);
    return e;
}

void equipment_free(struct equipment *e)
{
    if (e == NULL)
        return;
    lookout_free(e->lookout);
    control_hosts_free(&e->controls);
    target_knowledge_free(&e->knowledge);
    relays_free(e->relays);
    relay_catalogue_free(e->catalogue);
    config_free(e->config);
    free(e);
}
