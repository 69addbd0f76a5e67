/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/nft_rules.h"

#include "daemon/ctl/nft_match.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 1024
#define CHAINS_MAX 8192

struct reader {
    struct packet_filter *filter;
    json_t *sets;  /* "family table" to an object of named sets and their elements */
    json_t *texts; /* "family table chain handle" to the text of a rule */
};

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* Elements of a map are pairs of an element and what it leads to. */
static void read_set(struct reader *r, const json_t *set)
{
    char *key = memory_format("%s %s", text_at(set, "family"), text_at(set, "table"));
    json_t *sets = json_object_get(r->sets, key), *elements = json_object_get(set, "elem");

    if (sets == NULL && json_object_set_new(r->sets, key, json_object()) == 0)
        sets = json_object_get(r->sets, key);
    free(key);
    if (elements != NULL)
        json_object_set(sets, text_at(set, "name"), elements);
    else
        json_object_set_new(sets, text_at(set, "name"), json_array());
}

static json_t *sets_of(const struct reader *r, const struct filter_table *table)
{
    char *key = memory_format("%s %s", table->family, table->name);
    json_t *sets = json_object_get(r->sets, key);

    free(key);
    return sets;
}

/* Whether iptables-nft-save(8) has shown the table already, with all that it asks for. */
static bool is_shown(const struct packet_filter *filter, const char *family, const char *name)
{
    for (size_t i = 0; i < filter->table_count; i++) {
        const struct filter_table *t = &filter->tables[i];
        bool is_ours = strcmp(t->tool, "iptables") == 0 || strcmp(t->tool, "ip6tables") == 0;
        if (is_ours && strcmp(t->family, family) == 0 && strcmp(t->name, name) == 0)
            return true;
    }
    return false;
}

static struct filter_table *table_of(struct reader *r, const json_t *object)
{
    static const char tool[] = "nft";
    const char *family = text_at(object, "family"), *name = text_at(object, "table");

    if (is_shown(r->filter, family, name) || r->filter->table_count > TABLES_MAX)
        return NULL;
    return packet_filter_table(r->filter, tool, family, name);
}

static struct filter_chain *chain_of(struct filter_table *table, const char *name)
{
    return table != NULL && table->chain_count < CHAINS_MAX ? filter_chain(table, name) : NULL;
}

static void read_chain(struct reader *r, const json_t *object)
{
    static const struct {
        const char *name;
        enum filter_hook hook;
    } hooks[] = {
        { "output", HOOK_OUTPUT },
        { "postrouting", HOOK_OUTPUT },
        { "egress", HOOK_OUTPUT },
        { "forward", HOOK_FORWARD },
    };
    struct filter_chain *chain = chain_of(table_of(r, object), text_at(object, "name"));

    if (chain == NULL)
        return;
    chain->drops = strcmp(text_at(object, "policy"), "drop") == 0;
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++)
        if (strcmp(text_at(object, "hook"), hooks[i].name) == 0)
            chain->hook = hooks[i].hook;
}

/* "reject with icmp" can only be said to IPv4, and nft does not print that it asks for it. */
static void take_reject(struct nft_fit *fit, const json_t *reject)
{
    const char *type = text_at(reject, "type");

    if (strcmp(type, "icmp") == 0)
        fit->excluded[FAMILY_IPV6] = true;
    else if (strcmp(type, "icmpv6") == 0)
        fit->excluded[FAMILY_IPV4] = true;
}

/* A statement that decides; false where it is none. */
static bool take_verdict(struct filter_rule *rule, struct nft_fit *fit, const json_t *statement)
{
    static const struct {
        const char *name;
        enum rule_action action;
    } verdicts[] = {
        { "accept", RULE_ACCEPT }, { "drop", RULE_DROP }, { "reject", RULE_REJECT },
        { "return", RULE_RETURN }, { "jump", RULE_JUMP }, { "goto", RULE_GOTO },
    };

    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        const json_t *value = json_object_get(statement, verdicts[i].name);
        if (value == NULL)
            continue;
        rule->action = verdicts[i].action;
        if (rule->action == RULE_REJECT)
            take_reject(fit, value);
        if (rule->action == RULE_JUMP || rule->action == RULE_GOTO)
            rule->target = memory_copy(text_at(value, "target"));
        return true;
    }
    return false;
}

static void take_fit(struct filter_rule *rule, const struct nft_fit *fit)
{
    for (int f = 0; f < FAMILIES; f++)
        rule->excluded[f] = fit->excluded[f];
    rule->conditions = fit->conditions;
    rule->names_port = fit->names_port;
}

/* "tcp dport vmap { 25 : drop, 587 : accept }": a rule for each element. */
static void take_map(struct filter_chain *chain, const json_t *sets, const struct nft_fit *fit,
                     const json_t *map, const char *text)
{
    json_t *elements = nft_elements(sets, json_object_get(map, "data")), *pair;
    size_t i;

    json_array_foreach(elements, i, pair)
    {
        struct nft_fit one = *fit;
        nft_match(&one, sets, "==", json_object_get(map, "key"), json_array_get(pair, 0));
        if (one.excluded[FAMILY_IPV4] && one.excluded[FAMILY_IPV6])
            continue;
        struct filter_rule *rule = filter_rule(chain);
        take_verdict(rule, &one, json_array_get(pair, 1));
        take_fit(rule, &one);
        rule->text = text != NULL ? memory_copy(text) : NULL;
    }
    json_decref(elements);
}

