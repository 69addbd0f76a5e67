/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/blocklist.h"

#include "lib/memory.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* What every list has, of either family, and what none has (RFC 5782 5). A list that was given up
 * often answers any question with a listing. */
#define TEST_ENTRY     "127.0.0.2"
#define TEST_ENTRY6    "::ffff:127.0.0.2"
#define COUNTER_ENTRY  "127.0.0.1"
#define COUNTER_ENTRY6 "::ffff:127.0.0.1"

struct blocklist {
    char zone[HOST_MAX + 1];
    char text[ADDRESS_TEXT];
    char *name;                /* the address's own entry */
    char listed[ADDRESS_TEXT]; /* what it leads to; empty where it leads nowhere */
    bool answers;              /* the test entry is there */
    bool lists_all;            /* and the counter-entry */
    bool has_failed;           /* the entry's own question */
    int counters;              /* that are still asked for */
    bool asks_reason;
};

static void free_state(void *state)
{
    struct blocklist *b = state;

    free(b->name);
    free(b);
}

static unsigned code_of(const struct record *record)
{
    return ntohl(record->address.u.in.sin_addr.s_addr);
}

/* "A" records of 127.0.0.0/8 alone mean a listing (RFC 5782 2.1); of these 127.255.255.0/24 means
 * that the question was not taken, with Spamhaus and those who follow it. */
static bool is_listing(const struct record *record)
{
    unsigned code = code_of(record);

    return code >> 24 == 127 && code >> 8 != 0x7fffff;
}

static void on_reason(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct blocklist *b = examination_state(e);
    const char *why = answer->count > 0 ? answer->records[0].text : "";
    (void)left;

    examination_finish(e, REPUTATION_BAD, "%s is listed by %s (%s)%s%.200s", b->text, b->zone,
                       b->listed, why[0] != '\0' ? ": " : "", why);
}

/* Once, as soon as no counter-entry can take it back. */
static void ask_reason(struct examination *e)
{
    struct blocklist *b = examination_state(e);

    if (b->counters > 0 || b->asks_reason)
        return;
    b->asks_reason = true;
    examination_ask(e, b->name, RECORD_TXT, on_reason);
}

static bool has_listing(const struct record_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (is_listing(&answer->records[i]))
            return true;
    return false;
}

/* A listing counts unless everybody is listed; of one that is none more must be known. */
static void settle(struct examination *e, size_t left)
{
    const struct blocklist *b = examination_state(e);

    if (b->lists_all)
        examination_finish(e, REPUTATION_UNKNOWN,
                           "%s lists everybody: it has " COUNTER_ENTRY ", which no list in use has",
                           b->zone);
    else if (b->listed[0] != '\0')
        ask_reason(e);
    else if (left > 0)
        return;
    else if (b->has_failed)
        examination_finish(e, REPUTATION_UNKNOWN, "%s could not be asked", b->zone);
    else if (b->answers)
        examination_finish(e, REPUTATION_OK, "%s is not listed by %s", b->text, b->zone);
    else
        examination_finish(e, REPUTATION_UNKNOWN,
                           "%s does not answer this resolver: its test entry is missing", b->zone);
}

static void on_test(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct blocklist *b = examination_state(e);

    b->answers = b->answers || has_listing(answer);
    settle(e, left);
}

static void on_counter(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct blocklist *b = examination_state(e);

    b->counters--;
    b->lists_all = b->lists_all || has_listing(answer);
    settle(e, left);
}

static void refused(struct examination *e, const struct blocklist *b, const struct record *record)
{
    char code[ADDRESS_TEXT];

    address_text(&record->address, code);
    examination_finish(e, REPUTATION_UNKNOWN, "%s does not answer this resolver: %s", b->zone,
                       code_of(record) >> 24 == 127 ? code : "it leads outside 127.0.0.0/8");
}

static void on_entry(struct examination *e, const struct record_answer *answer, size_t left)
{
    struct blocklist *b = examination_state(e);

    b->has_failed = examination_is_failure(answer);
    for (size_t i = 0; i < answer->count && b->listed[0] == '\0'; i++)
        if (is_listing(&answer->records[i]))
            address_text(&answer->records[i].address, b->listed);
    if (answer->count > 0 && b->listed[0] == '\0')
        refused(e, b, &answer->records[0]);
    else
        settle(e, left);
}

static char *entry(const struct address *address, const char *zone)
{
    char reversed[RECORD_REVERSED];

    record_reversed(address, reversed);
    return memory_format("%s.%s", reversed, zone);
}

static void ask(struct examination *e, const char *text, const char *zone, examination_step *step)
{
    struct address address;

    address_parse(text, 0, &address);
    char *name = entry(&address, zone);
    examination_ask(e, name, RECORD_A, step);
    free(name);
}

static void ask_for_test(struct examination *e, const char *zone, const char *test,
                         const char *counter)
{
    struct blocklist *b = examination_state(e);

    b->counters++;
    ask(e, test, zone, on_test);
    ask(e, counter, zone, on_counter);
}

struct examination *blocklist_examine(const struct examination_plan *plan, const char *zone,
                                      const struct address *address)
{
    struct blocklist *b = memory_zero(1, sizeof *b);
    struct examination *e = examination_new(plan, REPUTATION_DNSBL, address, b, free_state);

    snprintf(b->zone, sizeof b->zone, "%s", zone);
    address_text(address, b->text);
    b->name = entry(address, zone);
    examination_ask(e, b->name, RECORD_A, on_entry);
    ask_for_test(e, zone, TEST_ENTRY, COUNTER_ENTRY);
    if (address_family(address) == FAMILY_IPV6)
        ask_for_test(e, zone, TEST_ENTRY6, COUNTER_ENTRY6);
    return e;
}
