/* SPDX-License-Identifier: BSD-2-Clause */
/* Of a relay section: whose mail goes by the relay, and under which names. */
#ifndef DETOURD_RELAY_SCOPE_H
#define DETOURD_RELAY_SCOPE_H

#include "lib/conf_file.h"
#include "lib/config.h"

/* senders, rewrite and null_sender, in this order of reading. SERVICE is what the catalogue knows
 * of the relay. A sender that is rewritten into the scope is in it too. */
void relay_scope_read(struct conf_file *file, cfg_t *section, const struct relay_service *service,
                      enum method method, struct relay *relay);
void relay_scope_free(struct relay *relay);

#endif
