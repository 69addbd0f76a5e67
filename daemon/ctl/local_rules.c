/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/local_rules.h"

#include "daemon/ctl/iptables_rules.h"
#include "daemon/ctl/nft_rules.h"
#include "daemon/ctl/run_tool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX (8 * 1024 * 1024)

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static const char *maker(const char *table, const char *chain)
{
    if (starts_with(chain, "ufw-") || starts_with(chain, "ufw6-"))
        return "ufw";
    if (strcmp(table, "firewalld") == 0 || strcmp(chain, "OUTPUT_direct") == 0 ||
        strcmp(chain, "FORWARD_direct") == 0)
        return "firewalld";
    return NULL;
}

/* A policy belongs to whoever filled the table. */
static const char *tool_of(const struct blocking_rule *b)
{
    const char *by = maker(b->table->name, b->chain->name);

    for (size_t i = 0; b->rule == NULL && by == NULL && i < b->table->chain_count; i++)
        by = maker(b->table->name, b->table->chains[i].name);
    return by != NULL ? by : b->table->tool;
}

/* Whatever stands in a rule's comment, what is shown is printable ASCII without space at its ends.
 */
static void copy_printable(char *out, size_t size, const char *text)
{
    size_t len = 0;

    while (*text == ' ' || *text == '\t')
        text++;
    for (; *text != '\0' && len + 1 < size; text++)
        if (*text != '\t')
            out[len++] = *text >= ' ' && *text <= '~' ? *text : '?';
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
}

static void describe(const struct blocking_rule *b, struct local_rule *out)
{
    *out = (struct local_rule){
        .tool = tool_of(b),
        .family = b->table->family,
        .rejects = b->rule != NULL && b->rule->action == RULE_REJECT,
        .is_policy = b->rule == NULL,
        .certain = b->conditions == 0,
        .conditions = b->conditions,
    };
    memcpy(out->blocks, b->blocks, sizeof out->blocks);
    copy_printable(out->table, sizeof out->table, b->table->name);
    copy_printable(out->chain, sizeof out->chain, b->chain->name);
    if (b->rule == NULL)
        copy_printable(out->text, sizeof out->text, "policy drop");
    else
        copy_printable(out->text, sizeof out->text, b->rule->text != NULL ? b->rule->text : "");
}

void local_rules_judge(const struct packet_filter *filter, bool forwarded, struct local_rules *out)
{
    struct blocking_rule found[LOCAL_RULES_MAX];
    size_t count = packet_filter_search(filter, forwarded, found, LOCAL_RULES_MAX);

    out->more = count > LOCAL_RULES_MAX;
    out->count = out->more ? LOCAL_RULES_MAX : count;
    for (size_t i = 0; i < out->count; i++)
        describe(&found[i], &out->rules[i]);
}

struct look {
    struct packet_filter filter;
    struct local_rules *out;
    int64_t deadline_ms;
    bool found_tool;
};

static void note_failure(struct look *l, const char *program, enum tool_end end)
{
    static const char *const what[] = {
        [TOOL_OK] = "printed nonsense",
        [TOOL_FAILED] = "failed",
        [TOOL_LATE] = "did not end in time",
        [TOOL_LONG] = "printed more than 8 MiB",
    };

    l->out->state = LOCAL_RULES_INCOMPLETE;
    snprintf(l->out->detail, sizeof l->out->detail, "%s %s", program, what[end]);
}

/* Wherever the distribution has it. NULL where it is absent or has failed. */
static char *ask(struct look *l, const char *program, const char *const arguments[])
{
    static const char *const places[] = { "/usr/sbin", "/sbin", "/usr/bin" };
    const char *argv[5] = { program };
    char path[64], *text = NULL;
    enum tool_end end = TOOL_ABSENT;

    for (size_t i = 0; arguments[i] != NULL && i + 2 < sizeof argv / sizeof argv[0]; i++)
        argv[i + 1] = arguments[i];
    for (size_t i = 0; end == TOOL_ABSENT && i < sizeof places / sizeof places[0]; i++) {
        free(text);
        snprintf(path, sizeof path, "%s/%s", places[i], program);
        end = run_tool(path, argv, l->deadline_ms, OUTPUT_MAX, &text);
    }
    l->found_tool = l->found_tool || end != TOOL_ABSENT;
    if (end == TOOL_OK)
        return text;
    if (end != TOOL_ABSENT)
        note_failure(l, program, end);
    free(text);
    return NULL;
}

/* False where PROGRAM is absent. */
static bool ask_iptables(struct look *l, const char *program, const char *tool, const char *family)
{
    static const char *const none[] = { NULL };
    bool found_before = l->found_tool;

    l->found_tool = false;
    char *text = ask(l, program, none);
    bool is_there = l->found_tool;
    l->found_tool = is_there || found_before;
    if (text != NULL)
        iptables_rules_read(&l->filter, tool, family, text);
    free(text);
    return is_there;
}

/* The tool comes as nft's, in the old kind, in both, or under one name for whichever there is. */
static void ask_all_iptables(struct look *l, enum family family)
{
    static const struct {
        const char *nft, *legacy, *either, *tool, *legacy_tool, *family;
    } names[FAMILIES] = {
        [FAMILY_IPV4] = { "iptables-nft-save", "iptables-legacy-save", "iptables-save", "iptables",
                          "iptables-legacy", "ip" },
        [FAMILY_IPV6] = { "ip6tables-nft-save", "ip6tables-legacy-save", "ip6tables-save",
                          "ip6tables", "ip6tables-legacy", "ip6" },
    };
    bool has_nft = ask_iptables(l, names[family].nft, names[family].tool, names[family].family);
    bool has_legacy =
        ask_iptables(l, names[family].legacy, names[family].legacy_tool, names[family].family);

    if (!has_nft && !has_legacy)
        ask_iptables(l, names[family].either, names[family].tool, names[family].family);
}

static void ask_nft(struct look *l)
{
    static const char *const json[] = { "-j", "list", "ruleset", NULL };
    static const char *const text[] = { "-a", "list", "ruleset", NULL };
    char *rules = ask(l, "nft", json);

    if (rules == NULL)
        return;
    char *texts = ask(l, "nft", text);
    if (!nft_rules_read(&l->filter, rules, texts))
        note_failure(l, "nft", TOOL_OK);
    free(texts);
    free(rules);
}

void local_rules_look(bool forwarded, int64_t deadline_ms, struct local_rules *out)
{
    struct look l = { .out = out, .deadline_ms = deadline_ms };

    *out = (struct local_rules){ .state = LOCAL_RULES_SEEN };
    if (geteuid() != 0) {
        out->state = LOCAL_RULES_NOT_ROOT;
        snprintf(out->detail, sizeof out->detail,
                 "only root may look at this host's packet filter");
        return;
    }
    /* Before nft, which cannot show all of what these can: see nft_rules.h. */
    ask_all_iptables(&l, FAMILY_IPV4);
    ask_all_iptables(&l, FAMILY_IPV6);
    ask_nft(&l);
    if (!l.found_tool) {
        out->state = LOCAL_RULES_NO_TOOL;
        snprintf(out->detail, sizeof out->detail, "neither nft nor iptables is installed");
    }
    local_rules_judge(&l.filter, forwarded, out);
    packet_filter_clear(&l.filter);
}
