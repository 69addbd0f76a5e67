/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/diagnosis/circumstances_means.h"

#include "daemon/probe/host_facts.h"
#include "lib/complaints.h"
#include "lib/log.h"
#include <string.h>

/* Without the catalogue nobody is recognised, which is no reason to give up. */
static struct provider_catalogue *load_providers(const struct config *config)
{
    struct complaints *complaints = complaints_new();
    struct provider_catalogue *providers =
        provider_catalogue_load(config->catalogue_directory, complaints);

    if (providers == NULL)
        log_debug("%s", complaints_line(complaints, 0, NULL));
    complaints_free(complaints);
    return providers;
}

/* The configured relays of services whose SPF record is known. */
static size_t collect_relays(const struct config *config, const struct relay_catalogue *catalogue,
                             struct reputation_relay *out)
{
    size_t count = 0;

    for (size_t i = 0;
         catalogue != NULL && i < config->relay_count && count < REPUTATION_RELAYS_MAX; i++) {
        const struct relay_service *service =
            relay_catalogue_with_host(catalogue, config->relays[i].host);
        if (service != NULL && service->spf_include != NULL)
            out[count++] = (struct reputation_relay){ .name = config->relays[i].name,
                                                      .spf_include = service->spf_include };
    }
    return count;
}

void circumstances_means_collect(const struct config *config, const struct relay_catalogue *relays,
                                 const struct identity *identity, struct tls_trust *trust,
                                 struct circumstances_means *m)
{
    const struct reputation_config *reputation = &config->reputation;

    memset(m, 0, sizeof *m);
    submission_hosts_collect(config, relays, &m->hosts);
    m->submission = (struct submission_plan){ .hosts = m->hosts.hosts,
                                              .host_count = m->hosts.count,
                                              .families = identity_families(identity),
                                              .trust = trust,
                                              .settings = identity->settings };
    m->reputation = (struct reputation_plan){
        .families = identity_families(identity),
        .settings = identity->settings,
        .sender_domain = reputation->sender_domain != NULL ? reputation->sender_domain
                                                           : identity_sender_domain(identity),
        .dnsbl = (const char *const *)reputation->dnsbl,
        .dnsbl_count = reputation->dnsbl_count,
        .dkim_selectors = (const char *const *)reputation->dkim_selectors,
        .dkim_selector_count = reputation->dkim_selector_count,
        .relays = m->relays,
        .relay_count = collect_relays(config, relays, m->relays),
    };
    m->providers = load_providers(config);
    host_facts_read("", &m->machine);
}

void circumstances_means_free(struct circumstances_means *m)
{
    submission_hosts_free(&m->hosts);
    provider_catalogue_free(m->providers);
    memset(m, 0, sizeof *m);
}

struct circumstances_plan circumstances_means_plan(const struct circumstances_means *m)
{
    return (struct circumstances_plan){ .settings = m->reputation.settings,
                                        .trace = true,
                                        .reputation = &m->reputation,
                                        .submission = &m->submission,
                                        .providers = m->providers,
                                        .machine = &m->machine };
}
