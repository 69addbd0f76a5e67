/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rules of a packet filter keep port 25 from going out: rulesets as the tools print them, and
 * the tools themselves going wrong. */
#include "tests/unit/unit.h"

#include "daemon/ctl/iptables_rules.h"
#include "daemon/ctl/local_rules.h"
#include "daemon/ctl/nft_rules.h"
#include "daemon/ctl/run_tool.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *read_fixture(const char *name)
{
    char *path = memory_format("%s/tests/unit/rules/%s", getenv("TOP_SRCDIR"), name);
    char *text = memory_zero(1 << 17, 1);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 17) - 1, file) > 0);
    fclose(file);
    free(path);
    return text;
}

/* One line a rule: where, what, for which families, how, on what it depends. */
static char *describe(const struct packet_filter *filter, bool forwarded)
{
    struct local_rules rules = { .count = 0 };
    char *all = memory_copy("");

    local_rules_judge(filter, forwarded, &rules);
    assert_false(rules.more);
    for (size_t i = 0; i < rules.count; i++) {
        const struct local_rule *r = &rules.rules[i];
        char *longer = memory_format("%s%s %s %s %s: %s: %s%s%s %u\n", all, r->tool, r->family,
                                     r->table, r->chain, r->text, r->blocks[FAMILY_IPV4] ? "4" : "",
                                     r->blocks[FAMILY_IPV6] ? "6" : "",
                                     r->rejects ? " rejects" : "", r->conditions);
        assert_int_equal(r->certain, r->conditions == 0);
        assert_int_equal(r->is_policy, strcmp(r->text, "policy drop") == 0);
        free(all);
        all = longer;
    }
    return all;
}

static void expect(struct packet_filter *filter, bool forwarded, const char *what,
                   const char *expected)
{
    char *all = describe(filter, forwarded);

    if (strcmp(all, expected) != 0)
        fail_msg("%s:\n%snot\n%s", what, all, expected);
    free(all);
    packet_filter_clear(filter);
}

/* What nft printed for the case NAME: its JSON, and behind that its text. */
static char *recorded(const char *name, char **json, char **text)
{
    char *all = read_fixture("nft.recorded"), *mark = memory_format("== %s\n", name);
    char *start = strstr(all, mark);

    assert_non_null(start);
    *json = start + strlen(mark);
    *text = strchr(*json, '\n');
    *(*text)++ = '\0';
    char *end = strstr(*text, "\n== ");
    if (end != NULL)
        end[1] = '\0';
    free(mark);
    return all;
}

static const struct {
    const char *name, *expected;
    bool forwarded;
} rulesets[] = {
    { "drop",
      "nft inet t o: tcp dport 25 counter packets 0 bytes 0 log prefix \"25 \" drop comment "
      "\"no # handle 7 mail\": 46 0\n",
      false },
    { "reject",
      "nft inet t o: ct state new tcp flags syn / fin,syn,rst,ack tcp dport 25 reject with tcp "
      "reset: 46 rejects 0\n",
      false },
    { "open", "", true },
    { "established", "nft ip t o: policy drop: 4 0\n", false },
    { "accepted", "", false },
    { "jumps", "nft inet t blocked: meta skuid != 101 drop: 6 1\n", false },
    { "sets",
      "nft inet t a: tcp dport { 25, 465 } drop: 46 0\n"
      "nft inet t b: tcp dport 20-30 drop: 46 0\n"
      "nft inet t c: tcp dport != { 80, 443 } drop: 46 0\n"
      "nft inet t d: tcp dport != @named drop: 46 0\n"
      "nft inet t e: tcp dport <= 25 drop: 46 0\n"
      "nft inet t f: tcp dport 25 drop: 46 0\n"
      "nft inet t g: ip daddr . tcp dport { 192.0.2.1 . 25 } drop: 4 4\n",
      false },
    { "maps",
      "nft inet t mail: drop: 46 0\n"
      "nft inet t b: tcp dport vmap @verdicts: 46 0\n",
      false },
    { "users",
      "nft inet t a: tcp dport 25 drop: 46 1\n"
      "nft inet t b: tcp dport 25 meta skgid != 8 drop: 46 1\n",
      false },
    { "conditions",
      "nft inet t a: oifname \"eth1\" tcp dport 25 drop: 46 2\n"
      "nft inet t b: ip daddr != 10.0.0.0/8 tcp dport 25 drop: 4 4\n"
      "nft inet t c: limit rate 10/second tcp dport 25 drop: 46 8\n"
      "nft inet t d: tcp dport 25 reject with icmp admin-prohibited: 4 rejects 0\n"
      "nft inet t f: drop: 46 4\n"
      "nft inet t e: tcp dport 25 reject with icmpv6 admin-prohibited: 6 rejects 0\n",
      false },
    { "hooks",
      "nft inet t p: tcp dport 25 drop: 46 0\n"
      "nft netdev n e: tcp dport 25 drop: 46 0\n",
      false },
    { "hooks",
      "nft inet t p: tcp dport 25 drop: 46 0\n"
      "nft inet t f: policy drop: 46 0\n"
      "nft netdev n e: tcp dport 25 drop: 46 0\n",
      true },
    { "firewalld",
      "firewalld inet firewalld filter_OUT_policy: tcp dport 25 reject with icmpx "
      "admin-prohibited: 46 rejects 0\n",
      false },
};

