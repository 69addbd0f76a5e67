/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of an advice in sentences. */
#include "daemon/report/advice_page.h"
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/phrases.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>

/* "2026-11-28 14:46 UTC" out of "2026-11-28T14:46:13Z". */
#define WHEN_TEXT 40
static const char *when(const char *stamp, char out[WHEN_TEXT])
{
    snprintf(out, WHEN_TEXT, "%.10s %.5s UTC", stamp, strlen(stamp) > 11 ? stamp + 11 : "");
    return out;
}

/* What a probe has seen, in the reader's language. */
static void add_seen(struct advice_page *page, const json_t *step)
{
    char *seen = translated(word(step, "detail"));

    advice_label(page, _("Seen:"), seen);
    free(seen);
}

/* Steps that are one sentence, and what to type */

#define COMMANDS_MAX 3

static const struct {
    const char *step, *sentence, *commands[COMMANDS_MAX];
} sentences[] = {
    { "check-again", N_("Then look again:"), { "detourctl check" } },
    { "look-at-reputation",
      N_("Read what they say when they refuse (`detourctl check` prints it), and look at this "
         "host's reverse name, at the SPF, DKIM and DMARC records of its domains, and at the "
         "blocklists that the replies name."),
      { NULL } },
    { "no-relay-for-one",
      N_("No relay is needed: the mail of all others leaves as before, and what is for these "
         "waits in the queue."),
      { NULL } },
    { "look-as-root",
      N_("Look as root, if you have not: then the rules of this host's own nftables or iptables "
         "are read, and the one that does it is named:"),
      { "sudo detourctl advise" } },
    { "look-at-conntrack",
      N_("Look whether the table of connections is full, since a full one drops new "
         "connections:"),
      { "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max" } },
    { "look-at-limits",
      N_("Look for rules of this host that limit new connections, in nftables and in iptables:"),
      { "nft list ruleset", "iptables-save" } },
    { "look-at-loss",
      N_("Look where packets are lost, with the address of a target that was silent; then again "
         "with port 443:"),
      { "mtr --tcp --port 25 ADDRESS" } },
    { "look-at-link",
      N_("Look at the link, its addresses and the route:"),
      { "ip address", "ip route", "ip -6 route" } },
    { "look-at-gateway", N_("Look whether the gateway answers:"), { "ip neigh" } },
    { "relays-fail-too",
      N_("Leave the route as it is: a relay cannot be reached either. What is in the queue "
         "leaves when the network is back."),
      { NULL } },
    { "look-at-resolver",
      N_("Look at the resolvers in /etc/resolv.conf, and whether one answers:"),
      { "getent ahosts gmail.com" } },
    { "look-at-names",
      N_("Look whether the targets are spelled right: their domains need MX records."),
      { NULL } },
    { "more-targets",
      N_("Ask more of those who receive mail, with five or more large domains, a comma between "
         "them:"),
      { "detourctl check --targets DOMAIN,DOMAIN,..." } },
    { "tls-helps",
      N_("Until then trust nothing that is not encrypted: a proxy cannot show the certificate of "
         "a relay, so that submission with TLS is safe from it."),
      { NULL } },
    { "nothing", N_("Nothing has to be done."), { NULL } },
    { "watch",
      N_("Keep an eye on it: detourd with mode = observe reports a block within seconds, and "
         "`detourctl check` answers monitoring with its exit status."),
      { NULL } },
    { "no-relay",
      N_("None of the known relays can be reached from here on any port: ask the provider which "
         "submission port is open."),
      { NULL } },
};

static bool add_sentence(struct advice_page *page, const char *step)
{
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        if (strcmp(step, sentences[i].step) != 0)
            continue;
        advice_say(page, "%s", _(sentences[i].sentence));
        for (size_t c = 0; c < COMMANDS_MAX && sentences[i].commands[c] != NULL; c++)
            advice_command(page, sentences[i].commands[c]);
        return true;
    }
    return false;
}

/* Steps that say more */

static void add_wait(struct advice_page *page, const json_t *step)
{
    const json_t *hours = json_object_get(step, "hours");
    int least = (int)json_integer_value(json_array_get(hours, 0));
    int most = (int)json_integer_value(json_array_get(hours, 1));
    char until[WHEN_TEXT];

    if (least == most)
        advice_say(page,
                   PLURAL("The provider says that a request takes %d hour.",
                          "The provider says that a request takes %d hours.", (unsigned long)most),
                   most);
    else
        advice_say(page, _("The provider says that a request takes %d to %d hours."), least, most);
    advice_say(page, _("If you ask or have asked today, wait until %s before you ask again."),
               when(word(step, "until"), until));
}

