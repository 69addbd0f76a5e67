/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records in a resolver's answer, out of its bytes (RFC 1035 4). Pure: the bytes may be
 * anybody's.
 *
 * Every record of the type asked for counts, whatever name it is of: a resolver that leads from the
 * question to them by CNAME records may send those in any order.
 */
#ifndef DETOURD_DNS_MESSAGE_H
#define DETOURD_DNS_MESSAGE_H

#include "daemon/probe/dns_status.h"
#include "lib/address.h"
#include <stdbool.h>
#include <stddef.h>

enum record_type { RECORD_A, RECORD_AAAA, RECORD_MX, RECORD_PTR, RECORD_TXT };

/* "A", "AAAA", ... */
const char *record_type_name(enum record_type type);

/* The type's number (RFC 1035 3.2.2), for dns_channel_ask. */
int record_type_number(enum record_type type);

#define RECORD_TEXT_MAX 4096

struct record {
    struct address address; /* of A and AAAA, with port 0 */
    int preference;         /* of MX */
    /* The name of MX and PTR in lower case without a final dot, empty for the root; the strings of
     * TXT joined. Printable ASCII alone: any other byte has become '?'. */
    char text[RECORD_TEXT_MAX + 1];
    bool is_odd; /* there was such a byte */
    bool is_cut; /* there was more text */
};

/* RECORD is valid during the call alone. */
typedef void dns_message_record(const struct record *record, void *context);

/* Calls EACH for every record of TYPE in the order of the answer. DNS_OK when there was one,
 * DNS_NODATA when there was none; DNS_MALFORMED, before any call, when the message breaks off, has
 * a name that cannot be read or CNAME records that lead in a circle. */
enum dns_status dns_message_read(const unsigned char *bytes, size_t len, enum record_type type,
                                 dns_message_record *each, void *context);

#endif
