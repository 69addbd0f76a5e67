/* SPDX-License-Identifier: BSD-2-Clause */
/* What a round knows of its targets before it probes them, and what it judges certificates by. */
#ifndef DETOURD_TARGET_KNOWLEDGE_H
#define DETOURD_TARGET_KNOWLEDGE_H

#include "daemon/round/round_plan.h"
#include "lib/config.h"

struct target_knowledge {
    struct operator_catalogue *operators; /* NULL where it cannot be read */
    enum probe_tls *tls;                  /* one a target */
    struct tls_trust *trust;              /* NULL where this system has no certificates */
};

/* SHARED is a store of the system's certificates that is there already, or NULL. Without any,
 * probes go without TLS, and a warning is logged. */
void target_knowledge_collect(const struct config *config, const struct endpoint *targets,
                              size_t count, struct tls_trust *shared, struct target_knowledge *out);
void target_knowledge_free(struct target_knowledge *knowledge);

/* KNOWLEDGE must outlive the round. */
void target_knowledge_fill_in(const struct target_knowledge *knowledge, struct round_plan *plan);

#endif
