/* SPDX-License-Identifier: BSD-2-Clause */
/* An advice in sentences. */
#include "daemon/report/advice.h"

#include "daemon/report/advice_page.h"
#include "daemon/report/advice_steps.h"
#include "daemon/report/check.h"
#include "daemon/report/check_parts.h"
#include "daemon/report/member.h"
#include "daemon/report/translate.h"
#include <stdlib.h>
#include <string.h>

/* In the reader's language, which a summary in a document is not in. */
static void add_summary(struct advice_page *page, const json_t *advice, const json_t *document)
{
    const json_t *verdict = json_object_get(document, "verdict");

    if (!json_is_object(verdict)) {
        advice_say(page, "%s", word(advice, "summary"));
        return;
    }
    char *sentence = verdict_sentence(verdict);
    advice_say(page, "%s", sentence);
    free(sentence);
}

/* Why */

static void add_why(struct advice_page *page, const json_t *advice)
{
    static const struct {
        const char *cause, *sentence;
    } causes[] = {
        { "provider", N_("It is most likely your provider that closes the port.") },
        { "firewall", N_("A firewall on this host, or just outside of it, closes the port.") },
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
    const char *title = word(json_object_get(advice, "provider"), "title");

    if (word_is(advice, "cause", "provider") && *title != '\0') {
        advice_say(page, _("It is most likely your provider, %s, that closes the port."), title);
        return;
    }
    if (word_is(advice, "cause", "firewall") && word_is(advice, "verdict", "unstable")) {
        advice_say(page, _("A firewall closes the port now and then: it limits connections, or "
                           "loses track of them."));
        return;
    }
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (word_is(advice, "cause", causes[i].cause))
            advice_say(page, "%s", _(causes[i].sentence));
}

static void add_where(struct advice_page *page, const json_t *trace)
{
    const char *last = word(trace, "last"), *next = word(trace, "next");

    if (*last != '\0' && *next != '\0')
        advice_say(page, _("Packets to port 25 leave this host and %s passes them; %s does not."),
                   last, next);
    else if (*last != '\0')
        advice_say(page,
                   _("Packets to port 25 leave this host and %s passes them; nobody behind it has "
                     "seen any."),
                   last);
    else if (*next != '\0')
        advice_say(page, _("Packets to port 25 do not get as far as %s, the first router."), next);
}

/* What goes on as it did */

static void add_unaffected(struct advice_page *page, const json_t *list)
{
    static const struct {
        const char *word, *sentence;
    } things[] = {
        { "inbound", N_("Mail from outside: others connect to this host, which no outbound block "
                        "stops.") },
        { "submission", N_("Users who hand their mail to this host, on ports 587 and 465.") },
        { "private", N_("Mail to hosts of the local network, and to relays inside of it.") },
    };

    if (json_array_size(list) == 0)
        return;
    add_heading(page->text, page->layout, _("What is not affected:"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        for (size_t k = 0; k < sizeof things / sizeof things[0]; k++)
            if (item != NULL && strcmp(item, things[k].word) == 0)
                add_paragraph(page->text, page->layout, "- ", _(things[k].sentence));
    }
}

/* The letter */

#define LETTER_DEPTH "    "

/* An item of a list stays one: what does not fit into its line stands below its text. */
static void add_letter_line(struct advice_page *page, const char *line)
{
    bool is_item = strncmp(line, "- ", 2) == 0;

    if (*line == '\0')
        text_add(page->text, "\n");
    else
        add_paragraph(page->text, page->layout, is_item ? LETTER_DEPTH "- " : LETTER_DEPTH,
                      is_item ? line + 2 : line);
}

static void add_letter(struct advice_page *page, const json_t *evidence)
{
    char *letter, *rest, *line;

    if (!json_is_object(evidence))
        return;
    add_heading(page->text, page->layout, _("The text, to be completed:"));
    text_add(page->text, "\n");
    letter = rest = advice_request(evidence, true);
    while ((line = strsep(&rest, "\n")) != NULL && rest != NULL)
        add_letter_line(page, line);
    free(letter);
}

char *advice_text(const json_t *advice, const json_t *document, const struct layout *layout)
{
    struct text t;
    struct advice_page page = { .text = &t, .layout = layout };

    text_begin(&t);
    add_summary(&page, advice, document);
    add_why(&page, advice);
    add_where(&page, json_object_get(advice, "trace"));
    advice_steps_text(&page, json_object_get(advice, "steps"));
    add_unaffected(&page, json_object_get(advice, "unaffected"));
    add_letter(&page, json_object_get(advice, "evidence"));
    char *text = text_end(&t);
    text_make_printable(text);
    return text;
}
