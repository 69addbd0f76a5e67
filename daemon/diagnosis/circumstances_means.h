/* SPDX-License-Identifier: BSD-2-Clause */
/* What the circumstances are looked for with: from the configuration, the catalogues and the
 * machine itself. */
#ifndef DETOURD_CIRCUMSTANCES_MEANS_H
#define DETOURD_CIRCUMSTANCES_MEANS_H

#include "daemon/diagnosis/circumstances.h"
#include "daemon/diagnosis/submission_hosts.h"
#include "daemon/round/identity.h"
#include "lib/config.h"
#include "lib/relay_catalogue.h"

struct circumstances_means {
    struct submission_hosts hosts;
    struct submission_plan submission;
    struct reputation_relay relays[REPUTATION_RELAYS_MAX];
    struct reputation_plan reputation;
    struct provider_catalogue *providers; /* NULL where it cannot be read */
    struct machine machine;
};

/* Refers to CONFIG, RELAYS (which may be NULL), IDENTITY's sender domain and TRUST (NULL: the
 * system's certificates); all of them must outlive it. MEANS must not be moved. */
void circumstances_means_collect(const struct config *config, const struct relay_catalogue *relays,
                                 const struct identity *identity, struct tls_trust *trust,
                                 struct circumstances_means *means);
void circumstances_means_free(struct circumstances_means *means);

/* A plan that looks for everything. */
struct circumstances_plan circumstances_means_plan(const struct circumstances_means *means);

#endif
