/* SPDX-License-Identifier: BSD-2-Clause */
/* The relays that serve as controls: those of the configuration, then those of the catalogue. */
#ifndef DETOURD_CONTROL_HOSTS_H
#define DETOURD_CONTROL_HOSTS_H

#include "daemon/round/controls.h"
#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <stddef.h>

struct control_hosts {
    struct control_host *hosts;
    size_t count;
    char **names; /* those that had to be made */
    size_t name_count;
};

/* The result refers to CONFIG and CATALOGUE (which may be NULL) and must not outlive them. */
void control_hosts_collect(const struct config *config, const struct relay_catalogue *catalogue,
                           struct control_hosts *out);
void control_hosts_free(struct control_hosts *hosts);

#endif
