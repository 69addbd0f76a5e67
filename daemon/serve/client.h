/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to the control socket. Each speaks in lines, and one that never reads or never writes
 * is cut off and costs the others nothing.
 */
#ifndef DETOURD_SERVE_CLIENT_H
#define DETOURD_SERVE_CLIENT_H

#include "daemon/act/apply_client.h"
#include "daemon/engine/engine.h"
#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

struct client;

struct engine *client_engine(const struct client *client);
struct event_base *client_base(const struct client *client);
bool client_may_change(const struct client *client);

/* Ends the command with a text; an empty line is added. */
void client_say(struct client *client, const char *text);

/* Ends the command with one line of JSON; takes the reference. */
void client_say_json(struct client *client, json_t *document);

/* The answer comes later: reading stops until client_say. CALL, if not NULL, is ended when the
 * client goes away before. */
void client_wait(struct client *client, struct apply_call *call);

/*
 * For the socket
 */

/* Runs the command in LINE, which is changed; it ends in client_say or client_say_json, at once or
 * after client_wait. */
typedef void client_run(struct client *client, char *line);

struct clients;

/* ENGINE must outlive them. Never NULL. */
struct clients *clients_new(struct event_base *base, struct engine *engine, client_run *run);
/* Closes every connection. */
void clients_free(struct clients *clients);

/* Takes FD over; with too many of them it is closed. */
void clients_add(struct clients *clients, int fd, bool may_change);

#endif