static void as_nft_prints_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rulesets / sizeof rulesets[0]; i++) {
        struct packet_filter filter = { 0 };
        char *json, *text, *all = recorded(rulesets[i].name, &json, &text);
        assert_true(nft_rules_read(&filter, json, text));
        expect(&filter, rulesets[i].forwarded, rulesets[i].name, rulesets[i].expected);
        free(all);
    }
}

static void read_save(struct packet_filter *filter, const char *tool, const char *name)
{
    char *text = read_fixture(name);

    iptables_rules_read(filter, tool, "ip", text);
    free(text);
}

static void as_iptables_save_prints_them(void **state)
{
    struct packet_filter filter = { 0 };

    (void)state;
    read_save(&filter, "iptables", "users.save");
    expect(&filter, true, "users.save",
           "iptables ip filter SMTPOUTPUT: -A SMTPOUTPUT -j REJECT --reject-with "
           "icmp-port-unreachable: 4 rejects 1\n");
    read_save(&filter, "iptables", "ufw.save");
    expect(&filter, false, "ufw.save",
           "ufw ip filter ufw-user-output: -A ufw-user-output -p tcp -m tcp --dport 25 -j DROP: "
           "4 0\n");
}

static const struct {
    const char *rule, *expected; /* what follows the rule in describe(); NULL: it does not block */
} rules[] = {
    { "-p tcp -m tcp --dport 25 -j DROP", "4 0" },
    { "-p tcp -m tcp --dport 20:30 -j REJECT --reject-with tcp-reset", "4 rejects 0" },
    { "-p tcp -m tcp --dport 20: -j DROP", "4 0" },
    { "-p tcp -m tcp --dport 26:30 -j DROP", NULL },
    { "-p tcp -m tcp ! --dport 80 -j DROP", "4 0" },
    { "-p tcp -m tcp ! --dport 25 -j DROP", NULL },
    { "-p tcp -m multiport --dports 465,20:30 -j DROP", "4 0" },
    { "-p tcp -m multiport --dports 465,587 -j DROP", NULL },
    { "-p tcp -m multiport ! --dports 80,443 -j DROP", "4 0" },
    { "-p udp -m udp --dport 25 -j DROP", NULL },
    { "! -p udp -j DROP", "4 0" },
    { "-j DROP", "4 0" },
    { "-o lo -p tcp -m tcp --dport 25 -j DROP", NULL },
    { "! -o lo -p tcp -m tcp --dport 25 -j DROP", "4 0" },
    { "-o eth0 -p tcp -m tcp --dport 25 -j DROP", "4 2" },
    { "-d 192.0.2.0/24 -p tcp -m tcp --dport 25 -j DROP", "4 4" },
    { "-d 192.0.2.0/24 -j DROP", NULL },
    { "-p tcp -m owner --uid-owner 1000 -m tcp --dport 25 -j DROP", "4 1" },
    { "-p tcp -m state --state RELATED,ESTABLISHED -j DROP", NULL },
    { "-p tcp -m conntrack --ctstate NEW -m tcp --dport 25 -j DROP", "4 0" },
    { "-p tcp -m conntrack ! --ctstate ESTABLISHED -m tcp --dport 25 -j DROP", "4 0" },
    { "-p tcp -m tcp --dport 25 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "4 0" },
    { "-p tcp -m tcp --dport 25 ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", NULL },
    { "-p tcp -m tcp --dport 25 -m hashlimit --hashlimit-above 5/min -j DROP", "4 8" },
    { "-p tcp -m comment --comment \"a \\\" -j ACCEPT \" -m tcp --dport 25 -j DROP", "4 0" },
    { "-p tcp -m tcp --dport 25 -j LOG --log-prefix \"-j DROP\"", NULL },
    { "-p tcp -m tcp --dport 25", NULL },
    { "-p tcp -m tcp --dport", NULL },
};

static void rule_by_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct packet_filter filter = { 0 };
        char *text =
            memory_format("*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT %s\nCOMMIT\n", rules[i].rule);
        char *expected = rules[i].expected == NULL
                             ? memory_copy("")
                             : memory_format("iptables ip filter OUTPUT: -A OUTPUT %s: %s\n",
                                             rules[i].rule, rules[i].expected);
        iptables_rules_read(&filter, "iptables", "ip", text);
        expect(&filter, false, rules[i].rule, expected);
        free(expected);
        free(text);
    }
}

