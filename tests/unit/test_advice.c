/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do: the steps that follow from a document of `check --json`, and how they read. */
#include "tests/unit/unit.h"

#include "daemon/report/advice.h"
#include "lib/config_load.h"
#include "lib/memory.h"
#include "tests/unit/french.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1795860235) /* 2026-11-28T10:03:55Z */

static struct relay_catalogue *relays;
static struct config *config;
static char office[] = "office";
static struct relay relay = { .name = office, .ports = { .port = { 587, 2525 }, .count = 2 } };

static int load(void **state)
{
    struct complaints *c = complaints_new();
    char *directory = memory_format("%s/conf", getenv("TOP_SRCDIR"));

    (void)state;
    relays = relay_catalogue_load(directory, c);
    config = config_defaults();
    free(directory);
    complaints_free(c);
    return relays != NULL && config != NULL ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    relay_catalogue_free(relays);
    config_free(config);
    return 0;
}

/* Of a round that saw VERDICT; MEMBERS are added to the document, within its braces. */
static json_t *document(const char *ipv4, const char *ipv6, int code, const char *members)
{
    static const char form[] = "{'schema':1,'summary':'The summary.','exit':%d,'seconds':1.9,"
                               "'verdict':{'ipv4':%s,'ipv6':%s}%s%s}";
    char *text = memory_format(form, code, ipv4, ipv6, *members != '\0' ? "," : "", members);
    json_error_t error;

    for (char *p = text; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    json_t *made = json_loads(text, 0, &error);
    if (made == NULL)
        fail_msg("%s at %d of %s", error.text, error.position, text);
    free(text);
    return made;
}

#define OUTCOMES                                                                           \
    "'outcomes':["                                                                         \
    "{'target':'op1.example','outcome':'timeout','detail':'no answer',"                    \
    "'hosts':[{'host':'mx1.op1.example','address':'198.18.1.1:25','outcome':'timeout'}]}," \
    "{'target':'op2.example','outcome':'open','detail':'','hosts':[]},"                    \
    "{'target':'op3.example','outcome':'timeout','detail':'no answer','hosts':[]}]"
#define BLOCKED                                                              \
    "{'name':'blocked','confidence':1,'operators':6,'connected':0,'open':0," \
    "'controls':{'sent':9,'answered':9,'loss':0,'by':'198.18.1.1:587'}," OUTCOMES "}"
#define VERDICT(name)                                                                             \
    "{'name':'" name "','operators':6,'connected':5,'open':5,'controls':{'sent':0,'answered':0,'" \
    "by':null}," OUTCOMES "}"
#define PROVIDER(lift)                                                                        \
    "'provider':{'name':'acme','title':'Acme Cloud','by':'dmi','evidence':'sys_vendor Acme'," \
    "'policy':{'default':'blocked','closed':[25,465,587]},'lift':" lift "}"
#define LIFT                                                                                \
    "{'possible':'case-by-case','how':'By a ticket.','needs':'A reverse name.',"            \
    "'url':'https://acme.example/ask','hours':[24,48],'source':'https://acme.example/faq'," \
    "'date':'2026-11-28'}"

static json_t *advise(json_t *checked, struct config *with)
{
    const struct advice_input input = {
        .document = checked, .config = with, .relays = relays, .now = NOW
    };
    json_t *advice = advice_json(&input);

    assert_non_null(advice);
    json_decref(checked);
    return advice;
}

static const json_t *step_at(const json_t *advice, size_t n)
{
    return json_array_get(json_object_get(advice, "steps"), n);
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* The steps' names in order, between blanks. */
static void expect_steps(const json_t *advice, const char *expected)
{
    char names[300] = "";
    json_t *step;
    size_t i;

    json_array_foreach(json_object_get(advice, "steps"), i, step)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i > 0 ? " " : "",
                 word(step, "step"));
    assert_string_equal(names, expected);
}

static const struct layout wide = { .width = 1000 };

/* Whether all of these stand in what people read, in this order. */
static void expect_text(const json_t *advice, const char *const parts[])
{
    char *text = advice_text(advice, NULL, &wide);
    const char *at = text;

    for (; *parts != NULL; parts++) {
        const char *found = strstr(at, *parts);
        if (found == NULL)
            fail_msg("'%s' is not in, or not in its place:\n%s", *parts, text);
        at = found;
    }
    free(text);
}

#define EXPECT_TEXT(advice, ...) expect_text(advice, (const char *const[]){ __VA_ARGS__, NULL })

static void wait_ask_or_relay(void **state)
{
    json_t *advice = advise(document(BLOCKED, "null", 2, PROVIDER(LIFT)), config);

    (void)state;
    expect_steps(advice, "wait ask add-relay");
    assert_string_equal(word(advice, "cause"), "provider");
    assert_int_equal(json_integer_value(json_object_get(advice, "exit")), 2);
    assert_string_equal(word(step_at(advice, 0), "until"), "2026-11-30T10:03:55Z");
    EXPECT_TEXT(advice, "The summary.\n", "your provider, Acme Cloud, that closes the port",
                "1. The provider says that a request takes 24 to 48 hours.\n",
                "wait until 2026-11-30 10:03 UTC", "2. Ask Acme Cloud to open the port",
                "How: By a ticket.\n", "They want to see: A reverse name.\n",
                "Where: https://acme.example/ask\n", "They decide case by case.\n",
                "(read at https://acme.example/faq on 2026-11-28)\n", "3. Or send by a relay.",
                "What is not affected:\n", "Mail from outside", "ports 587 and 465",
                "local network", "The text, to be completed:\n");
    json_decref(advice);
}

/* The provider closes 465 and 587 too, and nobody has tried: what is left are 2465, 2587, 2525. */
static void relays_come_with_their_prices_and_the_ports_that_are_left(void **state)
{
    json_t *advice = advise(document(BLOCKED, "null", 2, PROVIDER(LIFT)), config);
    const json_t *step = step_at(advice, 2);
    const json_t *ses = json_array_get(json_object_get(step, "candidates"), 0), *c;
    size_t i;

    (void)state;
    assert_string_equal(word(ses, "relay"), "amazon-ses");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(ses, "ports"), 0)), 2465);
    assert_int_equal(json_array_size(json_object_get(ses, "ports")), 2);
    assert_string_equal(word(ses, "price_date"), "2026-11-28");
    json_array_foreach(json_object_get(step, "candidates"), i, c)
        assert_true(strcmp(word(c, "relay"), "microsoft365") != 0);
    EXPECT_TEXT(advice, "not known to close", "Amazon SES (amazon-ses), ports 2465, 2587\n",
                "price: ", "USD", "(read at https://aws.amazon.com/ses/pricing/ on 2026-11-28)",
                "free: 300 messages a day", "mode = switch\n", "relay amazon-ses {\n",
                "provider = amazon-ses\n", "region = us-east-1\n", "ports = { 2587 }\n",
                "username = \"...\"\n", "password_file = \"/etc/detourd/amazon-ses.password\"\n");
    json_decref(advice);
}

