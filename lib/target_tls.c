/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/target_tls.h"

enum probe_tls target_tls(const struct config *config, const struct operator_catalogue *catalogue,
                          const struct endpoint *target)
{
    const struct probe_config *probe = &config->probe;
    const struct mail_operator *known = NULL;

    for (size_t i = 0; i < probe->tls_policy_count; i++)
        if (endpoint_equal(&probe->tls_policy[i].target, target))
            return probe->tls_policy[i].tls;
    if (catalogue != NULL && target->use_mx && target->port == 25)
        known = operator_catalogue_target(catalogue, target->host);
    return known != NULL ? known->tls : PROBE_TLS_MAY;
}
