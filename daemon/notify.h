/* SPDX-License-Identifier: BSD-2-Clause */
/* What the service manager wants to hear (sd_notify(3)); silence where there is none. */
#ifndef DETOURD_NOTIFY_H
#define DETOURD_NOTIFY_H

#include <event2/event.h>

struct notify;

/* Pings the watchdog from the loop at half its interval, where there is one. */
struct notify *notify_new(struct event_base *base);
void notify_free(struct notify *notify);

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