#define TRIED(relay, port, state, attack)                                                    \
    "{'relay':'" relay "','host':'h','port':" #port ",'state':'" state "','attack':" #attack \
    ",'detail':'what was seen'}"

static void relays_that_were_tried_stand_with_what_works(void **state)
{
    json_t *advice = advise(
        document(BLOCKED, "null", 2,
                 "'submission':[" TRIED("sendgrid", 587, "no-connect", false) "," TRIED(
                     "sendgrid", 465, "usable",
                     false) "," TRIED("brevo", 587, "usable",
                                      true) "," TRIED("amazon-ses", 587, "no-connect", false) "]"),
        config);
    const json_t *step = step_at(advice, 1);
    const json_t *first = json_array_get(json_object_get(step, "candidates"), 0), *c;
    size_t i;

    (void)state;
    expect_steps(advice, "ask add-relay");
    assert_string_equal(word(first, "relay"), "sendgrid");
    assert_true(json_is_true(json_object_get(first, "tried")));
    json_array_foreach(json_object_get(step, "candidates"), i, c) assert_true(
        strcmp(word(c, "relay"), "brevo") != 0 && strcmp(word(c, "relay"), "amazon-ses") != 0);
    EXPECT_TEXT(advice, "can be reached from here", "Twilio SendGrid (sendgrid), port 465\n",
                "ports = { 465 }\n", "method = transport\n");
    json_decref(advice);
}

