/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what the machine says of itself, with no privilege and no network: sysfs's DMI strings and
 * the word that cloud-init leaves in /run/cloud-init/cloud-id (cloud-id(1)). */
#ifndef DETOURD_HOST_FACTS_H
#define DETOURD_HOST_FACTS_H

#include "lib/machine.h"

/* Below the directory ROOT, "" for the machine itself. Whatever cannot be read is left empty. */
void host_facts_read(const char *root, struct machine *out);

#endif
