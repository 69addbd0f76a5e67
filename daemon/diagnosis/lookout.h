/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's circumstances, and when they are looked for: a trace when a round begins to suspect
 * a block, and again from time to time while it lasts; how this host looks to mail operators at the
 * start, once a day, and more often while they turn it away.
 */
#ifndef DETOURD_LOOKOUT_H
#define DETOURD_LOOKOUT_H

#include "daemon/diagnosis/circumstances.h"
#include "daemon/round/identity.h"
#include "daemon/round/round.h"
#include "lib/config.h"
#include "lib/relay_catalogue.h"
#include <event2/event.h>

struct lookout;

/* Refers to CONFIG and RELAYS (which may be NULL); they and DNS must outlive it. TRUST (or NULL) is
 * held. Never NULL. */
struct lookout *lookout_new(struct event_base *base, struct dns *dns, const struct config *config,
                            const struct relay_catalogue *relays, struct tls_trust *trust);
/* NULL is allowed. */
void lookout_free(struct lookout *lookout);

/* How this host goes out, before anything is looked for; where that has changed, what was seen so
 * far is forgotten. */
void lookout_identity(struct lookout *lookout, const struct identity *identity);

/* From a round's observer. */
void lookout_suspected(struct lookout *lookout, enum family family,
                       const struct round_result *so_far);
void lookout_round(struct lookout *lookout, const struct round_result *result);

/* Valid until the loop goes on; NULL before lookout_identity. */
const struct circumstances_seen *lookout_seen(const struct lookout *lookout);

#endif