static void ask_whom(struct advice_page *page, const json_t *step)
{
    const char *title = word(step, "title"), *hop = word(step, "hop");

    if (word_is(step, "whom", "firewall") && *hop != '\0')
        advice_say(page,
                   _("Ask whoever runs the network between this host and %s, the first router, to "
                     "let port 25 out."),
                   hop);
    else if (word_is(step, "whom", "firewall"))
        advice_say(page, _("Ask whoever runs the firewall of your network to let port 25 out."));
    else if (*title != '\0')
        advice_say(page, _("Ask %s to open the port, with the text below."), title);
    else
        advice_say(page, _("Ask whoever gives this host its access to the network to open the "
                           "port, with the text below. `detourctl providers` has what is known "
                           "of providers."));
}

static void add_ask(struct advice_page *page, const json_t *step)
{
    ask_whom(page, step);
    advice_label(page, _("How:"), word(step, "how"));
    advice_label(page, _("They want to see:"), word(step, "needs"));
    advice_label(page, _("Where:"), word(step, "url"));
    if (word_is(step, "possible", "case-by-case"))
        advice_say(page, _("They decide case by case."));
    if (*word(step, "source") != '\0')
        advice_say(page, _("(read at %s on %s)"), word(step, "source"), word(step, "date"));
}

static void add_not_opened(struct advice_page *page, const json_t *step)
{
    advice_say(page,
               _("Do not count on %s: as far as is known, the port is not opened for anybody."),
               word(step, "title"));
}

static void add_use(struct advice_page *page, const json_t *step)
{
    const char *relay = word(step, "relay");
    int port = (int)number(step, "port");

    if (json_is_true(json_object_get(step, "tried"))) {
        advice_say(page, _("Send by the relay %s: its port %d works from here."), relay, port);
    } else {
        advice_say(page,
                   _("Send by the relay %s, on port %d. Whether that works from here was not "
                     "tried; this tells:"),
                   relay, port);
        advice_command(page, "detourctl relays");
    }
    if (word_is(step, "mode", "observe")) {
        advice_say(page, _("Set mode = switch in detourd.conf, and detourd does it by itself."));
        return;
    }
    char *command = memory_format("detourctl route %s", relay);
    advice_say(page, _("detourd does it by itself; to do it now:"));
    advice_command(page, command);
    free(command);
}

static void add_repair(struct advice_page *page, const json_t *step)
{
    advice_say(page, _("Look at the relay %s, which does not work on port %d: %s."),
               word(step, "relay"), (int)number(step, "port"), phrase(word(step, "state")));
    add_seen(page, step);
}

static void add_downgraded(struct advice_page *page, const json_t *step)
{
    advice_say(page,
               _("Do not send by the relay %s on port %d: something on the way takes TLS out of "
                 "the conversation, which is an attack. Use a port that begins with TLS, 465 or "
                 "2465."),
               word(step, "relay"), (int)number(step, "port"));
}

/* "465, 587"; the caller frees it. */
static char *ports_text(const json_t *ports)
{
    struct text t;
    json_t *port;
    size_t i;

    text_begin(&t);
    json_array_foreach(ports, i, port)
        text_add(&t, "%s%lld", i > 0 ? ", " : "", json_integer_value(port));
    return text_end(&t);
}

static void add_candidate(struct advice_page *page, const json_t *c)
{
    struct advice_page item = { .text = page->text, .layout = page->layout, .mark = "   - " };
    char *ports = ports_text(json_object_get(c, "ports"));
    unsigned long count = json_array_size(json_object_get(c, "ports"));

    advice_say(&item, PLURAL("%s (%s), port %s", "%s (%s), ports %s", count), word(c, "title"),
               word(c, "relay"), ports);
    advice_label(&item, _("price:"), word(c, "price"));
    advice_label(&item, _("free:"), word(c, "free"));
    if (*word(c, "price_date") != '\0')
        advice_say(&item, _("(read at %s on %s)"), word(c, "price_source"), word(c, "price_date"));
    free(ports);
}

static void add_candidates(struct advice_page *page, const json_t *list)
{
    bool tried = json_is_true(json_object_get(json_array_get(list, 0), "tried"));
    json_t *c;
    size_t i;

    advice_say(page, "%s",
               tried ? _("Or send by a relay. These can be reached from here, on the ports named, "
                         "the better one first (RFC 8314):")
                     : _("Or send by a relay. These are known, with the ports that your provider "
                         "is not known to close, the better one first (RFC 8314):"));
    json_array_foreach(list, i, c) add_candidate(page, c);
}

static void add_add_relay(struct advice_page *page, const json_t *step)
{
    const char *relay = word(step, "snippet_relay");
    char *command = memory_format(
        "install -m 0640 -o root -g detourd /dev/null /etc/detourd/%s.password", relay);

    add_candidates(page, json_object_get(step, "candidates"));
    advice_say(page, _("In detourd.conf, for %s:"), relay);
    advice_quote(page, 0, "\n");
    advice_quote(page, 7, word(step, "snippet"));
    advice_quote(page, 0, "\n");
    advice_say(page, _("Its password goes into a file that root alone can write:"));
    advice_command(page, command);
    free(command);
}