static void a_configured_relay_that_works_is_enough(void **state)
{
    struct config with = { .mode = MODE_SWITCH, .relays = &relay, .relay_count = 1 };
    json_t *advice =
        advise(document(BLOCKED, "null", 2,
                        "'submission':[" TRIED("office", 587, "no-connect", false) "," TRIED(
                            "office", 2525, "usable", false) "]"),
               &with);

    (void)state;
    expect_steps(advice, "ask use-relay");
    assert_int_equal(json_integer_value(json_object_get(step_at(advice, 1), "port")), 2525);
    EXPECT_TEXT(advice, "Ask whoever gives this host its access",
                "2. Send by the relay office: its port 2525 works from here.\n",
                "detourctl route office\n");
    json_decref(advice);
}

static void a_configured_relay_that_nobody_tried_is_not_said_to_work(void **state)
{
    struct config with = { .mode = MODE_OBSERVE, .relays = &relay, .relay_count = 1 };
    json_t *advice = advise(document(BLOCKED, "null", 2, ""), &with);

    (void)state;
    expect_steps(advice, "ask use-relay");
    EXPECT_TEXT(advice, "relay office, on port 587. Whether that works from here was not tried",
                "Set mode = switch");
    json_decref(advice);
}

static void relays_that_fail_are_told_and_a_downgrade_is_an_attack(void **state)
{
    struct config with = { .mode = MODE_SWITCH, .relays = &relay, .relay_count = 1 };
    json_t *advice =
        advise(document(BLOCKED, "null", 2,
                        "'submission':[" TRIED("office", 587, "no-starttls", true) "," TRIED(
                            "office", 2525, "no-connect", false) "]"),
               &with);

    (void)state;
    expect_steps(advice, "ask downgraded repair-relay add-relay");
    EXPECT_TEXT(advice, "on port 587: something on the way takes TLS out", "an attack",
                "which does not work on port 2525: no-connect.\n", "Seen: what was seen\n");
    json_decref(advice);
}

static void the_letter_holds_the_evidence(void **state)
{
    json_t *advice = advise(
        document(BLOCKED, "null", 2,
                 PROVIDER("null") ",'reputation':{'address':{'ipv4':'203.0.113.5','ipv6':null},"
                                  "'findings':[]},"
                                  "'trace':{'ipv4':{'address':'198.18.1.1','port':25,"
                                  "'control_port':587,'last':'10.0.0.1','next':'100.64.0.1',"
                                  "'hops':[]},'ipv6':null}"),
        config);
    const char *letter = word(advice, "request");

    (void)state;
    expect_steps(advice, "ask add-relay");
    assert_non_null(strstr(letter, "Outbound TCP port 25 from 203.0.113.5\n"));
    assert_non_null(strstr(letter, "on 2026-11-28 at 10:03:55 UTC:\n"));
    assert_non_null(strstr(letter, "- op1.example, mx1.op1.example, 198.18.1.1:25: timeout\n"));
    assert_non_null(strstr(letter, "- op3.example: timeout\n"));
    assert_null(strstr(letter, "op2.example"));
    assert_non_null(strstr(letter, "at the same time, 198.18.1.1:587 answered"));
    assert_null(strstr(strstr(letter, "198.18.1.1:587") + 1, "198.18.1.1:587"));
    assert_non_null(strstr(letter, "pass 10.0.0.1, but not 100.64.0.1, which passes those to port "
                                   "587"));
    assert_non_null(strstr(letter, "what it is for: ____"));
    EXPECT_TEXT(advice, "10.0.0.1 passes them; 100.64.0.1 does not.\n",
                "    Outbound TCP port 25 from 203.0.113.5\n", "    - what it is for: ____");
    json_decref(advice);
}

static void an_address_that_is_not_known_is_a_blank(void **state)
{
    json_t *advice = advise(document(BLOCKED, "null", 2, ""), config);

    (void)state;
    assert_non_null(strstr(word(advice, "request"), "____ (the host's public address)"));
    json_decref(advice);
}

