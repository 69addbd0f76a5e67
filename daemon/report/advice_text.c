/* SPDX-License-Identifier: BSD-2-Clause */
/* An advice in sentences. */
#include "daemon/report/advice_steps.h"

#include "daemon/report/phrases.h"
#include "daemon/report/text.h"
#include "daemon/report/translate.h"
#include <stdlib.h>
#include <string.h>

static bool is(const char *word, const char *other)
{
    return strcmp(word, other) == 0;
}

static int number(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

/* "2026-11-28 14:46 UTC" out of "2026-11-28T14:46:13Z". */
#define WHEN_TEXT 40
static const char *when(const char *stamp, char out[WHEN_TEXT])
{
    snprintf(out, WHEN_TEXT, "%.10s %.5s UTC", stamp, strlen(stamp) > 11 ? stamp + 11 : "");
    return out;
}

/* A label and what it is of, where there is something. */
static void add_label(struct text *t, const char *label, const char *text)
{
    if (*text != '\0')
        text_add(t, "   %s %s\n", label, text);
}

/* Why */

static void add_cause(struct text *t, const json_t *advice)
{
    static const struct {
        const char *cause, *sentence;
    } causes[] = {
        { "provider", N_("It is most likely your provider that closes the port.") },
        { "firewall", N_("A firewall of your own network closes the port.") },
        { "local-rule", N_("A rule in this host's own firewall closes the port.") },
        { "recipient", N_("It is those recipients alone: the port is open to everybody else.") },
        { "reputation", N_("The port is open, but mail operators do not want this host's mail.") },
        { "path", N_("Something loses connections now and then: a firewall of your own that limits "
                     "or forgets them, or a path that loses packets.") },
        { "proxy", N_("A proxy on the way answers in the place of the mail operators.") },
        { "network", N_("The network is down, so nothing can be said of port 25.") },
        { "dns", N_("The DNS does not answer, so nobody could be asked.") },
        { "unknown", N_("Too little was seen to say why.") },
    };
    const char *title = advice_word(json_object_get(advice, "provider"), "title");
    const char *cause = advice_word(advice, "cause");

    if (is(cause, "provider") && *title != '\0') {
        text_add(t, _("It is most likely your provider, %s, that closes the port.\n"), title);
        return;
    }
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (is(cause, causes[i].cause))
            text_add(t, "%s\n", _(causes[i].sentence));
}

static void add_trace(struct text *t, const json_t *trace)
{
    const char *last = advice_word(trace, "last"), *next = advice_word(trace, "next");

    if (*last != '\0' && *next != '\0')
        text_add(t, _("Packets to port 25 leave this host and %s passes them; %s does not.\n"),
                 last, next);
    else if (*last != '\0')
        text_add(t,
                 _("Packets to port 25 leave this host and %s passes them; nobody behind it has "
                   "seen any.\n"),
                 last);
    else if (*next != '\0')
        text_add(t, _("Packets to port 25 do not even pass %s, the first hop.\n"), next);
}

/* Steps that are one sentence */

static const struct {
    const char *step, *sentence;
} sentences[] = {
    { "check-again", N_("Then look again: detourctl check") },
    { "look-at-reputation",
      N_("Read what they say when they refuse (detourctl check prints it), and look at this host's "
         "reverse name, at the SPF, DKIM and DMARC records of its domains, and at the blocklists "
         "that the replies name.") },
    { "no-relay-for-one",
      N_("No relay is needed: the mail of all others leaves as before, and what is for these "
         "waits in the queue.") },
    { "look-at-conntrack",
      N_("Look whether the table of connections is full; a full one drops new connections: sysctl "
         "net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max") },
    { "look-at-limits",
      N_("Look for rules of this host that limit new connections: nft list ruleset, or "
         "iptables-save") },
    { "look-at-loss",
      N_("Look where packets are lost: mtr --tcp --port 25 with the address of a target that was "
         "silent, and again with port 443.") },
    { "look-at-link",
      N_("Look at the link, its addresses and the route: ip address, ip route, ip -6 route") },
    { "look-at-gateway", N_("Look whether the gateway answers: ip neigh, ping") },
    { "relays-fail-too",
      N_("Leave the route as it is: a relay cannot be reached either. What is in the queue "
         "leaves when the network is back.") },
    { "look-at-resolver",
      N_("Look at the resolvers in /etc/resolv.conf, and whether one answers: getent ahosts "
         "gmail.com") },
    { "look-at-names",
      N_("Look whether the targets are spelled right: their domains need MX records.") },
    { "more-targets",
      N_("Ask more of those who receive mail: detourctl check --targets with five or more large "
         "domains.") },
    { "tls-helps",
      N_("Until then trust nothing that is not encrypted: a proxy cannot show the certificate of "
         "a relay, so that submission with TLS is safe from it.") },
    { "nothing", N_("Nothing has to be done.") },
    { "watch",
      N_("Keep an eye on it: detourd with mode = observe reports a block within seconds, and "
         "detourctl check answers monitoring with its exit status.") },
    { "no-relay",
      N_("None of the known relays can be reached from here on any port: ask the provider which "
         "submission port is open.") },
};

static bool add_sentence(struct text *t, const char *step)
{
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (is(step, sentences[i].step)) {
            text_add(t, "%s\n", _(sentences[i].sentence));
            return true;
        }
    return false;
}

/* Steps that say more */

static void add_wait(struct text *t, const json_t *step)
{
    const json_t *hours = json_object_get(step, "hours");
    int least = (int)json_integer_value(json_array_get(hours, 0));
    int most = (int)json_integer_value(json_array_get(hours, 1));
    char until[WHEN_TEXT];

    if (least == most)
        text_add(t,
                 PLURAL("The provider says that a request takes %d hour.\n",
                        "The provider says that a request takes %d hours.\n", (unsigned long)most),
                 most);
    else
        text_add(t, _("The provider says that a request takes %d to %d hours.\n"), least, most);
    text_add(t, _("   If you ask or have asked today, wait until %s before you ask again.\n"),
             when(advice_word(step, "until"), until));
}

static void add_ask(struct text *t, const json_t *step)
{
    const char *title = advice_word(step, "title"), *hop = advice_word(step, "hop");

    if (is(advice_word(step, "whom"), "firewall") && *hop != '\0')
        text_add(t, _("Ask whoever runs the firewall at %s to let port 25 out.\n"), hop);
    else if (is(advice_word(step, "whom"), "firewall"))
        text_add(t, _("Ask whoever runs the firewall of your network to let port 25 out.\n"));
    else if (*title != '\0')
        text_add(t, _("Ask %s to open the port, with the text below.\n"), title);
    else
        text_add(t, _("Ask whoever gives this host its access to the network to open the port, "
                      "with the text below; what is known of providers: detourctl providers\n"));
    add_label(t, _("How:"), advice_word(step, "how"));
    add_label(t, _("They want to see:"), advice_word(step, "needs"));
    add_label(t, _("Where:"), advice_word(step, "url"));
    if (is(advice_word(step, "possible"), "case-by-case"))
        text_add(t, _("   They decide case by case.\n"));
    if (*advice_word(step, "source") != '\0')
        text_add(t, _("   As read on %s at %s\n"), advice_word(step, "date"),
                 advice_word(step, "source"));
}

static void add_not_opened(struct text *t, const json_t *step)
{
    text_add(t, _("Do not count on %s: as far as is known, the port is not opened for anybody.\n"),
             advice_word(step, "title"));
}

static void add_use(struct text *t, const json_t *step)
{
    const char *relay = advice_word(step, "relay");

    if (json_is_true(json_object_get(step, "tried")))
        text_add(t, _("Send by the relay %s: its port %d works from here.\n"), relay,
                 number(step, "port"));
    else
        text_add(t,
                 _("Send by the relay %s, on port %d; whether that works from here was not "
                   "tried: detourctl relays\n"),
                 relay, number(step, "port"));
    if (is(advice_word(step, "mode"), "observe"))
        text_add(t, _("   Set mode = switch in detourd.conf, and detourd does it by itself.\n"));
    else
        text_add(t, _("   detourd does it by itself; to do it now: detourctl route %s\n"), relay);
}

static void add_seen(struct text *t, const json_t *step)
{
    char *detail = translated(advice_word(step, "detail"));

    add_label(t, _("Seen:"), detail);
    free(detail);
}

static void add_repair(struct text *t, const json_t *step)
{
    text_add(t, _("Look at the relay %s: on port %d it is %s.\n"), advice_word(step, "relay"),
             number(step, "port"), phrase(advice_word(step, "state")));
    add_seen(t, step);
}

static void add_downgraded(struct text *t, const json_t *step)
{
    text_add(t,
             _("Do not send by the relay %s on port %d: something on the way takes TLS out of the "
               "conversation, which is an attack. Use a port that begins with TLS, 465 or 2465.\n"),
             advice_word(step, "relay"), number(step, "port"));
}

static void add_ports(struct text *t, const json_t *ports)
{
    json_t *port;
    size_t i;

    json_array_foreach(ports, i, port)
        text_add(t, "%s%d", i > 0 ? ", " : "", (int)json_integer_value(port));
}

static void add_candidate(struct text *t, const json_t *c)
{
    text_add(t, "   - %s (%s): ", advice_word(c, "title"), advice_word(c, "relay"));
    add_ports(t, json_object_get(c, "ports"));
    text_add(t, "\n");
    add_label(t, _("  price:"), advice_word(c, "price"));
    add_label(t, _("  free:"), advice_word(c, "free"));
    if (*advice_word(c, "price_date") != '\0')
        text_add(t, _("     as read on %s at %s\n"), advice_word(c, "price_date"),
                 advice_word(c, "price_source"));
}

/* TEXT, its lines moved in by DEPTH. */
static void add_indented(struct text *t, int depth, const char *text)
{
    while (*text != '\0') {
        int len = (int)strcspn(text, "\n");
        text_add(t, "%*s%.*s\n", len > 0 ? depth : 0, "", len, text);
        text += len + (text[len] == '\n');
    }
}

static void add_add_relay(struct text *t, const json_t *step)
{
    const json_t *list = json_object_get(step, "candidates");
    bool tried = json_is_true(json_object_get(json_array_get(list, 0), "tried"));
    json_t *c;
    size_t i;

    text_add(t, "%s\n",
             tried
                 ? _("Or send by a relay. These can be reached from here, on the ports named, the "
                     "better one first (RFC 8314):")
                 : _("Or send by a relay. These are known, with the ports that your provider is "
                     "not known to close, the better one first (RFC 8314):"));
    json_array_foreach(list, i, c) add_candidate(t, c);
    text_add(t, _("   In detourd.conf, for %s:\n\n"), advice_word(step, "snippet_relay"));
    add_indented(t, 7, advice_word(step, "snippet"));
    text_add(t, _("\n   Its password goes into a file that root alone can write:\n\n"));
    text_add(t, "       install -m 0640 -o root -g detourd /dev/null /etc/detourd/%s.password\n\n",
             advice_word(step, "snippet_relay"));
}

static void add_commands(struct text *t, const json_t *step)
{
    json_t *command;
    size_t i;

    json_array_foreach(json_object_get(step, "commands"), i, command)
        text_add(t, "       %s\n", json_string_value(command));
}

static void add_rule(struct text *t, const json_t *step)
{
    const json_t *rule = json_object_get(step, "rule");

    text_add(t, _("Take out the rule that drops it (%s, chain %s): %s\n"),
             advice_word(rule, "tool"), advice_word(rule, "chain"), advice_word(rule, "rule"));
    text_add(t, _("   The first command shows its number, the second removes it until the next "
                  "start; take it out of the firewall's own files too.\n"));
    add_commands(t, step);
}

static void add_prefer_ipv4(struct text *t, const json_t *step)
{
    text_add(t, _("Let Postfix try IPv4 first, so that IPv6 costs no time:\n"));
    add_commands(t, step);
}

static void add_recipients(struct text *t, const json_t *step)
{
    json_t *r;
    size_t i;

    text_add(t, _("Look at what each of them says, and write to its postmaster if it goes on:\n"));
    json_array_foreach(json_object_get(step, "recipients"), i, r)
    {
        char *detail = translated(advice_word(r, "detail"));
        text_add(t, "   - %s: %s; %s\n", advice_word(r, "target"),
                 phrase(advice_word(r, "outcome")), detail);
        free(detail);
    }
}

static void add_fix(struct text *t, const json_t *step)
{
    static const struct {
        const char *check, *sentence;
    } fixes[] = {
        { "ptr", N_("Give the address a reverse name that leads back to it; the provider's console "
                    "or support sets it.") },
        { "helo", N_("Set myhostname (or smtp_helo_name) in main.cf to a name that the address "
                     "has.") },
        { "spf", N_("Put the addresses that send, and the relays, into the domain's SPF record.") },
        { "dkim", N_("Sign the domain's mail with DKIM and publish the key.") },
        { "dmarc", N_("Publish a DMARC record: _dmarc in the domain, to begin with v=DMARC1; "
                      "p=none") },
        { "dnsbl", N_("Find out what the address is listed for, end it, and ask the list to take "
                      "it off.") },
    };
    const char *check = advice_word(step, "check"), *sentence = NULL;

    for (size_t i = 0; i < sizeof fixes / sizeof fixes[0]; i++)
        if (is(check, fixes[i].check))
            sentence = _(fixes[i].sentence);
    text_add(t, "%s\n", sentence != NULL ? sentence : check);
    add_seen(t, step);
}

typedef void add_step(struct text *t, const json_t *step);

static void add_steps(struct text *t, const json_t *steps)
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
    json_t *step;
    size_t i;

    text_add(t, _("\nWhat to do:\n"));
    json_array_foreach(steps, i, step)
    {
        const char *name = advice_word(step, "step");
        text_add(t, "%zu. ", i + 1);
        if (add_sentence(t, name))
            continue;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            if (is(name, kinds[k].step))
                kinds[k].add(t, step);
    }
}

