/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/reverse_name.h"

#include "daemon/probe/generic_name.h"
#include "lib/memory.h"
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 10 /* of an address; RFC 8601 2.7.3 wants a limit */

struct reverse_name {
    struct address address;
    char text[ADDRESS_TEXT];
    char first[HOST_MAX + 1]; /* of its names */
    bool has_failed;          /* a look-up of one of them */
};

static void confirmed(struct examination *e, const struct reverse_name *r, const char *name)
{
    examination_name(e, name);
    if (generic_name(name, &r->address))
        examination_finish(e, REPUTATION_WARNING,
                           "%s is called %s, a name made of the address, as providers give to "
                           "lines and machines that send no mail",
                           r->text, name);
    else
        examination_finish(e, REPUTATION_OK, "%s is called %s, which leads back to it", r->text,
                           name);
}

static void on_host(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct reverse_name *r = examination_state(e);

    r->has_failed = r->has_failed || examination_is_failure(answer);
    if (examination_holds(answer, &r->address))
        confirmed(e, r, answer->name);
    else if (left == 0 && r->has_failed)
        examination_finish(e, REPUTATION_UNKNOWN,
                           "%s is called %s, but whether that leads back could not be looked up",
                           r->text, r->first);
    else if (left == 0)
        examination_finish(e, REPUTATION_BAD, "%s is called %s, which does not lead back to it",
                           r->text, r->first);
}

static void on_names(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct reverse_name *r = examination_state(e);
    (void)left;

    if (examination_is_failure(answer)) {
        examination_finish(e, REPUTATION_UNKNOWN, "%s", answer->detail);
    } else if (answer->count == 0) {
        examination_finish(e, REPUTATION_BAD, "%s has no reverse name (PTR record)", r->text);
    } else {
        snprintf(r->first, sizeof r->first, "%.*s", HOST_MAX, answer->records[0].text);
        examination_name(e, r->first);
        for (size_t i = 0; i < answer->count && i < NAMES_MAX; i++)
            examination_ask(e, answer->records[i].text, examination_address_type(&r->address),
                            on_host);
    }
}

struct examination *reverse_name_examine(const struct examination_plan *plan,
                                         const struct address *address)
{
    struct reverse_name *r = memory_zero(1, sizeof *r);
    struct examination *e = examination_new(plan, REPUTATION_PTR, address, r, free);
    char reversed[RECORD_REVERSED], name[RECORD_REVERSED + 16];

    r->address = *address;
    address_text(address, r->text);
    record_reversed(address, reversed);
    snprintf(name, sizeof name, "%s.%s.arpa", reversed,
             address_family(address) == FAMILY_IPV4 ? "in-addr" : "ip6");
    examination_ask(e, name, RECORD_PTR, on_names);
    return e;
}