static void who_never_opens_it_is_not_asked(void **state)
{
    json_t *advice =
        advise(document(BLOCKED, "null", 2, PROVIDER("{'possible':'no','hours':null}")), config);

    (void)state;
    expect_steps(advice, "not-opened add-relay");
    EXPECT_TEXT(advice, "Do not count on Acme Cloud");
    json_decref(advice);
}

static void what_takes_no_time_is_not_waited_for(void **state)
{
    json_t *advice =
        advise(document(BLOCKED, "null", 2, PROVIDER("{'possible':'yes','hours':[0,0]}")), config);

    (void)state;
    expect_steps(advice, "ask add-relay");
    json_decref(advice);
}

static void one_rule_is_taken_out_and_no_relay_is_wanted(void **state)
{
    json_t *advice =
        advise(document(BLOCKED, "null", 2,
                        "'cause':{'ipv4':'local-rule','ipv6':null},'local_rules':["
                        "{'tool':'nft','family':'inet','table':'filter','chain':'output',"
                        "'rule':'tcp dport 25 drop'},"
                        "{'tool':'ip6tables-legacy','family':'ip6','table':'','chain':'OUTPUT',"
                        "'rule':'-p tcp --dport 25 -m comment --comment $(reboot) -j DROP'},"
                        "{'tool':'ufw','family':'','table':'','chain':'','rule':'deny out 25'}]"),
               config);

    (void)state;
    expect_steps(advice, "remove-rule remove-rule remove-rule check-again");
    assert_true(json_is_null(json_object_get(advice, "request")));
    EXPECT_TEXT(advice, "A rule in this host's own firewall", "(nft, chain output): tcp dport 25",
                "nft --handle list chain inet filter output\n",
                "nft delete rule inet filter output handle NUMBER\n",
                "ip6tables-legacy -t filter -nL OUTPUT --line-numbers\n",
                "ip6tables-legacy -t filter -D OUTPUT NUMBER\n", "ufw status numbered\n");
    for (size_t i = 0; i < 3; i++) {
        char *commands = json_dumps(json_object_get(step_at(advice, i), "commands"), 0);
        assert_null(strstr(commands, "reboot"));
        free(commands);
    }
    json_decref(advice);
}

static void a_policy_gets_an_exception_and_firewalld_is_asked_itself(void **state)
{
    json_t *advice =
        advise(document(BLOCKED, "null", 2,
                        "'cause':{'ipv4':'local-rule','ipv6':null},'local_rules':["
                        "{'tool':'nft','family':'inet','table':'filter','chain':'output',"
                        "'rule':'policy drop'},"
                        "{'tool':'iptables','family':'ip','table':'filter','chain':'OUTPUT',"
                        "'rule':'policy drop'},"
                        "{'tool':'ufw','family':'ip','table':'filter','chain':'OUTPUT',"
                        "'rule':'policy drop'},"
                        "{'tool':'firewalld','family':'inet','table':'firewalld',"
                        "'chain':'filter_OUTPUT','rule':'tcp dport 25 drop'}]"),
               config);

    (void)state;
    expect_steps(advice, "remove-rule remove-rule remove-rule remove-rule check-again");
    EXPECT_TEXT(advice, "Let port 25 out of the chain output (nft)",
                "nft add rule inet filter output tcp dport 25 accept\n",
                "iptables -t filter -A OUTPUT -p tcp --dport 25 -j ACCEPT\n",
                "ufw allow out 25/tcp\n", "firewall-cmd --direct --get-all-rules\n");
    json_decref(advice);
}

static void a_firewall_of_ones_own_is_asked_for(void **state)
{
    json_t *advice = advise(document(BLOCKED, "null", 2,
                                     PROVIDER(LIFT) ",'cause':{'ipv4':'firewall','ipv6':null},"
                                                    "'local_rules':[],"
                                                    "'trace':{'ipv4':{'last':null,"
                                                    "'next':'10.0.0.1'},'ipv6':null}"),
                            config);

    (void)state;
    expect_steps(advice, "ask add-relay");
    EXPECT_TEXT(advice, "do not get as far as 10.0.0.1, the first router",
                "Ask whoever runs the network between this host and 10.0.0.1");
    json_decref(advice);
}

