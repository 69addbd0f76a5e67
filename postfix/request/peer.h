/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may ask. */
#ifndef DETOURD_POSTFIX_PEER_H
#define DETOURD_POSTFIX_PEER_H

#include <stdbool.h>

/* Whether FD is no socket at all (root's own pipe or terminal), or a UNIX socket whose other end
 * belongs to root or USER (SO_PEERCRED). */
bool peer_allowed(int fd, const char *user);

#endif
