/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/iptables_rules.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 64 /* there are five */
#define CHAINS_MAX 8192
#define PORT       25

/* The next word of a line; quotes hold spaces together, a backslash quotes a character within them
 * (iptables-extensions(8) prints comments so). NULL at the end. The word is taken out in place. */
static char *next_word(char **rest)
{
    char *from = *rest, *to, *word;
    bool quoted = false;

    while (*from == ' ')
        from++;
    if (*from == '\0')
        return NULL;
    for (word = to = from; *from != '\0' && (quoted || *from != ' '); from++) {
        if (*from == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && *from == '\\' && from[1] != '\0')
            from++;
        *to++ = *from;
    }
    *rest = *from == '\0' ? from : from + 1;
    *to = '\0';
    return word;
}

/* The packet matches an option, or not, or it depends. */
enum answer { NO, YES, DEPENDS };

struct option {
    const char *name;
    enum answer (*answer)(const char *value); /* NULL: it depends */
    unsigned condition;                       /* on this */
    bool is_port;
};

/* "25", "465:587", and with commas several of these. */
static enum answer has_port(const char *value)
{
    for (const char *p = value; *p != '\0'; p++) {
        char *end;
        long low = strtol(p, &end, 10), high = low;
        if (*end == ':')
            high = end[1] >= '0' && end[1] <= '9' ? strtol(end + 1, &end, 10) : 65535;
        if (low <= PORT && PORT <= high)
            return YES;
        p = strchr(end, ',');
        if (p == NULL)
            return NO;
    }
    return NO;
}

static enum answer is_tcp(const char *value)
{
    return strcmp(value, "tcp") == 0 || strcmp(value, "6") == 0 || strcmp(value, "all") == 0 ? YES
                                                                                             : NO;
}

static enum answer is_new(const char *value)
{
    return strstr(value, "NEW") != NULL ? YES : NO;
}

static enum answer is_loopback(const char *value)
{
    return strcmp(value, "lo") == 0 ? NO : DEPENDS;
}

static enum answer always(const char *value)
{
    (void)value;
    return YES;
}

static const struct option options[] = {
    { "-p", is_tcp, 0, false },
    { "-o", is_loopback, CONDITION_INTERFACE, false },
    { "-i", NULL, CONDITION_INTERFACE, false },
    { "-s", NULL, CONDITION_ADDRESS, false },
    { "-d", NULL, CONDITION_ADDRESS, false },
    { "-m", always, 0, false },
    { "--dport", has_port, 0, true },
    { "--dports", has_port, 0, true },
    { "--ports", has_port, 0, true },
    { "--ctstate", is_new, 0, false },
    { "--state", is_new, 0, false },
    { "--comment", always, 0, false },
    { "--uid-owner", NULL, CONDITION_USER, false },
    { "--gid-owner", NULL, CONDITION_USER, false },
};

static const struct option *find_option(const char *name)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static void exclude(struct filter_rule *rule)
{
    for (int f = 0; f < FAMILIES; f++)
        rule->excluded[f] = true;
}

/* "--tcp-flags MASK COMPARED": of the flags asked for, a SYN has that one alone. */
static void take_flags(struct filter_rule *rule, char **rest, bool negated)
{
    const char *mask = next_word(rest), *compared = next_word(rest);
    bool is_syn = mask != NULL && compared != NULL &&
                  strcmp(compared, strstr(mask, "SYN") != NULL ? "SYN" : "NONE") == 0;

    if (is_syn == negated)
        exclude(rule);
}

static void take_option(struct filter_rule *rule, const char *name, char **rest, bool negated)
{
    const struct option *o = find_option(name);

    if (o == NULL) {
        /* Its values, if any, come here as names of their own. */
        rule->conditions |= CONDITION_OTHER;
        return;
    }
    const char *value = next_word(rest);
    enum answer answer = o->answer != NULL && value != NULL ? o->answer(value) : DEPENDS;
    rule->names_port = rule->names_port || o->is_port;
    if (answer == DEPENDS)
        rule->conditions |= o->condition;
    else if ((answer == YES) == negated)
        exclude(rule);
}

static void take_target(struct filter_rule *rule, const char *target, bool goes)
{
    static const struct {
        const char *name;
        enum rule_action action;
    } targets[] = {
        { "ACCEPT", RULE_ACCEPT },
        { "DROP", RULE_DROP },
        { "REJECT", RULE_REJECT },
        { "RETURN", RULE_RETURN },
    };

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (strcmp(targets[i].name, target) == 0) {
            rule->action = targets[i].action;
            return;
        }
    /* LOG and the like are no chains: the walk finds none and goes on. */
    rule->action = goes ? RULE_GOTO : RULE_JUMP;
    rule->target = memory_copy(target);
}

/* "-A CHAIN MATCHES -j TARGET [ITS OPTIONS]" */
static void read_rule(struct filter_table *table, char *line)
{
    char *text = memory_copy(line), *rest = line + 3, *word = next_word(&rest);
    bool negated = false;

    if (word == NULL || table->chain_count >= CHAINS_MAX) {
        free(text);
        return;
    }
    struct filter_rule *rule = filter_rule(filter_chain(table, word));
    rule->text = text;
    while ((word = next_word(&rest)) != NULL) {
        if (strcmp(word, "-j") == 0 || strcmp(word, "-g") == 0) {
            char *target = next_word(&rest);
            if (target != NULL)
                take_target(rule, target, word[1] == 'g');
            return;
        }
        if (strcmp(word, "!") == 0) {
            negated = true;
            continue;
        }
        if (strcmp(word, "--tcp-flags") == 0)
            take_flags(rule, &rest, negated);
        else
            take_option(rule, word, &rest, negated);
        negated = false;
    }
}

/* ":CHAIN POLICY [0:0]" */
static void read_chain(struct filter_table *table, char *line)
{
    char *rest = line + 1, *name = next_word(&rest), *policy = next_word(&rest);

    if (name == NULL || policy == NULL || table->chain_count >= CHAINS_MAX)
        return;
    struct filter_chain *chain = filter_chain(table, name);
    chain->drops = strcmp(policy, "DROP") == 0;
    if (strcmp(policy, "-") == 0)
        return; /* a chain of the owner's */
    if (strcmp(name, "OUTPUT") == 0 || strcmp(name, "POSTROUTING") == 0)
        chain->hook = HOOK_OUTPUT;
    else if (strcmp(name, "FORWARD") == 0)
        chain->hook = HOOK_FORWARD;
}

void iptables_rules_read(struct packet_filter *filter, const char *tool, const char *family,
                         char *text)
{
    struct filter_table *table = NULL;

    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (line[0] == '*' && filter->table_count < TABLES_MAX)
            table = packet_filter_table(filter, tool, family, line + 1);
        else if (table != NULL && line[0] == ':')
            read_chain(table, line);
        else if (table != NULL && strncmp(line, "-A ", 3) == 0)
            read_rule(table, line);
        else if (strcmp(line, "COMMIT") == 0)
            table = NULL;
    }
}
