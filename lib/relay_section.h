/* SPDX-License-Identifier: BSD-2-Clause */
/* "relay NAME { ... }" of detourd.conf, read and checked. */
#ifndef DETOURD_RELAY_SECTION_H
#define DETOURD_RELAY_SECTION_H

#include "lib/conf_file.h"
#include "lib/config.h"

extern cfg_opt_t relay_section_opts[];

/* Fills RELAY, whatever is wrong with SECTION: that is complained about. */
void relay_section_read(struct conf_file *file, cfg_t *section,
                        const struct relay_catalogue *catalogue, enum method method,
                        struct relay *relay);
/* Frees what RELAY holds. */
void relay_section_free(struct relay *relay);

#endif
