/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mail is a relay's: its sender scope. */
#ifndef DETOURD_RELAY_H
#define DETOURD_RELAY_H

#include "lib/config.h"
#include <stdbool.h>

/* Whether mail from the envelope sender SENDER goes by RELAY; "" is the null sender. As Postfix
 * looks it up (postconf(5) sender_dependent_default_transport_maps): the whole address or its
 * "@domain", in any case, never a parent domain. Address extensions are not taken off, since the
 * recipient delimiter is Postfix's to know. */
bool relay_takes(const struct relay *relay, const char *sender);

#endif