static void rules_that_nobody_has_read_are_looked_at_first(void **state)
{
    json_t *advice = advise(document(BLOCKED, "null", 2,
                                     PROVIDER(LIFT) ",'cause':{'ipv4':'firewall','ipv6':null},"
                                                    "'local_rules':null"),
                            config);

    (void)state;
    expect_steps(advice, "look-as-root ask add-relay");
    EXPECT_TEXT(advice, "A firewall on this host, or just outside of it", "1. Look as root",
                "sudo detourctl advise\n");
    json_decref(advice);
}

static void a_firewall_by_turns_is_nobodys_to_open(void **state)
{
    json_t *advice = advise(document(VERDICT("unstable"), "null", 1,
                                     PROVIDER("null") ",'cause':{'ipv4':'firewall','ipv6':null}"),
                            config);

    (void)state;
    expect_steps(advice, "look-at-conntrack look-at-limits check-again");
    assert_true(json_is_null(json_object_get(advice, "request")));
    EXPECT_TEXT(advice, "A firewall closes the port now and then", "nf_conntrack_max\n");
    json_decref(advice);
}

static void one_recipient_is_no_reason_for_a_relay(void **state)
{
    json_t *advice =
        advise(document(VERDICT("remote"), "null", 1,
                        "'reputation':{'address':{'ipv4':null,'ipv6':null},'findings':["
                        "{'check':'ptr','family':'ipv4','result':'bad','detail':'no reverse name'},"
                        "{'check':'spf','family':null,'result':'ok','detail':''},"
                        "{'check':'dkim','family':null,'result':'unknown','detail':''}]}"),
               config);

    (void)state;
    expect_steps(advice, "ask-recipients fix no-relay-for-one");
    assert_int_equal(json_array_size(json_object_get(advice, "unaffected")), 0);
    EXPECT_TEXT(advice, "those recipients alone", "- op1.example: timeout; no answer\n",
                "Give the address a reverse name", "Seen: no reverse name\n", "No relay is needed");
    json_decref(advice);
}

static void each_finding_has_its_remedy(void **state)
{
    static const char *const checks[] = { "ptr", "helo", "spf", "dkim", "dmarc", "dnsbl" };

    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        char *members = memory_format("'reputation':{'address':{},'findings':[{'check':'%s',"
                                      "'family':null,'result':'warning','detail':'d'}]}",
                                      checks[i]);
        json_t *advice = advise(document(VERDICT("reputation"), "null", 1, members), config);
        char *text = advice_text(advice, NULL, &wide), *bare = memory_format("1. %s\n", checks[i]);
        expect_steps(advice, "fix");
        assert_null(strstr(text, bare));
        free(bare);
        free(text);
        free(members);
        json_decref(advice);
    }
}

