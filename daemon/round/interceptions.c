/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/interceptions.h"

#include "daemon/decide/interception.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One host, and what it points to. */
struct seen {
    struct target_result *target;
    struct host_result *host;
    char target_name[ENDPOINT_TEXT], network[ADDRESS_TEXT], banner_name[PROBE_BANNER];
};

static const struct mail_operator *operator_of(const struct round_plan *plan, const char *name)
{
    return plan->operators != NULL ? operator_catalogue_host(plan->operators, name) : NULL;
}

/* NAME, unless it is no host name, or one of an operator that hosts mail for many domains. */
static const char *strange_name(const struct round_plan *plan, const char *name)
{
    return hostname_valid(name) && operator_of(plan, name) == NULL ? name : "";
}

/* A certificate may be for "*.example.com", and still be an operator's. */
static bool is_strange_certificate(const struct round_plan *plan, const struct tls_info *tls)
{
    return operator_of(plan, strncmp(tls->name, "*.", 2) == 0 ? tls->name + 2 : tls->name) == NULL;
}

static void look(struct seen *s, const struct round_plan *plan, size_t target,
                 struct interception_host *out)
{
    const struct probe_result *p = &s->host->probe;
    const struct mail_operator *owner;
    bool strange = is_strange_certificate(plan, &p->tls);

    endpoint_text(s->target->target, 25, s->target_name);
    address_network(&p->address, s->network);
    snprintf(s->banner_name, sizeof s->banner_name, "%.*s", (int)strcspn(p->banner, " "),
             p->banner);
    owner = operator_of(plan, s->host->host);
    *out = (struct interception_host){
        .target = target,
        .target_name = s->target_name,
        .host = s->target->target->is_literal ? "" : s->host->host,
        .network = s->network,
        .operator_name = owner != NULL ? owner->name : "",
        .banner_name = strange_name(plan, s->banner_name),
        .ehlo_name = strange_name(plan, p->ehlo_name),
        .certificate_name = p->tls.name,
        .certificate = strange ? p->tls.fingerprint : "",
        .issuer = p->tls.issuer_fingerprint,
        .known = plan->tls != NULL ? plan->tls[target] : PROBE_TLS_MAY,
        .answered = p->ehlo_name[0] != '\0',
        .starttls_offered = p->starttls_offered,
        .verified = p->tls.verified,
        .masked = p->masked,
    };
}

static size_t collect(struct family_result *family, const struct round_plan *plan,
                      struct seen *seen, struct interception_host *hosts)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->target_count; i++) {
        struct target_result *t = &family->targets[i];
        for (size_t h = 0; h < t->host_count; h++) {
            seen[count].target = t;
            seen[count].host = &t->hosts[h];
            look(&seen[count], plan, i, &hosts[count]);
            count++;
        }
    }
    return count;
}

static void mark(struct family_result *family, struct seen *s, const struct interception *found)
{
    struct probe_result *p = &s->host->probe;

    p->outcome = OUTCOME_INTERCEPTED;
    snprintf(p->detail, sizeof p->detail, "%s", found->detail);
    family->false_certificate = family->false_certificate || found->false_certificate;
    target_result_renew(s->target);
}

void interceptions_mark(struct family_result *family, const struct round_plan *plan)
{
    size_t max = plan->target_count * HOSTS_PER_TARGET;
    struct seen *seen = memory_zero(max, sizeof *seen);
    struct interception_host *hosts = memory_zero(max, sizeof *hosts);
    struct interception *found = memory_zero(max, sizeof *found);
    size_t count = collect(family, plan, seen, hosts);

    interception_find(hosts, count, found);
    for (size_t i = 0; i < count; i++)
        if (found[i].sign != INTERCEPTION_NONE)
            mark(family, &seen[i], &found[i]);
    free(found);
    free(hosts);
    free(seen);
}
