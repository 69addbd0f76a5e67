/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/relay_scope.h"

#include "lib/mail_address.h"
#include "lib/memory.h"
#include "lib/relay.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SENDERS_MAX  1000
#define REWRITES_MAX 1000

static const char *const null_sender_words[] = { "direct", "relay", NULL };

static void complain_method(struct conf_file *file, cfg_t *section, const char *opt)
{
    if (conf_file_stands(file, section, opt))
        conf_file_complain(file, section, opt,
                           "%s cannot be kept by method = relayhost, which takes all mail as it "
                           "is; write method = transport in the postfix section",
                           opt);
}

/* What is wrong with one of the senders, or NULL. */
static const char *sender_fault(const char *text)
{
    const char *why;

    if (*text == '\0' || strcmp(text, "<>") == 0)
        return "null_sender says what becomes of mail from the null sender";
    switch (mail_address_form(text, &why)) {
    case ADDRESS_WHOLE:
    case ADDRESS_DOMAIN:
        return NULL;
    case ADDRESS_LOCAL:
        return strchr(text, '.') != NULL
                   ? "a domain is written with an @ in front, as in \"@example.com\""
                   : "expected \"user@example.com\" or \"@example.com\"";
    case ADDRESS_BAD:
        break;
    }
    return why;
}

static void add_sender(struct relay *relay, const char *text)
{
    relay->senders = memory_grow(relay->senders, relay->sender_count + 1, sizeof *relay->senders);
    relay->senders[relay->sender_count] = memory_copy(text);
    mail_address_fold(relay->senders[relay->sender_count++]);
}

static bool is_sender(const struct relay *relay, const char *text)
{
    for (size_t i = 0; i < relay->sender_count; i++)
        if (strcasecmp(relay->senders[i], text) == 0)
            return true;
    return false;
}

static void read_senders(struct conf_file *file, cfg_t *section, struct relay *relay)
{
    unsigned count = cfg_size(section, "senders");

    if (count > SENDERS_MAX || (count == 0 && conf_file_stands(file, section, "senders")))
        conf_file_complain(
            file, section, "senders",
            "senders: expected 1 to %d of them; leave the word out where everybody's "
            "mail goes by the relay",
            SENDERS_MAX);
    for (unsigned i = 0; i < count && i < SENDERS_MAX; i++) {
        const char *text = cfg_getnstr(section, "senders", i), *fault = sender_fault(text);
        if (fault == NULL && is_sender(relay, text))
            fault = "it stands in the list twice";
        if (fault != NULL)
            conf_file_complain_item(file, section, "senders", i, "sender \"%s\": %s", text, fault);
        else
            add_sender(relay, text);
    }
}

/* What is wrong with one pair, or NULL. generic(5) has these forms and no others. */
static const char *rewrite_fault(const struct relay *relay, const char *from, const char *to)
{
    const char *why;
    enum address_form from_form = mail_address_form(from, &why), to_form;

    if (from_form == ADDRESS_BAD)
        return why;
    to_form = mail_address_form(to, &why);
    if (to_form == ADDRESS_BAD)
        return why;
    if (to_form == ADDRESS_LOCAL || (to_form == ADDRESS_DOMAIN && from_form != ADDRESS_DOMAIN))
        return from_form == ADDRESS_DOMAIN
                   ? "the new address must be \"user@example.com\" or \"@example.com\""
                   : "the new address must be whole, as in \"user@example.com\"";
    if (strcasecmp(from, to) == 0)
        return "it is rewritten to itself";
    for (size_t i = 0; i < relay->rewrite_count; i++)
        if (strcasecmp(relay->rewrites[i].from, from) == 0)
            return "the old address stands in the list twice";
    return NULL;
}

static void add_rewrite(struct relay *relay, const char *from, const char *to)
{
    relay->rewrites =
        memory_grow(relay->rewrites, relay->rewrite_count + 1, sizeof *relay->rewrites);
    struct rewrite *r = &relay->rewrites[relay->rewrite_count++];
    r->from = memory_copy(from);
    r->to = memory_copy(to);
    mail_address_fold(r->from);
}

