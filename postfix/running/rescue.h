/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rescue of deliveries that hang in a block. When port 25 is dropped in silence, each smtp(8)
 * waits 30 s (smtp_connect_timeout) at each of its message's addresses, and as many messages as
 * there may be smtp(8) processes hold up all others. After a switch to a relay those half-open
 * connections lead nowhere: they are ended, smtp(8) defers the message, and the flush that follows
 * sends it by the relay. Nothing can get lost or go out twice: a connection that is not
 * established yet has carried nothing.
 *
 * Only this instance's smtp(8) processes are freed, and of them only those that know no more than
 * the main.cf before: what was started later belongs to the new route, the relay's own connections
 * among it. A connection is ended when its SYN was sent again at least once and its peer is not
 * local (local_networks.h); an established one never.
 */
#ifndef DETOURD_POSTFIX_RESCUE_H
#define DETOURD_POSTFIX_RESCUE_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/running/processes.h"

struct rescue {
    unsigned deliveries;   /* that were freed */
    unsigned connections;  /* that were ended for it */
    unsigned rounds;       /* how often that one which was freed most */
    unsigned left;         /* deliveries that hang and should not; HUNG has local ones too */
    struct processes hung; /* whose deliveries need another flush when they have let go */
    struct why unable;     /* why the kernel does not let us, and what to do; else "" */
};

/* Frees those of OLD that hang, and returns when none hangs any more, each was freed six times
 * (an smtp(8) goes on to its next address, five by default), or 15 s are over. Ended by
 * rescue_free. */
void rescue_run(const struct config *config, const struct processes *old, struct rescue *rescue);
void rescue_free(struct rescue *rescue);

/* "100 deliveries freed ..." into OUT, of at least WHY_MAX bytes; false when nothing hung. */
bool rescue_text(const struct rescue *rescue, char *out);

#endif
