/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/own_faults.h"

#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>

static enum certificate_state state_of(const struct probe_result *p)
{
    if (p->outcome == OUTCOME_INTERCEPTED || !p->tls.has_certificate)
        return CERTIFICATE_UNSEEN;
    if (p->tls.verified)
        return CERTIFICATE_GOOD;
    switch (p->tls.fault) {
    case TLS_FAULT_EXPIRED:
    case TLS_FAULT_NOT_YET_VALID:
        return CERTIFICATE_OUT_OF_TIME;
    case TLS_FAULT_UNKNOWN_AUTHORITY:
        return CERTIFICATE_UNKNOWN_AUTHORITY;
    default:
        return CERTIFICATE_OTHERWISE_BAD;
    }
}

static size_t collect(const struct family_result *family, const struct round_plan *plan,
                      struct own_fault_host *hosts, char (*networks)[ADDRESS_TEXT])
{
    size_t count = 0;

    for (size_t i = 0; i < plan->target_count; i++)
        for (size_t h = 0; h < family->targets[i].host_count; h++) {
            const struct probe_result *p = &family->targets[i].hosts[h].probe;
            address_network(&p->address, networks[count]);
            hosts[count] = (struct own_fault_host){
                .target = i,
                .network = networks[count],
                .known_good = plan->tls != NULL && plan->tls[i] >= PROBE_TLS_SECURE,
                .state = state_of(p),
            };
            count++;
        }
    return count;
}

static void excuse(struct probe_result *p)
{
    p->outcome = OUTCOME_OPEN;
    snprintf(p->detail, sizeof p->detail, "220 %.120s; %.120s", p->banner, p->tls.why);
}

static void excuse_all(struct family_result *family, size_t target_count)
{
    for (size_t i = 0; i < target_count; i++) {
        struct target_result *t = &family->targets[i];
        for (size_t h = 0; h < t->host_count; h++)
            if (t->hosts[h].probe.outcome == OUTCOME_TLS_FAILED &&
                t->hosts[h].probe.certificate_alone)
                excuse(&t->hosts[h].probe);
        if (t->host_count > 0)
            target_result_renew(t);
    }
}

void own_faults_mark(struct family_result *family, const struct round_plan *plan)
{
    size_t max = plan->target_count * HOSTS_PER_TARGET;
    struct own_fault_host *hosts = memory_zero(max, sizeof *hosts);
    char(*networks)[ADDRESS_TEXT] = memory_zero(max, sizeof *networks);

    family->own_fault = own_fault_find(hosts, collect(family, plan, hosts, networks));
    if (family->own_fault != OWN_FAULT_NONE)
        excuse_all(family, plan->target_count);
    free(networks);
    free(hosts);
}
