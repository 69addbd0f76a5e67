/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/decide/own_fault.h"

#include "daemon/decide/operators.h"

const char *own_fault_name(enum own_fault fault)
{
    static const char *const names[] = { NULL, "clock", "authorities" };

    return names[fault];
}

static bool counts(const struct own_fault_host *h)
{
    return h->known_good && h->state != CERTIFICATE_UNSEEN;
}

/* CERTIFICATE_UNSEEN where they differ, or one is good. */
static enum certificate_state common_state(const struct own_fault_host *hosts, size_t count)
{
    enum certificate_state common = CERTIFICATE_UNSEEN;

    for (size_t i = 0; i < count; i++) {
        const struct own_fault_host *h = &hosts[i];
        if (h->state == CERTIFICATE_GOOD)
            return CERTIFICATE_UNSEEN;
        if (!counts(h))
            continue;
        if (common != CERTIFICATE_UNSEEN && h->state != common)
            return CERTIFICATE_UNSEEN;
        common = h->state;
    }
    return common;
}

/* Whether those that count belong to more than one operator. */
static bool are_several(const struct own_fault_host *hosts, size_t count)
{
    struct operators *operators = operators_new(count > 0 ? hosts[count - 1].target + 1 : 0);
    const struct own_fault_host *first = NULL;
    bool several = false;

    for (size_t i = 0; i < count; i++)
        operators_add(operators, hosts[i].target, hosts[i].network);
    for (size_t i = 0; i < count; i++) {
        if (!counts(&hosts[i]))
            continue;
        if (first == NULL)
            first = &hosts[i];
        several = several || operators_of(operators, hosts[i].target) !=
                                 operators_of(operators, first->target);
    }
    operators_free(operators);
    return several;
}

enum own_fault own_fault_find(const struct own_fault_host *hosts, size_t count)
{
    enum certificate_state state = common_state(hosts, count);

    if (state != CERTIFICATE_OUT_OF_TIME && state != CERTIFICATE_UNKNOWN_AUTHORITY)
        return OWN_FAULT_NONE;
    if (!are_several(hosts, count))
        return OWN_FAULT_NONE;
    return state == CERTIFICATE_OUT_OF_TIME ? OWN_FAULT_CLOCK : OWN_FAULT_AUTHORITIES;
}
