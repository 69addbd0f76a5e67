/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/phrases.h"

#include "daemon/report/text.h"
#include "daemon/report/translate.h"
#include "lib/memory.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is longer is left as it is; so much work is enough. */
#define TEXT_MAX   512
#define PIECES_MAX 4
#define DEPTH_MAX  3 /* sentences within sentences */

static const char *const words[] = {
    /* Translators: how a probe of port 25 ended */
    N_("open"),
    N_("timeout"),
    N_("refused"),
    N_("unreachable"),
    N_("prohibited"),
    N_("no-banner"),
    N_("rejected"),
    N_("no-starttls"),
    N_("tls-failed"),
    N_("intercepted"),
    N_("dns-failed"),
    /* Translators: verdicts on port 25 */
    N_("unknown"),
    N_("unstable"),
    N_("remote"),
    N_("reputation"),
    N_("blocked"),
    N_("offline"),
    /* Translators: how the check of a relay ended */
    N_("usable"),
    N_("proven"),
    N_("unchecked"),
    N_("checking"),
    N_("no-connect"),
    N_("no-smtp"),
    N_("no-auth"),
    N_("password"),
    N_("auth-failed"),
    N_("auth-temporary"),
    /* Translators: how far configuration management has got with a fragment */
    N_("waiting"),
    N_("partly applied"),
    N_("not reloaded"),
    N_("applied"),
    /* Translators: what a probe on its way waits for */
    N_("looking up"),
    N_("connecting"),
    N_("waiting for the banner"),
    N_("waiting for the reply to EHLO"),
    N_("TLS handshake"),
};