static void read_rewrites(struct conf_file *file, cfg_t *section, struct relay *relay)
{
    unsigned count = cfg_size(section, "rewrite");

    if (count % 2 != 0 || count > 2 * REWRITES_MAX) {
        conf_file_complain(file, section, "rewrite",
                           "rewrite: expected up to %d pairs, { \"from\" = \"to\", ... }",
                           REWRITES_MAX);
        return;
    }
    for (unsigned i = 0; i < count; i += 2) {
        const char *from = cfg_getnstr(section, "rewrite", i);
        const char *to = cfg_getnstr(section, "rewrite", i + 1);
        const char *fault = rewrite_fault(relay, from, to);
        if (fault != NULL)
            conf_file_complain_item(file, section, "rewrite", i, "rewrite \"%s\" = \"%s\": %s",
                                    from, to, fault);
        else
            add_rewrite(relay, from, to);
    }
}

/* Whether ADDRESS, or all of its domain where it is "@domain", is in the scope. */
static bool in_scope(const struct relay *relay, const char *address)
{
    return address[0] == '@' ? is_sender(relay, address) : relay_takes(relay, address, "");
}

/* Rewriting is there so that the relay takes this mail. So it has to get there: what becomes an
 * address of the scope is of the scope. */
static void widen_scope(struct conf_file *file, cfg_t *section, struct relay *relay)
{
    for (size_t i = 0; i < relay->rewrite_count; i++) {
        const struct rewrite *r = &relay->rewrites[i];
        if (relay->sender_count == 0 || in_scope(relay, r->from))
            continue;
        if (strchr(r->from, '@') == NULL)
            conf_file_warn(file, section, "rewrite",
                           "rewrite \"%s\" does not bring its mail to the relay: senders knows "
                           "whole addresses and domains; write \"%s@\" with this host's domain",
                           r->from, r->from);
        else if (in_scope(relay, r->to))
            add_sender(relay, r->from);
        else
            conf_file_warn(file, section, "rewrite",
                           "rewrite \"%s\" = \"%s\": neither is among senders, so mail from it "
                           "does not go by the relay",
                           r->from, r->to);
    }
}

/* By the method relayhost, everything goes by the relay. */
static void read_null_sender(struct conf_file *file, cfg_t *section,
                             const struct relay_service *service, enum method method,
                             struct relay *relay)
{
    bool scoped = cfg_size(section, "senders") > 0, everything = method == METHOD_RELAYHOST;
    bool stands = conf_file_stands(file, section, "null_sender");
    bool fallback = everything || (!scoped && !service->refuses_null_sender);

    relay->null_sender =
        conf_file_choice(file, section, "null_sender", null_sender_words, fallback) == 1;
    if (everything && !relay->null_sender)
        complain_method(file, section, "null_sender");
    if (relay->null_sender && service->refuses_null_sender)
        conf_file_warn(file, section, stands ? "null_sender" : "provider",
                       "relay %s: %s refuses mail from the null sender, so bounces and other "
                       "reports would wait in the queue until they expire; %s",
                       relay->name, service->title,
                       everything ? "method = transport can keep them on the direct route"
                                  : "null_sender = direct keeps them on the direct route");
}

void relay_scope_read(struct conf_file *file, cfg_t *section, const struct relay_service *service,
                      enum method method, struct relay *relay)
{
    read_senders(file, section, relay);
    read_rewrites(file, section, relay);
    if (method == METHOD_RELAYHOST) {
        complain_method(file, section, "senders");
        complain_method(file, section, "rewrite");
    } else {
        widen_scope(file, section, relay);
    }
    read_null_sender(file, section, service, method, relay);
}

void relay_scope_free(struct relay *relay)
{
    for (size_t i = 0; i < relay->sender_count; i++)
        free(relay->senders[i]);
    free(relay->senders);
    for (size_t i = 0; i < relay->rewrite_count; i++) {
        free(relay->rewrites[i].from);
        free(relay->rewrites[i].to);
    }
    free(relay->rewrites);
}
