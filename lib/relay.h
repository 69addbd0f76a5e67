/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mail is a relay's: its sender scope. */
#ifndef DETOURD_RELAY_H
#define DETOURD_RELAY_H

#include "lib/config.h"
#include <stdbool.h>

/* Whether mail from the envelope sender SENDER goes by RELAY; "" is the null sender. As Postfix
 * looks it up (postconf(5) sender_dependent_default_transport_maps): the whole address, the address
 * without its extension, or its "@domain", in any case, never a parent domain. DELIMITERS is
 * Postfix's recipient_delimiter, "" for none. */
bool relay_takes(const struct relay *relay, const char *sender, const char *delimiters);

/* Whether there is no sender whose mail does not go by RELAY. */
bool relay_takes_all(const struct relay *relay);

#endif