/* "%s" stands for anything but nothing; what it stands for is translated in its turn. */
static const char *const patterns[] = {
    /* connections */
    N_("no answer to SYN in %s s"),
    N_("no answer to SYN"),
    N_("no answer in time"),
    N_("connection refused"),
    N_("this host forbids it: %s"),
    N_("Operation not permitted"),
    N_("Permission denied"),
    N_("Network is unreachable"),
    N_("No route to host"),
    N_("No such file or directory"),
    N_("Connection refused"),
    N_("ICMP network prohibited from %s"),
    N_("ICMP host prohibited from %s"),
    N_("ICMP administratively prohibited from %s"),
    N_("ICMP port unreachable from %s"),
    N_("ICMP network unreachable from %s"),
    N_("ICMP host unreachable from %s"),
    N_("ICMPv6 administratively prohibited from %s"),
    N_("ICMPv6 source address failed policy from %s"),
    N_("ICMPv6 route rejected from %s"),
    N_("ICMPv6 port unreachable from %s"),
    N_("ICMPv6 no route from %s"),
    N_("ICMPv6 address unreachable from %s"),
    /* SMTP */
    N_("connected, then %s"),
    N_("no banner in %s s"),
    N_("no banner"),
    N_("no reply to %s in %s s"),
    N_("connection closed by the other side at %s"),
    N_("connection closed by the other side"),
    N_("STARTTLS is not offered"),
    N_("AUTH is not offered"),
    N_("STARTTLS is missing on port %s, though %s offers TLS on another port: somebody on the way "
       "strips it"),
    N_("STARTTLS is missing on port %s, though %s offers TLS: somebody on the way strips it"),
    N_("self-signed certificate"),
    N_("certificate expired on %s"),
    N_("certificate expired"),
    N_("certificate is for %s, not for %s"),
    N_("certificate from an unknown authority, %s"),
    N_("certificate from an unknown authority"),
    N_("%s, certificate verified, authenticated"),
    N_("%s, certificate verified"),
    N_("%s, certificate not verified: %s"),
    N_("STARTTLS is refused: %s"),
    N_("%s; something between masks what the server says and offers"),
    N_("%s; STARTTLS is not offered, which this operator is known to offer"),
    N_("%s answers here as for %s"),
    N_("the certificate of %s is shown here as for %s"),
    /* reputation */
    N_("the DNS did not answer in time"),
    N_("%s has no reverse name (PTR record)"),
    N_("%s is called %s, which leads back to it"),
    N_("%s is called %s, which does not lead back to it"),
    N_("%s is called %s, but whether that leads back could not be looked up"),
    N_("%s is called %s, a name made of the address, as providers give to lines and machines that "
       "send no mail"),
    N_("there is no name for EHLO"),
    N_("EHLO says an address instead of a name"),
    N_("EHLO says a name that every host has"),
    N_("the name in EHLO has no domain"),
    N_("the name in EHLO is not a host name"),
    N_("the name in EHLO is of a local network"),
    N_("%s could not be looked up"),
    N_("%s, the name in EHLO, has no address"),
    N_("%s, the name in EHLO, does not lead to %s"),
    N_("%s, the name in EHLO, has an address"),
    N_("%s, the name in EHLO, leads to %s"),
    N_("SPF of the name in EHLO, %s: %s, %s"),
    N_("SPF of %s: %s, %s"),
    N_("%s in the record of %s"),
    N_("no term in the record of %s fits the address"),
    N_("%s has no SPF record, which that of %s leads to"),
    N_("%s has no SPF record"),
    N_("%s has more than one SPF record"),
    N_("the SPF record of %s admits the relay %s (%s)"),
    N_("the SPF record of %s does not include %s, the relay %s's, as far as it could be looked up"),
    N_("the SPF record of %s does not include %s, the relay %s's"),
    N_("no DKIM key: %s does not exist"),
    N_("%s exists, so there may be DKIM keys; which one signs cannot be seen from outside"),
    N_("the DKIM key at %s is revoked (p= is empty)"),
    N_("a DKIM key at %s"),
    N_("what stands at %s is no DKIM key"),
    N_("no DKIM key at %s"),
    N_("%s has no DMARC record, which large operators ask of whoever sends much mail"),
    N_("DMARC policy of %s: %s, by the record of %s"),
    N_("DMARC policy of %s: %s"),
    N_("the DMARC record of %s has no policy (p=)"),
    N_("%s has more than one DMARC record, so that none counts"),
    N_("%s is listed by %s (%s): %s"),
    N_("%s is listed by %s (%s)"),
    N_("%s is not listed by %s"),
    N_("%s could not be asked"),
    N_("%s does not answer this resolver: its test entry is missing"),
    N_("%s lists everybody: it has 127.0.0.1, which no list in use has"),
    N_("%s does not answer this resolver: %s"),
    N_("it leads outside 127.0.0.0/8"),
    N_("this host goes out from %s, a private address (NAT), and nobody has shown the public one"),
    /* names */
    N_("no address of this family"),
    N_("not looked up in time"),
    N_("no MX host of %s has an IPv4 address"),
    N_("no MX host of %s has an IPv6 address"),
    N_("no MX host of %s has an address"),
    N_("%s has no IPv4 address"),
    N_("%s has no IPv6 address"),
    N_("%s has no address"),
    N_("no MX host of %s exists"),
    N_("no such domain: %s"),
    N_("no such domain"),
    N_("%s takes no mail (null MX)"),
    N_("the resolver failed to look up %s"),
    N_("no complete answer for %s in %s s"),
    N_("no answer from any resolver for %s in %s s"),
    N_("no answer from any resolver"),
    N_("no answer from the DNS for %s in time"),
    N_("no resolver can be reached (looking up %s)"),
    N_("the resolver's answer for %s cannot be read"),
    /* what comes next */
    N_("switch to a relay"),
    N_("return to direct"),
    N_("would %s now, but mode is observe"),
    N_("would %s, but stands down until release: main.cf was edited"),
    N_("would %s now, but an operator said hold"),
    N_("%s in %s, if the port stays open (stay)"),
    N_("%s in %s; the limit of switches an hour is reached"),
    N_("try again to %s in %s s"),
    N_("probing now"),
    N_("probe in %s s"),
    N_("%s; %s more blocked round(s) lead to a switch"),
    N_("%s; %s more open round(s) lead back to direct"),
    N_("waiting for generation %s to be applied since %s"),
    /* what is wrong */
    N_("Postfix is not running"),
    N_("detour-apply cannot be reached at %s: %s"),
    N_("the last change failed: %s"),
    N_("mail that hung in the block left late after the last switch: %s"),
    N_("the certificate of relay %s ends in %s days"),
    N_("no relay has proved itself; in a block there would be nowhere to go"),
    N_("the relay in use is no longer configured: %s"),
    N_("this host's clock is wrong, it seems: the certificates of several mail operators are all "
       "out of their time"),
    N_("this host does not know the authorities behind the certificates of several mail "
       "operators"),
    N_("port 25 is blocked over IPv6 alone; set smtp_address_preference = ipv4 in main.cf"),
    N_("port 25 is blocked and mode is observe: mail is deferred"),
    N_("main.cf was edited by somebody else: %s"),
    N_("detourd stands down and changes nothing until `detourctl release`"),
    N_("what the relay refused cannot be counted: %s"),
    N_("%s message that the relay refused is held back; %s"),
    N_("%s messages that the relay refused are held back; %s"),
    N_("at least %s"),
    N_("the first expires at %s (in %s)"),
    N_("the first has expired and goes back to its sender after its next try"),
    N_("%s message from senders that the relay is not for waits for the direct route, the oldest "
       "for %s"),
    N_("%s messages from senders that the relay is not for wait for the direct route, the oldest "
       "for %s"),
    N_("generation %s is applied, but Postfix was not reloaded since"),
    N_("generation %s is not applied yet"),
    N_("generation %s is applied in part; main.cf does not set as it says: %s"),
    N_("a switch would be refused: %s"),
    N_("state is not kept: %s"),
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const char *phrase(const char *word)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i], word) == 0)
            return _(words[i]);
    return word;
}

