/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How this host goes out: Postfix's HELO name, source addresses and families where there is a
 * Postfix to ask (postconf(1)), this host's name and both families otherwise. A probe from another
 * source address would prove nothing about Postfix's.
 */
#ifndef DETOURD_CTL_IDENTITY_H
#define DETOURD_CTL_IDENTITY_H

#include "daemon/probe/probe.h"
#include <stdbool.h>

struct identity {
    struct probe_settings settings;
    bool families[FAMILIES];
};

/* CONFIG_DIRECTORY is Postfix's. */
void identity_find(const char *config_directory, struct identity *out);

#endif