/* Each cause by itself, as one word or as the verdict makes likely. */
static void every_cause_has_its_steps(void **state)
{
    static const struct {
        const char *verdict;
        int code;
        const char *steps;
    } causes[] = {
        { VERDICT("open"), 0, "nothing watch" },
        { VERDICT("unstable"), 1, "look-at-conntrack look-at-limits look-at-loss check-again" },
        { VERDICT("reputation"), 1, "look-at-reputation" },
        { VERDICT("intercepted"), 2, "ask tls-helps add-relay" },
        { VERDICT("offline"), 3, "look-at-link look-at-gateway relays-fail-too check-again" },
        { VERDICT("unknown"), 3, "check-again more-targets" },
        { "{'name':'unknown','operators':0,'controls':{'sent':0,'answered':0,'by':null},'outcomes':"
          "[]}",
          3, "look-at-resolver look-at-names check-again" },
        { "null", 3, "check-again more-targets" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        json_t *advice = advise(document(causes[i].verdict, "null", causes[i].code, ""), config);
        char *text = advice_text(advice, NULL, &wide);
        expect_steps(advice, causes[i].steps);
        for (const char *p = text; (p = strstr(p, ". \n")) != NULL; p++)
            fail_msg("a step without a word:\n%s", text);
        assert_int_equal(json_integer_value(json_object_get(advice, "exit")), causes[i].code);
        free(text);
        json_decref(advice);
    }
}

static void an_interception_is_told_as_such(void **state)
{
    json_t *advice = advise(document(VERDICT("intercepted"), "null", 2, PROVIDER(LIFT)), config);

    (void)state;
    expect_steps(advice, "wait ask tls-helps add-relay");
    assert_non_null(strstr(word(advice, "request"), "answered by something else"));
    EXPECT_TEXT(advice, "A proxy on the way answers");
    json_decref(advice);
}

static void ipv6_alone_is_told_to_postfix_and_the_provider(void **state)
{
    json_t *advice = advise(document(VERDICT("open"), BLOCKED, 1, ""), config);

    (void)state;
    assert_string_equal(word(advice, "family"), "ipv6");
    expect_steps(advice, "prefer-ipv4 ask");
    EXPECT_TEXT(advice, "postconf -e smtp_address_preference=ipv4\n");
    json_decref(advice);
    advice = advise(document("null", BLOCKED, 2, ""), config);
    expect_steps(advice, "ask add-relay");
    json_decref(advice);
    advice = advise(document(VERDICT("open"), VERDICT("offline"), 0, ""), config);
    expect_steps(advice, "nothing watch");
    json_decref(advice);
}

static const struct layout narrow = { .width = LAYOUT_WIDTH };

/* Of a host whose provider blocks it, as long as it gets. */
static json_t *long_advice(void)
{
    return advise(document(BLOCKED, "null", 2,
                           PROVIDER(LIFT) ",'trace':{'ipv4':{'last':'10.0.0.1',"
                                          "'next':'100.64.0.1','control_port':587}}"),
                  config);
}

/* What is to be copied begins further in, and what has no space cannot be broken. */
static void expect_short_lines(const char *text)
{
    char *copy = memory_copy(text), *rest = copy;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (text_columns(line) > LAYOUT_WIDTH && strncmp(line, "       ", 7) != 0 &&
            strchr(line + LAYOUT_WIDTH / 2, ' ') != NULL)
            fail_msg("too long: %s", line);
    free(copy);
}

static void lines_end_before_the_edge(void **state)
{
    json_t *advice = long_advice();
    char *text = advice_text(advice, NULL, &narrow);

    (void)state;
    expect_short_lines(text);
    assert_non_null(strstr(text, "\n   Where: https://acme.example/ask\n"));
    assert_non_null(strstr(text, "\n3. Or send by a relay."));
    assert_non_null(strstr(text, "your provider is not\n   known to close"));
    free(text);
    json_decref(advice);
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        n++;
    return n;
}

/* In the columns of a form too. */
static void the_letter_keeps_its_list(void **state)
{
    const struct layout form = { .width = 40 };
    json_t *advice = long_advice();
    char *text = advice_text(advice, NULL, &form);
    const char *letter = strstr(text, "Outbound TCP port 25"), *written = word(advice, "request");

    (void)state;
    assert_non_null(letter);
    assert_int_equal(count_of(letter, "\n    - "), count_of(written, "\n- "));
    assert_non_null(strstr(letter, "\n    - op1.example, mx1.op1.example,\n      198.18.1.1:25: "
                                   "timeout\n"));
    assert_non_null(
        strstr(letter, "\n\n    About the mail:\n    - what it is for: ____________\n"));
    free(text);
    json_decref(advice);
}

static void what_is_to_be_copied_stays_whole(void **state)
{
    const struct layout form = { .width = 40 };
    json_t *advice = long_advice();
    char *text = advice_text(advice, NULL, &form);

    (void)state;
    assert_non_null(strstr(text, "\n       install -m 0640 -o root -g detourd /dev/null "
                                 "/etc/detourd/amazon-ses.password\n"));
    assert_non_null(
        strstr(text, "\n       relay amazon-ses {\n           provider = amazon-ses\n"));
    free(text);
    json_decref(advice);
}

static void a_reader_of_french_reads_french(void **state)
{
    json_t *advice = long_advice(), *seen = document(BLOCKED, "null", 2, "");
    char *text;

    (void)state;
    if (!french_begin())
        skip();
    text = advice_text(advice, seen, &narrow);
    expect_short_lines(text);
    french_end();
    assert_int_equal(strncmp(text, "Le port 25 sortant est bloqué", 30), 0);
    assert_non_null(strstr(text, "\nQue faire\u00a0:\n1. Le fournisseur annonce"));
    assert_non_null(strstr(text, "\n    - op3.example\u00a0: sans réponse\n"));
    assert_null(strstr(text, "Outbound"));
    assert_non_null(strstr(word(advice, "request"), "- op3.example: timeout\n"));
    free(text);
    json_decref(seen);
    json_decref(advice);
}

/* A name in the DNS is not to move the cursor. */
static void what_a_terminal_would_obey_is_not_printed(void **state)
{
    json_t *advice = advise(document(BLOCKED, "null", 2,
                                     "'local_rules':[{'tool':'nft','rule':'\\u001b[2J'}],"
                                     "'cause':{'ipv4':'local-rule'}"),
                            config);
    char *text = advice_text(advice, NULL, &wide);

    (void)state;
    assert_null(strchr(text, 033));
    assert_non_null(strstr(text, "?[2J"));
    free(text);
    json_decref(advice);
}

static void a_document_with_nothing_in_it_breaks_nothing(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"verdict\":null}",
        "{\"verdict\":{\"ipv4\":{\"name\":\"blocked\"}},\"provider\":{},\"cause\":[],"
        "\"submission\":{},\"reputation\":7,\"trace\":\"x\"}",
        "{\"verdict\":{\"ipv4\":{\"name\":\"remote\",\"outcomes\":[null,1,{}]}},"
        "\"local_rules\":[null]}",
        "{\"verdict\":{\"ipv4\":{\"name\":\"blocked\",\"controls\":[null,{\"answered\":true}],"
        "\"outcomes\":[null,{\"hosts\":[null]}]}},\"provider\":{\"lift\":{\"hours\":[1]}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *checked = json_loads(texts[i], 0, NULL);
        assert_non_null(checked);
        json_t *advice = advise(checked, config);
        free(advice_text(advice, NULL, &wide));
        json_decref(advice);
    }
}