struct piece {
    const char *text;
    size_t len;
};

/* Fills PIECES with what each "%s" of PATTERN stands for, as little as will do. */
static bool match(const char *pattern, const char *text, struct piece *pieces, int room)
{
    const char *hole = strstr(pattern, "%s");
    size_t len = hole != NULL ? (size_t)(hole - pattern) : strlen(pattern);

    if (strncmp(pattern, text, len) != 0)
        return false;
    text += len;
    if (hole == NULL)
        return *text == '\0';
    if (room == 0)
        return false;
    for (size_t n = 1; n <= strlen(text); n++) {
        *pieces = (struct piece){ text, n };
        if (match(hole + 2, text + n, pieces + 1, room - 1))
            return true;
    }
    return false;
}

static char *translated_to(const char *text, int depth);

static void add_piece(struct text *t, const struct piece *piece, int depth)
{
    char *english = memory_format("%.*s", (int)piece->len, piece->text);
    char *own = translated_to(english, depth + 1);

    text_add(t, "%s", own);
    free(own);
    free(english);
}

/* FORMAT with "%s" and "%N$s", which msgfmt has compared with the English. */
static char *fill(const char *format, const struct piece *pieces, int depth)
{
    struct text t;
    int next = 0;

    text_begin(&t);
    for (const char *p = format; *p != '\0';) {
        int at = next;
        if (strncmp(p, "%s", 2) == 0) {
            next++;
            p += 2;
        } else if (p[0] == '%' && p[1] >= '1' && p[1] <= '9' && p[2] == '$' && p[3] == 's') {
            at = p[1] - '1';
            p += 4;
        } else {
            text_add(&t, "%c", *p++);
            continue;
        }
        if (at < PIECES_MAX && pieces[at].text != NULL)
            add_piece(&t, &pieces[at], depth);
    }
    return text_end(&t);
}

static char *translated_to(const char *text, int depth)
{
    if (depth == DEPTH_MAX || strlen(text) > TEXT_MAX)
        return memory_copy(text);
    for (size_t i = 0; i < COUNT(patterns); i++) {
        const char *own = _(patterns[i]);
        struct piece pieces[PIECES_MAX] = { 0 };
        if (own != patterns[i] && match(patterns[i], text, pieces, PIECES_MAX))
            return fill(own, pieces, depth);
    }
    return memory_copy(phrase(text));
}

char *translated(const char *text)
{
    return translated_to(text, 0);
}
