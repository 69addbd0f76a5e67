/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a service of master(8)'s can start at all.
 *
 * A service that ends before it has taken its first request is started again after a minute, and
 * the request waits: nobody but the log says so. But its process is there for a second (msg_fatal
 * sleeps that long), and then gone.
 */
#ifndef DETOURD_POSTFIX_SERVICE_WATCH_H
#define DETOURD_POSTFIX_SERVICE_WATCH_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include <stdbool.h>
#include <stdint.h>

struct service_watch;

/* SERVICE is a name in master.cf that is not its program's. Both must outlive the watch. NULL with
 * a reason. */
struct service_watch *service_watch_begin(const struct config *config, const char *service,
                                          struct why *why);

/* To be called several times a second, with the time as of clock_mono_ms(): since when all of the
 * service's processes that were seen have ended; 0 when one is there, or none was yet. */
int64_t service_watch_look(struct service_watch *watch, int64_t now);

/* Whether a process of the service is there now. */
bool service_watch_lives(const struct service_watch *watch);

/* NULL is allowed. */
void service_watch_free(struct service_watch *watch);

#endif
