/* SPDX-License-Identifier: BSD-2-Clause */
/* One look at this host's packet filter, for tests/lab: rules [forward]. Says the state and why,
 * then each rule in a line. */
#include "daemon/ctl/local_rules.h"
#include "lib/clock.h"
#include <stdio.h>

static const char *const states[] = { [LOCAL_RULES_SEEN] = "seen",
                                      [LOCAL_RULES_INCOMPLETE] = "incomplete",
                                      [LOCAL_RULES_NOT_ROOT] = "not-root",
                                      [LOCAL_RULES_NO_TOOL] = "no-tool" };

int main(int argc, char **argv)
{
    struct local_rules rules;
    (void)argv;

    local_rules_look(argc > 1, clock_mono_ms() + LOCAL_RULES_MS, &rules);
    printf("%s|%s|%s\n", states[rules.state], rules.detail, rules.more ? "more" : "");
    for (size_t i = 0; i < rules.count; i++) {
        const struct local_rule *r = &rules.rules[i];
        printf("%s|%s|%s|%s|%s|%s%s|%s%s|%u\n", r->tool, r->family, r->table, r->chain, r->text,
               r->blocks[FAMILY_IPV4] ? "4" : "", r->blocks[FAMILY_IPV6] ? "6" : "",
               r->is_policy ? "policy"
               : r->rejects ? "rejects"
                            : "drops",
               r->certain ? " certain" : "", r->conditions);
    }
    return 0;
}
