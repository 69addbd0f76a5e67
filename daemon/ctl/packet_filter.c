/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/packet_filter.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

static const char *const families[] = { "ip", "ip6", "inet", "netdev" };

static const char *known_family(const char *family)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strcmp(families[i], family) == 0)
            return families[i];
    return NULL;
}

struct filter_table *packet_filter_table(struct packet_filter *filter, const char *tool,
                                         const char *family, const char *name)
{
    for (size_t i = 0; i < filter->table_count; i++) {
        struct filter_table *t = &filter->tables[i];
        if (t->tool == tool && strcmp(t->family, family) == 0 && strcmp(t->name, name) == 0)
            return t;
    }
    family = known_family(family);
    if (family == NULL)
        return NULL;
    filter->tables = memory_grow(filter->tables, filter->table_count + 1, sizeof *filter->tables);
    struct filter_table *t = &filter->tables[filter->table_count++];
    *t = (struct filter_table){ .tool = tool, .family = family, .name = memory_copy(name) };
    return t;
}

static struct filter_chain *find_chain(const struct filter_table *table, const char *name)
{
    /* Rules come chain by chain, and there may be thousands of both. */
    if (table->recent < table->chain_count && strcmp(table->chains[table->recent].name, name) == 0)
        return &table->chains[table->recent];
    for (size_t i = 0; i < table->chain_count; i++)
        if (strcmp(table->chains[i].name, name) == 0)
            return &table->chains[i];
    return NULL;
}

struct filter_chain *filter_chain(struct filter_table *table, const char *name)
{
    struct filter_chain *c = find_chain(table, name);

    if (c != NULL) {
        table->recent = (size_t)(c - table->chains);
        return c;
    }
    table->chains = memory_grow(table->chains, table->chain_count + 1, sizeof *table->chains);
    c = &table->chains[table->chain_count++];
    *c = (struct filter_chain){ .name = memory_copy(name) };
    return c;
}

struct filter_rule *filter_rule(struct filter_chain *chain)
{
    chain->rules = memory_grow(chain->rules, chain->rule_count + 1, sizeof *chain->rules);
    struct filter_rule *rule = &chain->rules[chain->rule_count++];
    *rule = (struct filter_rule){ .action = RULE_NONE };
    return rule;
}

static void clear_table(struct filter_table *table)
{
    for (size_t i = 0; i < table->chain_count; i++) {
        struct filter_chain *c = &table->chains[i];
        for (size_t k = 0; k < c->rule_count; k++) {
            free(c->rules[k].target);
            free(c->rules[k].text);
        }
        free(c->rules);
        free(c->name);
    }
    free(table->chains);
    free(table->name);
}

void packet_filter_clear(struct packet_filter *filter)
{
    for (size_t i = 0; i < filter->table_count; i++)
        clear_table(&filter->tables[i]);
    free(filter->tables);
    *filter = (struct packet_filter){ 0 };
}

/* The kernel itself allows 16 jumps within each other, and no loops. */
#define DEPTH_MAX 16

/* However many rules there are, and however they lead through each other, this is the end. */
#define STEPS_MAX 200000

struct walk {
    const struct filter_table *table;
    enum family family;
    unsigned doubt; /* on what accepting the packet has depended so far */
    int steps;
    struct blocking_rule *out;
    size_t count, max;
};

struct place {
    const struct filter_chain *chain;
    unsigned conditions; /* for getting here */
    bool names_port;
    int depth;
};

enum walk_end { WALK_ON, WALK_ENDED };

static void add_finding(struct walk *w, const struct place *at, const struct filter_rule *rule,
                        unsigned conditions)
{
    size_t known = w->count < w->max ? w->count : w->max;

    for (size_t i = 0; i < known; i++) {
        struct blocking_rule *b = &w->out[i];
        if (b->chain == at->chain && b->rule == rule) {
            /* Certain is what is so on one way here, and for both families. */
            b->conditions =
                b->blocks[w->family] ? b->conditions & conditions : b->conditions | conditions;
            b->blocks[w->family] = true;
            return;
        }
    }
    if (w->count++ >= w->max)
        return;
    struct blocking_rule *b = &w->out[known];
    *b = (struct blocking_rule){
        .table = w->table, .chain = at->chain, .rule = rule, .conditions = conditions
    };
    b->blocks[w->family] = true;
}

static enum walk_end walk_chain(struct walk *w, struct place at);

static enum walk_end walk_into(struct walk *w, const struct place *at,
                               const struct filter_rule *rule)
{
    struct place there = { .chain = find_chain(w->table, rule->target),
                           .conditions = at->conditions | rule->conditions,
                           .names_port = at->names_port || rule->names_port,
                           .depth = at->depth + 1 };

    if (there.chain == NULL || there.depth > DEPTH_MAX)
        return WALK_ON;
    return walk_chain(w, there);
}

/* What drops only under some condition and does not ask for the port is no block of port 25, but
 * of a host, a user or the like. */
static void block(struct walk *w, const struct place *at, const struct filter_rule *rule)
{
    unsigned conditions = at->conditions | rule->conditions;

    if (conditions == 0 || at->names_port || rule->names_port)
        add_finding(w, at, rule, conditions | w->doubt);
}

static enum walk_end walk_chain(struct walk *w, struct place at)
{
    for (size_t i = 0; i < at.chain->rule_count && w->steps++ < STEPS_MAX; i++) {
        const struct filter_rule *rule = &at.chain->rules[i];
        enum walk_end end = WALK_ENDED;

        if (rule->excluded[w->family] || rule->action == RULE_NONE)
            continue;
        if (rule->action == RULE_ACCEPT)
            w->doubt |= at.conditions | rule->conditions;
        else if (rule->action == RULE_DROP || rule->action == RULE_REJECT)
            block(w, &at, rule);
        else if (rule->action != RULE_RETURN)
            end = walk_into(w, &at, rule);
        else
            end = WALK_ON;
        bool leaves = rule->action != RULE_JUMP || end == WALK_ENDED;
        if (leaves && rule->conditions == 0)
            return end;
        if (rule->action == RULE_RETURN || rule->action == RULE_GOTO)
            at.conditions |= rule->conditions;
    }
    return WALK_ON;
}

static bool concerns(const struct filter_table *table, enum family family)
{
    if (strcmp(table->family, "ip") == 0)
        return family == FAMILY_IPV4;
    return strcmp(table->family, "ip6") != 0 || family == FAMILY_IPV6;
}

static void walk_table(struct walk *w, bool forwarded)
{
    for (size_t i = 0; i < w->table->chain_count; i++) {
        struct place at = { .chain = &w->table->chains[i] };
        bool wanted =
            at.chain->hook == HOOK_OUTPUT || (forwarded && at.chain->hook == HOOK_FORWARD);

        w->doubt = 0;
        w->steps = 0;
        if (wanted && walk_chain(w, at) == WALK_ON && at.chain->drops)
            add_finding(w, &at, NULL, w->doubt);
    }
}

size_t packet_filter_search(const struct packet_filter *filter, bool forwarded,
                            struct blocking_rule *out, size_t max)
{
    struct walk w = { .out = out, .max = max };

    for (size_t i = 0; i < filter->table_count; i++) {
        w.table = &filter->tables[i];
        for (int family = 0; family < FAMILIES; family++) {
            w.family = (enum family)family;
            if (concerns(w.table, w.family))
                walk_table(&w, forwarded);
        }
    }
    return w.count;
}
