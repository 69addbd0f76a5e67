/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The likely cause, and the next step. The symptoms that mail administrators know have their
 * answer here: silence to all is the provider, a refusal by one is that recipient, by turns is a
 * firewall, connected and rejected is reputation.
 */
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include <stdlib.h>
#include <string.h>

/* Names of recipients in a sentence. */
#define NAMES_MAX 5

/* How all targets that had an address and were tried ended; "" where they differ. */
static const char *common_outcome(const json_t *verdict)
{
    const char *common = "";
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(verdict, "outcomes"), i, row)
    {
        const char *outcome = word(row, "outcome");
        if (!was_tried(row))
            continue;
        if (*common != '\0' && strcmp(common, outcome) != 0)
            return "";
        common = outcome;
    }
    return common;
}

/* Whether a connection stood to any port of a relay. */
static bool some_relay_is_reached(const json_t *document)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(document, "submission"), i, row)
    {
        if (*word(row, "tls") != '\0')
            return true;
    }
    return false;
}

static const char *provider_sentence(const json_t *verdict, const json_t *document)
{
    const char *outcome = common_outcome(verdict);

    if (strcmp(outcome, "refused") == 0 && controls_refuse(verdict) &&
        !some_relay_is_reached(document))
        return _("The provider, or a firewall that lets nothing out. Connections are refused on "
                 "every port that was tried, whoever is at the other end.");
    if (strcmp(outcome, "timeout") == 0)
        return _("The provider. Connections to port 25 time out, whoever the operator is, while "
                 "other ports answer: something in the network between drops them all.");
    if (strcmp(outcome, "refused") == 0)
        return _("The provider. Connections to port 25 are refused, whoever the operator is, while "
                 "other ports answer: something in the network between refuses them all.");
    if (strcmp(outcome, "prohibited") == 0)
        return _("The provider. The network itself says that port 25 is prohibited, whoever the "
                 "operator is.");
    return _("The provider. No connection to port 25 comes about, whoever the operator is, while "
             "other ports answer: something in the network between keeps them all from it.");
}

static const char *firewall_sentence(const json_t *verdict)
{
    if (word_is(verdict, "name", "unstable"))
        return _("A local firewall. Port 25 is open and silent by turns while other ports always "
                 "answer, as with a firewall on this host or beside it that limits connections or "
                 "loses track of them.");
    if (strcmp(common_outcome(verdict), "prohibited") == 0)
        return _("A firewall on this host: the system itself forbids connections to port 25.");
    if (json_is_false(json_object_get(verdict, "left_host")))
        return _("A firewall on this host. Packets to port 25 do not leave it: a rule of its own "
                 "drops them.");
    return _("A firewall at this host. Packets to port 25 are gone before the first router: a rule "
             "on this host stops them, or a filter just outside of it.");
}

static const char *plain_sentence(const char *cause)
{
    static const struct {
        const char *cause, *sentence;
    } table[] = {
        { "local-rule", N_("This host's own firewall: it has a rule that acts on port 25.") },
        { "reputation",
          N_("This host's reputation. Operators take the connection and then turn this host "
             "away.") },
        { "path",
          N_("A lossy path. Connections to other ports get lost as well, not to port 25 alone.") },
        { "proxy", N_("A proxy on the way. It answers in the place of the operators, or changes "
                      "what they say.") },
        { "network", N_("The network. Nothing answers from here, on any port.") },
        { "dns", N_("The DNS. No target's address was found.") },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].cause, cause) == 0)
            return _(table[i].sentence);
    return cause;
}

static void cause_sentence(struct text *t, const json_t *document, const char *family)
{
    const json_t *verdict = json_object_get(json_object_get(document, "verdict"), family);
    const char *cause = word(json_object_get(document, "cause"), family);

    if (strcmp(cause, "recipient") == 0) {
        char *names = failing_targets(verdict, NAMES_MAX);
        text_add(t,
                 _("The recipient alone (%s). The others are open, so neither this host nor its "
                   "provider closes port 25."),
                 names);
        free(names);
    } else if (strcmp(cause, "provider") == 0) {
        text_add(t, "%s", provider_sentence(verdict, document));
    } else if (strcmp(cause, "firewall") == 0) {
        text_add(t, "%s", firewall_sentence(verdict));
    } else {
        text_add(t, "%s", plain_sentence(cause));
    }
}

/* The router that got the packets last, where that is the first one: it may be the owner's. */
static const char *first_router(const json_t *trace)
{
    const json_t *hop = json_array_get(json_object_get(trace, "hops"), 0);
    const char *last = word(trace, "last");

    return strcmp(word(hop, "port25"), last) == 0 ? last : "";
}

static void provider_step(struct text *t, const json_t *trace)
{
    const char *router = first_router(trace);

    if (*router != '\0') {
        text_add(t, _("If %s is a router of your own, look at its rules first."), router);
        text_add(t, " ");
    }
    text_add(t, "%s",
             _("`detourctl advise` says whether and how the port is opened, how long that takes, "
               "and which relays work from here."));
}