/* What iptables-nft-save has shown, nft shows again, and not all of it; the old kind it never
 * shows. */
static void no_table_counts_twice(void **state)
{
    static const char json[] =
        "{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"OUTPUT\","
        "\"hook\":\"output\",\"policy\":\"drop\"}}]}";
    struct packet_filter filter = { 0 };
    char first[] = "*filter\n:OUTPUT DROP [0:0]\nCOMMIT\n", second[sizeof first];

    (void)state;
    memcpy(second, first, sizeof first);
    iptables_rules_read(&filter, "iptables", "ip", first);
    assert_true(nft_rules_read(&filter, json, NULL));
    expect(&filter, false, "nft", "iptables ip filter OUTPUT: policy drop: 4 0\n");
    iptables_rules_read(&filter, "iptables-legacy", "ip", second);
    assert_true(nft_rules_read(&filter, json, NULL));
    expect(&filter, false, "legacy",
           "iptables-legacy ip filter OUTPUT: policy drop: 4 0\n"
           "nft ip filter OUTPUT: policy drop: 4 0\n");
}

static void loops_and_crowds_end(void **state)
{
    struct packet_filter filter = { 0 };
    struct local_rules found = { .count = 0 };
    char *text = memory_copy("*filter\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n:b - [0:0]\n"
                             "-A OUTPUT -j a\n-A a -d 192.0.2.1 -j b\n-A a -d 192.0.2.2 -j b\n"
                             "-A b -j a\n-A b -p tcp -m tcp --dport 25 -j DROP\nCOMMIT\n");

    (void)state;
    iptables_rules_read(&filter, "iptables", "ip", text);
    expect(&filter, false, "a loop",
           "iptables ip filter b: -A b -p tcp -m tcp --dport 25 -j DROP: 4 4\n");
    free(text);
    text = memory_copy("*filter\n:OUTPUT ACCEPT [0:0]\n");
    for (int i = 0; i < 3 * LOCAL_RULES_MAX; i++) {
        char *longer =
            memory_format("%s-A OUTPUT -d 192.0.2.%d -p tcp --dport 25 -j DROP\n", text, i);
        free(text);
        text = longer;
    }
    iptables_rules_read(&filter, "iptables", "ip", text);
    local_rules_judge(&filter, false, &found);
    assert_int_equal(found.count, LOCAL_RULES_MAX);
    assert_true(found.more);
    packet_filter_clear(&filter);
    free(text);
}

static void what_is_shown_is_printable_and_short(void **state)
{
    char *text = memory_format("*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m comment --comment "
                               "\"\033[2J\351%0500d\" -j DROP\nCOMMIT\n",
                               0);
    struct packet_filter filter = { 0 };
    struct local_rules found = { .count = 0 };

    (void)state;
    iptables_rules_read(&filter, "iptables", "ip", text);
    local_rules_judge(&filter, false, &found);
    assert_int_equal(found.count, 1);
    assert_non_null(strstr(found.rules[0].text, "\"?[2J?000"));
    assert_int_equal(strlen(found.rules[0].text), LOCAL_RULE_TEXT - 1);
    packet_filter_clear(&filter);
    free(text);
}

