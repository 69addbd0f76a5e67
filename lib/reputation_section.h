/* SPDX-License-Identifier: BSD-2-Clause */
/* "reputation { ... }" of detourd.conf, read and checked. */
#ifndef DETOURD_REPUTATION_SECTION_H
#define DETOURD_REPUTATION_SECTION_H

#include "lib/conf_file.h"
#include "lib/config.h"

extern cfg_opt_t reputation_section_opts[];

/* Fills OUT, whatever is wrong with SECTION: that is complained about. */
void reputation_section_read(struct conf_file *file, cfg_t *section, struct reputation_config *out);
/* Frees what OUT holds. */
void reputation_section_free(struct reputation_config *out);

#endif
