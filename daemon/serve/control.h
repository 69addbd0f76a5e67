/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: text commands, one a line, in the manner of HAProxy's runtime socket.
 *
 * Text answers end with an empty line, JSON answers are one line. Whoever may open the socket may
 * read; changing takes root or the admin group, by SO_PEERCRED and SO_PEERGROUPS. A client that
 * never reads or never writes is cut off and costs the others nothing.
 */
#ifndef DETOURD_SERVE_CONTROL_H
#define DETOURD_SERVE_CONTROL_H

#include "daemon/engine/engine.h"
#include <event2/event.h>
#include <stddef.h>

struct control_server;

/* Listens where CONFIG says. NULL with a reason in WHY. */
struct control_server *control_server_new(struct event_base *base, struct engine *engine,
                                          const struct status_config *config, char *why,
                                          size_t whylen);

/* Closes every connection and removes the socket. */
void control_server_free(struct control_server *server);

/* The configuration was reloaded: who may change things may be different now. */
void control_server_reload(struct control_server *server, const struct status_config *config);

#endif
