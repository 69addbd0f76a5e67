/* SPDX-License-Identifier: BSD-2-Clause */
/* A short list of TCP ports. */
#ifndef DETOURD_PORTS_H
#define DETOURD_PORTS_H

#include "lib/conf_file.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORTS_MAX 8

struct ports {
    uint16_t port[PORTS_MAX];
    size_t count;
};

bool ports_contain(const struct ports *ports, uint16_t port);

/* Ports where TLS starts with the first byte (RFC 8314 3.3, and the usual alternative). */
bool port_is_implicit_tls(uint16_t port);

/* The list OPT of SECTION; complains about what is no port, and about too many. */
struct ports ports_read(struct conf_file *file, cfg_t *section, const char *opt);

#endif
