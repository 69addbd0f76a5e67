/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/proof_judge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where a session went: "HOST[ADDRESS]:PORT: ", as smtp(8) writes it (src/smtp/smtp_session.c). The
 * text behind it, or NULL where TEXT begins otherwise. */
static const char *behind_hop(const char *text, const struct proof_plan *plan, bool *is_relay)
{
    const char *address = strchr(text, '['), *end = strstr(text, "]:");
    char *behind;

    if (address == NULL || end == NULL || end < address || strchr(text, ' ') < end)
        return NULL;
    unsigned long port = strtoul(end + 2, &behind, 10);
    if (behind == end + 2 || behind[0] != ':' || behind[1] != ' ')
        return NULL;
    size_t len = (size_t)(address - text);
    *is_relay =
        len == strlen(plan->host) && strncasecmp(text, plan->host, len) == 0 && port == plan->port;
    return behind + 2;
}

static const char *behind_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncmp(text, word, n) == 0 ? text + n : NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The relay's reply to a command of the mail transaction, which comes behind TLS and AUTH, or NULL.
 * What the relay says may look like anything, so Postfix's own words must stand at both ends. */
static const char *reply_in_transaction(const char *text)
{
    const char *host = behind_word(text, "host ");
    const char *reply = host == NULL ? NULL : strstr(host, "] said: ");

    if (reply == NULL || strchr(host, ' ') < reply ||
        (!ends_with(text, " (in reply to MAIL FROM command)") &&
         !ends_with(text, " (in reply to RCPT TO command)")))
        return NULL;
    return reply + strlen("] said: ");
}

/* A server that offers no AUTH is spoken to without; what it then says is no word on the sender. */
static bool wants_authentication(const char *reply)
{
    static const char *const codes[] = { "530", "534", "535", "538" };
    static const char *const words[] = { "access denied",         "authenticat",  "relaying denied",
                                         "relay not permitted",   "relaying not", "unable to relay",
                                         "not permitted to relay" };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strncmp(reply, codes[i], 3) == 0)
            return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(reply, words[i]) != NULL)
            return true;
    return false;
}

static enum proof_result went_elsewhere(const char *words, const struct proof_plan *plan,
                                        struct why *why)
{
    why_set(why,
            "the probe from <%s> to <%s> did not go by the service %s: another table of Postfix's "
            "(transport_maps, virtual_alias_maps, canonical_maps) leads it elsewhere: %s",
            plan->sender, plan->recipient, plan->service, words);
    return PROOF_FAILED;
}

static enum proof_result judge_failure(const char *text, const struct proof_plan *plan,
                                       struct why *why)
{
    const char *reply = reply_in_transaction(text);

    if (reply != NULL && !wants_authentication(reply)) {
        why_set(why, "the relay refuses the probe from <%s> to <%s>: %s", plan->sender,
                plan->recipient, text);
        return PROOF_REFUSED;
    }
    why_set(why, "Postfix's service %s: %s", plan->service, text);
    return PROOF_FAILED;
}

enum proof_result proof_judge(const struct trace_record *record, const struct queue_file *head,
                              const struct proof_plan *plan, struct why *why)
{
    const char *via = behind_word(record->reason, "delivery via "), *text = NULL, *peer;
    bool is_relay = false;

    if (head != NULL && strcasecmp(head->sender, plan->sender) != 0) {
        why_set(why,
                "Postfix rewrites the probe's sender <%s> to <%s>, so that the probe does not go "
                "by the service %s",
                plan->sender, head->sender, plan->service);
        return PROOF_FAILED;
    }
    if (via != NULL)
        text = behind_hop(via, plan, &is_relay);
    if (via != NULL && (text == NULL || !is_relay))
        return went_elsewhere(record->reason, plan, why);
    if (strcmp(record->action, "deliverable") == 0)
        return text != NULL ? PROOF_GOOD : went_elsewhere(record->reason, plan, why);
    if (text != NULL)
        return judge_failure(text, plan, why);
    peer = behind_word(record->reason, "connect to ");
    if (peer != NULL && behind_hop(peer, plan, &is_relay) != NULL && !is_relay)
        return went_elsewhere(record->reason, plan, why);
    why_set(why, "Postfix's service %s: %s", plan->service, record->reason);
    return PROOF_FAILED;
}