/* What does not match anything, as far as a verdict goes. */
static bool is_harmless(const json_t *statement)
{
    static const char *const names[] = { "counter", "log", "mangle", "notrack", "meta" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(statement, names[i]) != NULL)
            return true;
    return false;
}

static void take_statements(struct filter_chain *chain, const json_t *sets,
                            const json_t *statements, const char *text)
{
    struct filter_rule verdict = { .action = RULE_NONE };
    struct nft_fit fit = { .conditions = 0 };
    size_t i;
    json_t *statement;

    json_array_foreach(statements, i, statement)
    {
        const json_t *match = json_object_get(statement, "match");
        const json_t *map = json_object_get(statement, "vmap");
        if (match != NULL)
            nft_match(&fit, sets, text_at(match, "op"), json_object_get(match, "left"),
                      json_object_get(match, "right"));
        else if (map != NULL)
            take_map(chain, sets, &fit, map, text);
        else if (take_verdict(&verdict, &fit, statement))
            break;
        else if (!is_harmless(statement))
            fit.conditions |= CONDITION_OTHER;
    }
    if (verdict.action == RULE_NONE)
        return;
    struct filter_rule *rule = filter_rule(chain);
    *rule = verdict;
    take_fit(rule, &fit);
    rule->text = text != NULL ? memory_copy(text) : NULL;
}

static void read_rule(struct reader *r, const json_t *object)
{
    struct filter_table *table = table_of(r, object);
    const char *name = text_at(object, "chain");
    struct filter_chain *chain = chain_of(table, name);

    if (chain == NULL)
        return;
    char *key = memory_format("%s %s %s %" JSON_INTEGER_FORMAT, table->family, table->name, name,
                              json_integer_value(json_object_get(object, "handle")));
    take_statements(chain, sets_of(r, table), json_object_get(object, "expr"),
                    json_string_value(json_object_get(r->texts, key)));
    free(key);
}

/* Lines of "nft -a": a table, a chain, a rule. */
struct listing {
    char table[128], chain[128]; /* "family table"; empty outside */
    char *rule;                  /* so far, where it goes over several lines; NULL between rules */
};

static void keep_text(json_t *texts, struct listing *l, char *handle)
{
    char *key = memory_format("%s %s %s", l->table, l->chain, handle + strlen("# handle "));

    /* Text that is no UTF-8 is refused, and the rule goes without. */
    json_object_set_new(texts, key, json_string(l->rule));
    free(key);
    free(l->rule);
    l->rule = NULL;
}

static void read_line(json_t *texts, struct listing *l, char *line)
{
    char *handle = NULL, family[16], name[96];

    for (char *next = line; (next = strstr(next, "# handle ")) != NULL; next++)
        handle = next; /* the last one: a comment may hold such words too */
    if (sscanf(line, "table %15s %95s {", family, name) == 2)
        snprintf(l->table, sizeof l->table, "%s %s", family, name);
    else if (sscanf(line, "\tchain %95s {", name) == 1)
        snprintf(l->chain, sizeof l->chain, "%s", name);
    else if (strcmp(line, "\t}") == 0)
        l->chain[0] = '\0';
    else if (l->chain[0] != '\0' && l->rule == NULL && strncmp(line, "\t\ttype ", 7) != 0)
        l->rule =
            memory_format("%.*s", handle != NULL ? (int)(handle - line) : (int)strlen(line), line);
    else if (l->chain[0] != '\0' && l->rule != NULL) {
        char *longer = memory_format(
            "%s%.*s", l->rule, handle != NULL ? (int)(handle - line) : (int)strlen(line), line);
        free(l->rule);
        l->rule = longer;
    }
    if (l->rule != NULL && handle != NULL)
        keep_text(texts, l, handle);
}

static json_t *read_texts(char *text)
{
    json_t *texts = json_object();
    struct listing l = { .rule = NULL };

    for (char *line; text != NULL && (line = strsep(&text, "\n")) != NULL;)
        read_line(texts, &l, line);
    free(l.rule);
    return texts;
}

static void read_objects(struct reader *r, const json_t *objects)
{
    size_t i;
    json_t *object;

    /* Before the rules, which refer to them. */
    json_array_foreach(objects, i, object)
    {
        const json_t *set = json_object_get(object, "set"), *map = json_object_get(object, "map");
        if (set != NULL || map != NULL)
            read_set(r, set != NULL ? set : map);
    }
    json_array_foreach(objects, i, object)
    {
        const json_t *chain = json_object_get(object, "chain");
        const json_t *rule = json_object_get(object, "rule");
        if (chain != NULL)
            read_chain(r, chain);
        else if (rule != NULL)
            read_rule(r, rule);
    }
}

bool nft_rules_read(struct packet_filter *filter, const char *json, char *text)
{
    json_t *document = json_loads(json, 0, NULL);
    json_t *objects = json_object_get(document, "nftables");
    struct reader r = { .filter = filter };
    bool ok = json_is_array(objects);

    if (ok) {
        r.sets = json_object();
        r.texts = read_texts(text);
        read_objects(&r, objects);
        json_decref(r.sets);
        json_decref(r.texts);
    }
    json_decref(document);
    return ok;
}
