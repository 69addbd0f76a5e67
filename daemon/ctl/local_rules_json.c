/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/local_rules_json.h"

static json_t *conditions_json(unsigned conditions)
{
    static const struct {
        enum rule_condition condition;
        const char *name;
    } names[] = { { CONDITION_USER, "user" },
                  { CONDITION_INTERFACE, "interface" },
                  { CONDITION_ADDRESS, "address" },
                  { CONDITION_OTHER, "other" } };
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((conditions & names[i].condition) != 0)
            json_array_append_new(list, json_string(names[i].name));
    return list;
}

static json_t *rule_json(const struct local_rule *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o}", "tool", r->tool, "family",
                     r->family, "table", r->table, "chain", r->chain, "rule", r->text, "rejects",
                     r->rejects, "certain", r->certain, "conditions",
                     conditions_json(r->conditions));
}

static bool was_looked_at(const struct local_rules *rules)
{
    return rules->state == LOCAL_RULES_SEEN || rules->state == LOCAL_RULES_INCOMPLETE;
}

json_t *local_rules_json(const struct local_rules *rules)
{
    json_t *list;

    if (!was_looked_at(rules))
        return json_null();
    list = json_array();
    for (size_t i = 0; i < rules->count; i++)
        json_array_append_new(list, rule_json(&rules->rules[i]));
    return list;
}

enum cause_rules local_rules_verdict(const struct local_rules *rules, enum family family,
                                     bool known)
{
    bool open = false; /* something of the filter may do it after all */

    for (size_t i = 0; i < rules->count; i++) {
        const struct local_rule *r = &rules->rules[i];
        if (r->blocks[family] && (r->certain || known))
            return RULES_FOUND;
        open = open || r->blocks[family];
    }
    return rules->state == LOCAL_RULES_SEEN && !open ? RULES_NONE : RULES_UNKNOWN;
}
