/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/helo_name.h"

#include "lib/endpoint.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct helo_name {
    bool has_address, has_failed, leads_somewhere;
    struct address address;
    char name[HOST_MAX + 1];
    char text[ADDRESS_TEXT];
};

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), n = strlen(end);

    return len >= n && strcasecmp(name + len - n, end) == 0;
}

const char *helo_name_fault(const char *name)
{
    struct address literal;

    if (name[0] == '\0')
        return "there is no name for EHLO";
    if (name[0] == '[' || address_parse(name, 0, &literal))
        return "EHLO says an address instead of a name";
    if (strcasecmp(name, "localhost") == 0 || ends_with(name, ".localhost") ||
        ends_with(name, ".localdomain"))
        return "EHLO says a name that every host has";
    if (strchr(name, '.') == NULL)
        return "the name in EHLO has no domain";
    if (!hostname_valid(name))
        return "the name in EHLO is not a host name";
    if (ends_with(name, ".local") || ends_with(name, ".internal") || ends_with(name, ".lan"))
        return "the name in EHLO is of a local network";
    return NULL;
}

static void settle(struct examination *e, const struct helo_name *h)
{
    if (h->has_failed)
        examination_finish(e, REPUTATION_UNKNOWN, "%s could not be looked up", h->name);
    else if (!h->leads_somewhere)
        examination_finish(e, REPUTATION_BAD, "%s, the name in EHLO, has no address", h->name);
    else if (h->has_address)
        examination_finish(e, REPUTATION_WARNING, "%s, the name in EHLO, does not lead to %s",
                           h->name, h->text);
    else
        examination_finish(e, REPUTATION_OK, "%s, the name in EHLO, has an address", h->name);
}

static void on_addresses(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct helo_name *h = examination_state(e);

    h->has_failed = h->has_failed || examination_is_failure(answer);
    h->leads_somewhere = h->leads_somewhere || answer->count > 0;
    if (h->has_address && examination_holds(answer, &h->address))
        examination_finish(e, REPUTATION_OK, "%s, the name in EHLO, leads to %s", h->name, h->text);
    else if (left == 0)
        settle(e, h);
}

struct examination *helo_name_examine(const struct examination_plan *plan, const char *name,
                                      const struct address *address)
{
    struct helo_name *h = memory_zero(1, sizeof *h);
    struct examination *e = examination_new(plan, REPUTATION_HELO, address, h, free);
    const char *fault = helo_name_fault(name);

    if (address != NULL) {
        h->has_address = true;
        h->address = *address;
        address_text(address, h->text);
    }
    snprintf(h->name, sizeof h->name, "%s", name);
    if (fault != NULL) {
        examination_finish(e, REPUTATION_BAD, "%s", fault);
        return e;
    }
    examination_ask(e, name, RECORD_A, on_addresses);
    examination_ask(e, name, RECORD_AAAA, on_addresses);
    return e;
}
