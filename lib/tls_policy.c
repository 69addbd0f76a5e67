/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/tls_policy.h"

#include "lib/memory.h"
#include <stdlib.h>

static const char option[] = "tls_policy";

static bool is_target(const struct probe_config *probe, const struct endpoint *e)
{
    for (size_t i = 0; i < probe->target_count; i++)
        if (endpoint_equal(&probe->targets[i], e))
            return true;
    return false;
}

static bool stands_already(const struct probe_config *probe, const struct endpoint *e)
{
    for (size_t i = 0; i < probe->tls_policy_count; i++)
        if (endpoint_equal(&probe->tls_policy[i].target, e))
            return true;
    return false;
}

/* What is wrong with one pair, or NULL. */
static const char *pair_fault(const struct probe_config *probe, const char *target,
                              const char *level, struct tls_policy *out)
{
    const char *why;

    if (endpoint_parse(target, 25, &out->target, &why) == -1)
        return why;
    if (!is_target(probe, &out->target))
        return "it is not among the targets";
    if (stands_already(probe, &out->target))
        return "the target stands in the list twice";
    if (!probe_tls_parse(level, &out->tls))
        return "expected one of: may, encrypt, secure";
    return NULL;
}

void tls_policy_read(struct conf_file *file, cfg_t *section, struct probe_config *probe)
{
    unsigned count = cfg_size(section, option);

    probe->tls_policy = memory_zero(count / 2 + 1, sizeof *probe->tls_policy);
    if (count % 2 != 0) {
        conf_file_complain(file, section, option, "%s: expected pairs, { \"target\" = \"level\" }",
                           option);
        return;
    }
    for (unsigned i = 0; i < count; i += 2) {
        const char *target = cfg_getnstr(section, option, i);
        const char *level = cfg_getnstr(section, option, i + 1);
        const char *fault =
            pair_fault(probe, target, level, &probe->tls_policy[probe->tls_policy_count]);
        if (fault != NULL)
            conf_file_complain_item(file, section, option, i, "%s \"%s\" = \"%s\": %s", option,
                                    target, level, fault);
        else
            probe->tls_policy_count++;
    }
}

void tls_policy_free(struct probe_config *probe)
{
    free(probe->tls_policy);
}