static const char *step_sentence(const char *cause, const json_t *verdict)
{
    static const struct {
        const char *cause, *sentence;
    } table[] = {
        { "local-rule", N_("Take the rule out, or let the mail server through, and check again.") },
        { "recipient",
          N_("Look whether that operator's blocklists hold this host's address, and at "
             "its reverse DNS; all other mail flows.") },
        { "reputation",
          N_("Look at blocklists and reverse DNS first, then at the HELO name, SPF, DKIM and "
             "DMARC; "
             "the operators' replies above often say which it is. A relay helps meanwhile: see "
             "`detourctl advise`.") },
        { "path", N_("Look at the error counters of the network interface, then let the provider "
                     "look for loss on the way.") },
        { "proxy", N_("Send neither mail nor passwords that way. Ask whoever runs the network; a "
                      "relay under verified TLS gets past it: see `detourctl advise`.") },
        { "network", N_("Look at the interface, its address and the default route. A relay would "
                        "not work either.") },
        { "dns", N_("Look at /etc/resolv.conf, and at the resolver that it names.") },
        { "", N_("Check again in a few minutes, as root if this was not, so that this host's own "
                 "rules can be read.") },
    };

    if (strcmp(cause, "firewall") == 0 && word_is(verdict, "name", "unstable"))
        return _("Look at limits on new connections and at the size of the firewall's table of "
                 "connections, then check again.");
    if (strcmp(cause, "firewall") == 0)
        return _("Check again as root: it names the rule of nftables or iptables, where there is "
                 "one. Else look at security modules and sandboxes, then at the provider's filters "
                 "for this host.");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].cause, cause) == 0)
            return _(table[i].sentence);
    return "";
}

/* A verdict that wants an explanation, of which there is none. */
static bool is_riddle(const json_t *verdict)
{
    return word_is(verdict, "name", "blocked");
}

static bool is_ipv4(const char *family)
{
    return strcmp(family, "ipv4") == 0;
}

/* The host has a network, but not over FAMILY, as most have no IPv6. */
static bool is_family_missing(const json_t *document, const char *family)
{
    const json_t *other =
        json_object_get(json_object_get(document, "verdict"), is_ipv4(family) ? "ipv6" : "ipv4");

    return json_is_object(other) && !word_is(other, "name", "offline") &&
           !word_is(other, "name", "unknown");
}

static void missing_family_step(struct text *t, const char *family)
{
    text_add(t,
             _("If this host is to have %s, look at its address and default route; if not, "
               "inet_protocols = %s in main.cf keeps Postfix from trying."),
             is_ipv4(family) ? "IPv4" : "IPv6", is_ipv4(family) ? "ipv6" : "ipv4");
}

static char *next_step(const json_t *document, const char *family)
{
    const json_t *verdict = json_object_get(json_object_get(document, "verdict"), family);
    const char *cause = word(json_object_get(document, "cause"), family);
    struct text t;

    text_begin(&t);
    if (strcmp(cause, "provider") == 0)
        provider_step(&t, json_object_get(json_object_get(document, "trace"), family));
    else if (strcmp(cause, "network") == 0 && is_family_missing(document, family))
        missing_family_step(&t, family);
    else
        text_add(&t, "%s", step_sentence(cause, verdict));
    return text_end(&t);
}

static void add_family(struct text *t, const struct layout *layout, const char *heading,
                       const json_t *document, const char *family)
{
    const json_t *verdict = json_object_get(json_object_get(document, "verdict"), family);
    const char *cause = word(json_object_get(document, "cause"), family);
    struct text sentence;

    if (*cause == '\0' && !is_riddle(verdict))
        return;
    text_begin(&sentence);
    if (*cause == '\0')
        text_add(&sentence, "%s", _("The evidence does not say whose doing it is."));
    else
        cause_sentence(&sentence, document, family);
    char *said = text_end(&sentence), *next = next_step(document, family);
    add_heading(t, layout, heading);
    add_paragraph(t, layout, INDENT, said);
    add_paragraph(t, layout, _("  Next: "), next);
    free(next);
    free(said);
}

/* What blocks IPv6 alone only delays mail. */
static void add_preference(struct text *t, const struct layout *layout, const json_t *verdict)
{
    if (word_is(json_object_get(verdict, "ipv4"), "name", "open") &&
        word_is(json_object_get(verdict, "ipv6"), "name", "blocked"))
        add_paragraph(
            t, layout, INDENT,
            _("Mail leaves over IPv4 meanwhile; smtp_address_preference = ipv4 in main.cf "
              "spares it the wait."));
}

void add_cause(struct text *t, const struct layout *layout, const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");
    const json_t *cause = json_object_get(document, "cause");
    const json_t *v4 = json_object_get(verdict, "ipv4"), *v6 = json_object_get(verdict, "ipv6");

    if (!json_is_object(cause))
        return;
    bool alike = strcmp(word(cause, "ipv4"), word(cause, "ipv6")) == 0 && verdicts_alike(v4, v6);
    bool alone = !json_is_object(v4) || !json_is_object(v6);
    if (json_is_object(v4))
        add_family(t, layout, alone || alike ? _("Likely cause:") : _("Likely cause, over IPv4:"),
                   document, "ipv4");
    if (json_is_object(v6) && !alike)
        add_family(t, layout, alone ? _("Likely cause:") : _("Likely cause, over IPv6:"), document,
                   "ipv6");
    add_preference(t, layout, verdict);
}

char *cause_words(const json_t *document)
{
    const json_t *cause = json_object_get(document, "cause");
    const char *family = *word(cause, "ipv4") != '\0' ? "ipv4" : "ipv6";
    struct text t;

    text_begin(&t);
    if (*word(cause, family) != '\0')
        cause_sentence(&t, document, family);
    return text_end(&t);
}
