/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the one request line from a descriptor: bounded in length and in time. */
#ifndef DETOURD_POSTFIX_INTAKE_H
#define DETOURD_POSTFIX_INTAKE_H

#include "lib/request.h"
#include "postfix/base/why.h"

/* A caller has so long for its line. */
#define INTAKE_TIMEOUT_MS 10000

/* 0, or -1 with the reason why this is no request. */
int intake_read(int fd, int timeout_ms, struct request *request, struct why *why);

/* Throws away what the caller sent beyond its request: the end of a socket with unread bytes would
 * reset the connection, and the caller would never see its answer. */
void intake_discard(int fd);

#endif
