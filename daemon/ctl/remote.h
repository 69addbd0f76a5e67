/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking detourd over its control socket, one line and its answer. */
#ifndef DETOURD_CTL_REMOTE_H
#define DETOURD_CTL_REMOTE_H

#include "daemon/ctl/command.h"
#include "lib/config.h"
#include <stdbool.h>

/* The configuration, or the defaults. One that is wrong is no reason not to ask: detourd may well
 * run on the one before, at the usual place. The caller frees it. */
struct config *ctl_config(const struct ctl *ctl);

/* The same for what tells of this host by it: NULL, with all that is wrong on stderr. */
struct config *ctl_config_right(const struct ctl *ctl);

/* Connects; false, with a word on stderr, when nobody answers. */
bool remote_reach(const struct config *config, int *fd);

/* The answer to LINE, which the caller frees; NULL, with a word on stderr, when there is none. FD
 * is closed. */
char *remote_ask(int fd, const char *line);

/* The exit status that a text answer stands for. */
int remote_code(const char *text);

/* Prints an answer without the empty line at its end, which is the protocol's. */
void remote_print(char *text);

#endif
