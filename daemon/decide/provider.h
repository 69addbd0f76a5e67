/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose network a host stands in, by the catalogue of providers: by what the machine says of
 * itself, else by cloud-init's word, else by the reverse names of its public addresses, which
 * anybody may have chosen.
 */
#ifndef DETOURD_DECIDE_PROVIDER_H
#define DETOURD_DECIDE_PROVIDER_H

#include "lib/endpoint.h"
#include "lib/machine.h"
#include "lib/provider_catalogue.h"
#include <stdbool.h>
#include <stddef.h>

enum recognition { RECOGNISED_BY_DMI, RECOGNISED_BY_CLOUD_INIT, RECOGNISED_BY_REVERSE_NAME };

/* "dmi", "cloud-init" or "reverse-name". */
const char *recognition_name(enum recognition by);

struct recognised {
    const struct provider *provider; /* the catalogue's */
    enum recognition by;
    char evidence[HOST_MAX + 32]; /* "sys_vendor Hetzner", "name mail.example.com" */
};

/* False where nothing of the catalogue fits. MACHINE may be NULL. Of several that fit in the same
 * way, the one with the longest domain is it, else the first of the catalogue. */
bool provider_recognise(const struct provider_catalogue *catalogue, const struct machine *machine,
                        const char *const reverse_names[], size_t count, struct recognised *out);

#endif
