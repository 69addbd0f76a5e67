/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of one name and type, by c-ares on the event loop.
 *
 * Answers are hostile: at most RECORDS_MAX records are kept, their texts are bounded and printable
 * (dns_message.h), and whatever happens the lookup ends by its deadline.
 */
#ifndef DETOURD_RECORDS_H
#define DETOURD_RECORDS_H

#include "daemon/probe/dns.h"
#include "daemon/probe/dns_message.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDS_MAX 32

struct record_answer {
    /* DNS_OK: there is at least one record. DNS_UNUSABLE: NAME cannot be asked for, and was not. */
    enum dns_status status;
    char name[HOST_MAX + 1]; /* that was asked for */
    enum record_type type;
    char detail[DNS_DETAIL]; /* one phrase: "example.com has no TXT record" */
    struct record *records;  /* in the order of the answer */
    size_t count;
    bool is_cut; /* there were more */
};

/* ANSWER is valid during the call alone; the lookup is gone when it returns. */
typedef void record_done(const struct record_answer *answer, void *context);

struct record_lookup;

/* NAME is absolute, with or without its final dot. The callback comes once, always from the loop.
 * DNS must outlive the lookup. Never NULL. */
struct record_lookup *record_lookup_start(struct dns *dns, const char *name, enum record_type type,
                                          int64_t deadline_ms, record_done *callback,
                                          void *context);

/* Ends the lookup without its callback. NULL is allowed; so is the call inside the callback. */
void record_lookup_stop(struct record_lookup *lookup);

/* The name under which the address is found in the reverse tree and in blocklists, without its
 * suffix: "5.113.0.203", or 32 nibbles (RFC 1035 3.5, RFC 3596 2.5). OUT holds RECORD_REVERSED
 * bytes. */
#define RECORD_REVERSED 64
void record_reversed(const struct address *address, char *out);

#endif