static void add_commands(struct advice_page *page, const json_t *step)
{
    json_t *command;
    size_t i;

    json_array_foreach(json_object_get(step, "commands"), i, command) if (json_is_string(command))
        advice_command(page, json_string_value(command));
}

static void add_policy(struct advice_page *page, const json_t *step, const json_t *rule)
{
    advice_say(page,
               _("Let port 25 out of the chain %s (%s), which by its policy lets nothing out that "
                 "no rule names."),
               word(rule, "chain"), word(rule, "tool"));
    if (!word_is(rule, "tool", "ufw"))
        advice_say(page, _("The command does so until the next start; put it into the firewall's "
                           "own files too."));
    add_commands(page, step);
}

static void add_rule(struct advice_page *page, const json_t *step)
{
    const json_t *rule = json_object_get(step, "rule");

    if (word_is(rule, "rule", "policy drop")) {
        add_policy(page, step, rule);
        return;
    }
    if (*word(rule, "chain") != '\0')
        advice_say(page, _("Take out the rule that drops it (%s, chain %s): %s"),
                   word(rule, "tool"), word(rule, "chain"), word(rule, "rule"));
    else
        advice_say(page, _("Take out the rule that drops it (%s): %s"), word(rule, "tool"),
                   word(rule, "rule"));
    if (word_is(rule, "tool", "firewalld"))
        advice_say(page, _("firewalld made it; these show out of what:"));
    else
        advice_say(page, _("The first command shows its number, the second removes it until the "
                           "next start; take it out of the firewall's own files too."));
    add_commands(page, step);
}

static void add_prefer_ipv4(struct advice_page *page, const json_t *step)
{
    advice_say(page, _("Let Postfix try IPv4 first, so that IPv6 costs no time:"));
    add_commands(page, step);
}

static void add_recipients(struct advice_page *page, const json_t *step)
{
    json_t *r;
    size_t i;

    advice_say(page,
               _("Look at what each of them says, and write to its postmaster if it goes on:"));
    json_array_foreach(json_object_get(step, "recipients"), i, r)
    {
        struct advice_page item = { .text = page->text, .layout = page->layout, .mark = "   - " };
        char *detail = translated(word(r, "detail"));
        advice_say(&item, _("%s: %s; %s"), word(r, "target"), phrase(word(r, "outcome")), detail);
        free(detail);
    }
}

static void add_fix(struct advice_page *page, const json_t *step)
{
    static const struct {
        const char *check, *sentence, *record;
    } fixes[] = {
        { "ptr",
          N_("Give the address a reverse name that leads back to it; the provider's console or "
             "support sets it."),
          NULL },
        { "helo",
          N_("Set myhostname (or smtp_helo_name) in main.cf to a name that the address has."),
          NULL },
        { "spf", N_("Put the addresses that send, and the relays, into the domain's SPF record."),
          NULL },
        { "dkim", N_("Sign the domain's mail with DKIM and publish the key."), NULL },
        { "dmarc", N_("Publish a DMARC record in the domain, to begin with:"),
          "_dmarc TXT \"v=DMARC1; p=none\"" },
        { "dnsbl",
          N_("Find out what the address is listed for, end it, and ask the list to take it off."),
          NULL },
    };

    for (size_t i = 0; i < sizeof fixes / sizeof fixes[0]; i++) {
        if (!word_is(step, "check", fixes[i].check))
            continue;
        advice_say(page, "%s", _(fixes[i].sentence));
        if (fixes[i].record != NULL)
            advice_command(page, fixes[i].record);
    }
    add_seen(page, step);
}

typedef void add_step(struct advice_page *page, const json_t *step);

static void add_any(struct advice_page *page, const json_t *step)
{
    static const struct {
        const char *step;
        add_step *add;
    } kinds[] = {
        { "wait", add_wait },
        { "ask", add_ask },
        { "not-opened", add_not_opened },
        { "use-relay", add_use },
        { "repair-relay", add_repair },
        { "downgraded", add_downgraded },
        { "add-relay", add_add_relay },
        { "remove-rule", add_rule },
        { "prefer-ipv4", add_prefer_ipv4 },
        { "ask-recipients", add_recipients },
        { "fix", add_fix },
    };

    if (add_sentence(page, word(step, "step")))
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (word_is(step, "step", kinds[i].step))
            kinds[i].add(page, step);
}

void advice_steps_text(struct advice_page *page, const json_t *steps)
{
    json_t *step;
    size_t i;

    add_heading(page->text, page->layout, _("What to do:"));
    json_array_foreach(steps, i, step)
    {
        snprintf(page->mark, sizeof page->mark, "%zu. ", i + 1);
        add_any(page, step);
    }
    page->mark[0] = '\0';
}