/* What goes on as it did */

static void add_unaffected(struct text *t, const json_t *list)
{
    static const struct {
        const char *word, *sentence;
    } things[] = {
        { "inbound", N_("Mail from outside: others connect to this host, which no outbound block "
                        "stops.") },
        { "submission", N_("Users who hand their mail to this host, on ports 587 and 465.") },
        { "private", N_("Mail to hosts of the local network, and to relays inside of it.") },
    };
    json_t *item;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    text_add(t, _("\nWhat is not affected:\n"));
    json_array_foreach(list, i, item) for (size_t k = 0; k < sizeof things / sizeof things[0];
                                           k++) if (is(json_string_value(item), things[k].word))
        text_add(t, "- %s\n", _(things[k].sentence));
}

static void add_letter(struct text *t, const json_t *evidence)
{
    if (!json_is_object(evidence))
        return;
    char *letter = advice_request(evidence, true);
    text_add(t, _("\nThe text, to be completed:\n\n"));
    add_indented(t, 4, letter);
    free(letter);
}

char *advice_text(const json_t *advice)
{
    struct text t;

    text_begin(&t);
    text_add(&t, "%s\n", advice_word(advice, "summary"));
    add_cause(&t, advice);
    add_trace(&t, json_object_get(advice, "trace"));
    add_steps(&t, json_object_get(advice, "steps"));
    add_unaffected(&t, json_object_get(advice, "unaffected"));
    add_letter(&t, json_object_get(advice, "evidence"));
    char *text = text_end(&t);
    text_make_printable(text);
    return text;
}
