/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/target_knowledge.h"

#include "lib/log.h"
#include "lib/memory.h"
#include "lib/target_tls.h"
#include <stdlib.h>
#include <string.h>

/* Without the catalogue less is known, which is no reason to give up. */
static struct operator_catalogue *load_operators(const struct config *config)
{
    struct complaints *complaints = complaints_new();
    struct operator_catalogue *operators =
        operator_catalogue_load(config->catalogue_directory, complaints);

    if (operators == NULL)
        log_debug("%s", complaints_line(complaints, 0, NULL));
    complaints_free(complaints);
    return operators;
}

static struct tls_trust *load_trust(struct tls_trust *shared)
{
    char why[256];

    if (shared != NULL)
        return tls_trust_hold(shared);
    struct tls_trust *trust = tls_trust_system(why, sizeof why);
    if (trust == NULL)
        log_warning("probes go without TLS, since nothing could be verified: %s", why);
    return trust;
}

void target_knowledge_collect(const struct config *config, const struct endpoint *targets,
                              size_t count, struct tls_trust *shared, struct target_knowledge *out)
{
    out->operators = load_operators(config);
    out->trust = load_trust(shared);
    out->tls = memory_zero(count, sizeof *out->tls);
    for (size_t i = 0; i < count; i++)
        out->tls[i] = target_tls(config, out->operators, &targets[i]);
}

void target_knowledge_free(struct target_knowledge *k)
{
    operator_catalogue_free(k->operators);
    tls_trust_free(k->trust);
    free(k->tls);
    memset(k, 0, sizeof *k);
}

void target_knowledge_fill_in(const struct target_knowledge *k, struct round_plan *plan)
{
    plan->operators = k->operators;
    plan->tls = k->tls;
    plan->trust = k->trust;
}
