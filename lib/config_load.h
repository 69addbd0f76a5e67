/* SPDX-License-Identifier: BSD-2-Clause */
/* detourd.conf, read. */
#ifndef DETOURD_CONFIG_LOAD_H
#define DETOURD_CONFIG_LOAD_H

#include "lib/complaints.h"
#include "lib/config.h"

/* The configuration, or NULL with at least one error in COMPLAINTS. */
struct config *config_load(const char *path, struct complaints *complaints);

/* What a program without a configuration file works with. */
struct config *config_defaults(void);

void config_free(struct config *config);

#endif
