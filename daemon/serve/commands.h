/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands. */
#ifndef DETOURD_SERVE_COMMANDS_H
#define DETOURD_SERVE_COMMANDS_H

#include "daemon/serve/client.h"

/* Runs the command in LINE, which is changed. Every command ends in client_say or client_say_json,
 * at once or after client_wait. */
void commands_run(struct client *client, char *line);

#endif