/* Whatever the tools print, nothing falls over: each fixture cut off, and with bytes changed. */
static void damaged_output(void **state)
{
    static const char *const names[] = { "users.save", "ufw.save" };
    static const char *const nonsense[] = { "", "[]", "{\"nftables\":7}",
                                            "{\"nftables\":[7,{\"rule\":[]},{\"chain\":{}},null]}",
                                            "{\"nftables\":[{\"set\":{}},{\"rule\":{\"family\":"
                                            "\"ip\",\"expr\":[{\"vmap\":{}},{\"match\":{}}]}}]}" };
    struct packet_filter filter = { 0 };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t at = 0;; at += 7) {
            char *text = read_fixture(names[i]);
            bool beyond = at >= strlen(text);
            if (!beyond && at % 2 == 0)
                text[at] = '"';
            else if (!beyond)
                text[at] = '\0';
            iptables_rules_read(&filter, "iptables", "ip", text);
            packet_filter_clear(&filter);
            free(text);
            if (beyond)
                break;
        }
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        char text[] = "table ip t { # handle\n\tchain c {\n\t\tx\n\t}\n# handle 3\n";
        assert_int_equal(nft_rules_read(&filter, nonsense[i], text), i >= 3);
        packet_filter_clear(&filter);
    }
}

static enum tool_end sh(const char *command, int64_t ms, size_t max, char **out)
{
    const char *argv[] = { "sh", "-c", command, NULL };

    return run_tool("/bin/sh", argv, clock_mono_ms() + ms, max, out);
}

static void tools_that_go_wrong(void **state)
{
    static const struct {
        const char *command;
        enum tool_end end;
        const char *out;
    } rows[] = {
        { "echo \"$PATH $HOME\"; read x; echo \"[$x]\"; echo no >&2", TOOL_OK,
          "/usr/sbin:/usr/bin:/sbin:/bin \n[]\n" },
        { "echo so far; exit 3", TOOL_FAILED, "so far\n" },
        { "echo so far; kill -9 $$", TOOL_FAILED, "so far\n" },
        { "echo so far; exec sleep 1000", TOOL_LATE, "so far\n" },
        { "exec >&-; exec sleep 1000", TOOL_LATE, "" },
        { "while :; do echo 0123456789; done", TOOL_LONG, NULL },
    };
    const char *none[] = { "none", NULL };
    char *out;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sh(rows[i].command, rows[i].end == TOOL_LATE ? 200 : 10000, 50000, &out),
                         rows[i].end);
        if (rows[i].out != NULL)
            assert_string_equal(out, rows[i].out);
        else
            assert_true(strlen(out) > 50000 && strlen(out) < 100000);
        free(out);
    }
    assert_int_equal(run_tool("/nonexistent/none", none, clock_mono_ms() + 1000, 10, &out),
                     TOOL_ABSENT);
    assert_string_equal(out, "");
    free(out);
}

static void only_root_may_look(void **state)
{
    struct local_rules found;
    bool is_root = geteuid() == 0;

    (void)state;
    if (is_root)
        assert_int_equal(seteuid(65534), 0);
    local_rules_look(false, clock_mono_ms() + LOCAL_RULES_MS, &found);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(found.state, LOCAL_RULES_NOT_ROOT);
    assert_int_equal(found.count, 0);
    assert_string_equal(found.detail, "only root may look at this host's packet filter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_nft_prints_them),
        cmocka_unit_test(as_iptables_save_prints_them),
        cmocka_unit_test(rule_by_rule),
        cmocka_unit_test(no_table_counts_twice),
        cmocka_unit_test(loops_and_crowds_end),
        cmocka_unit_test(what_is_shown_is_printable_and_short),
        cmocka_unit_test(damaged_output),
        cmocka_unit_test(tools_that_go_wrong),
        cmocka_unit_test(only_root_may_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