static void without_a_catalogue_no_relay_is_named(void **state)
{
    json_t *checked = document(BLOCKED, "null", 2, "");
    const struct advice_input input = { .document = checked, .config = config, .now = NOW };
    json_t *advice = advice_json(&input);

    (void)state;
    expect_steps(advice, "ask no-relay");
    json_decref(advice);
    json_decref(checked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_ask_or_relay),
        cmocka_unit_test(relays_come_with_their_prices_and_the_ports_that_are_left),
        cmocka_unit_test(relays_that_were_tried_stand_with_what_works),
        cmocka_unit_test(a_configured_relay_that_works_is_enough),
        cmocka_unit_test(a_configured_relay_that_nobody_tried_is_not_said_to_work),
        cmocka_unit_test(relays_that_fail_are_told_and_a_downgrade_is_an_attack),
        cmocka_unit_test(the_letter_holds_the_evidence),
        cmocka_unit_test(an_address_that_is_not_known_is_a_blank),
        cmocka_unit_test(who_never_opens_it_is_not_asked),
        cmocka_unit_test(what_takes_no_time_is_not_waited_for),
        cmocka_unit_test(one_rule_is_taken_out_and_no_relay_is_wanted),
        cmocka_unit_test(a_policy_gets_an_exception_and_firewalld_is_asked_itself),
        cmocka_unit_test(a_firewall_of_ones_own_is_asked_for),
        cmocka_unit_test(rules_that_nobody_has_read_are_looked_at_first),
        cmocka_unit_test(a_firewall_by_turns_is_nobodys_to_open),
        cmocka_unit_test(one_recipient_is_no_reason_for_a_relay),
        cmocka_unit_test(each_finding_has_its_remedy),
        cmocka_unit_test(every_cause_has_its_steps),
        cmocka_unit_test(an_interception_is_told_as_such),
        cmocka_unit_test(ipv6_alone_is_told_to_postfix_and_the_provider),
        cmocka_unit_test(lines_end_before_the_edge),
        cmocka_unit_test(the_letter_keeps_its_list),
        cmocka_unit_test(what_is_to_be_copied_stays_whole),
        cmocka_unit_test(a_reader_of_french_reads_french),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_printed),
        cmocka_unit_test(a_document_with_nothing_in_it_breaks_nothing),
        cmocka_unit_test(without_a_catalogue_no_relay_is_named),
    };
    return cmocka_run_group_tests_name("advice", tests, load, unload);
}
