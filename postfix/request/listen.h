/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listener for hosts without systemd: what Accept=yes does there. It reads nothing from
 * anybody; each connection becomes standard input and output of a fresh detour-apply.
 */
#ifndef DETOURD_POSTFIX_LISTEN_H
#define DETOURD_POSTFIX_LISTEN_H

#include "lib/config.h"

/* Requests at the same time, lingering ones included; another is answered "busy". */
#define LISTEN_CHILDREN_MAX 8

/* Serves until SIGTERM or SIGINT. The exit status of the program. */
int listen_run(const struct config *config, const char *path);

#endif
