/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/dns_message.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ALIASES_MAX 16   /* CNAME records from the question to its answer */
#define NAME_TEXT   1025 /* a name with each of its bytes escaped */

static const struct {
    const char *name;
    int number;
} types[] = {
    [RECORD_A] = { "A", ns_t_a },       [RECORD_AAAA] = { "AAAA", ns_t_aaaa },
    [RECORD_MX] = { "MX", ns_t_mx },    [RECORD_PTR] = { "PTR", ns_t_ptr },
    [RECORD_TXT] = { "TXT", ns_t_txt },
};

const char *record_type_name(enum record_type type)
{
    return types[type].name;
}

int record_type_number(enum record_type type)
{
    return types[type].number;
}

/* The next thing to read of a message. */
struct cursor {
    const unsigned char *bytes;
    size_t len, at;
};

/* A record as it stands in the message. */
struct raw {
    char owner[NAME_TEXT];
    unsigned type, class;
    size_t data, len; /* its data, within the message */
};

static bool read16(struct cursor *c, unsigned *out)
{
    if (c->len - c->at < 2)
        return false;
    *out = (unsigned)(c->bytes[c->at] << 8 | c->bytes[c->at + 1]);
    c->at += 2;
    return true;
}

static bool skip(struct cursor *c, size_t len)
{
    if (c->len - c->at < len)
        return false;
    c->at += len;
    return true;
}

/* In lower case, since names are compared and shown; false for one that points in a circle or out
 * of the message. */
static bool read_name(struct cursor *c, char *out, size_t size)
{
    char *name = NULL;
    long taken = 0;

    if (c->at == c->len ||
        ares_expand_name(c->bytes + c->at, c->bytes, (int)c->len, &name, &taken) != ARES_SUCCESS)
        return false;
    snprintf(out, size, "%s", name);
    ares_free_string(name);
    for (char *p = out; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return taken > 0 && skip(c, (size_t)taken);
}

static bool read_raw(struct cursor *c, struct raw *out)
{
    unsigned len;

    if (!read_name(c, out->owner, sizeof out->owner) || !read16(c, &out->type) ||
        !read16(c, &out->class) || !skip(c, 4) || !read16(c, &len))
        return false;
    out->data = c->at;
    out->len = len;
    return skip(c, len);
}

/* To the first record of the answer; how many there are. False when the message ends before. */
static bool open_message(struct cursor *c, char *asked, size_t size, unsigned *records)
{
    unsigned questions = 0;

    if (!skip(c, 4) || !read16(c, &questions) || !read16(c, records) || !skip(c, 4))
        return false;
    for (asked[0] = '\0'; questions > 0; questions--)
        if (!read_name(c, asked, size) || !skip(c, 4))
            return false;
    return true;
}

static void add_text(struct record *record, const unsigned char *bytes, size_t len, size_t *used)
{
    for (size_t i = 0; i < len; i++) {
        bool printable = bytes[i] >= 0x20 && bytes[i] < 0x7f;
        record->is_odd = record->is_odd || !printable;
        if (*used < RECORD_TEXT_MAX)
            record->text[(*used)++] = printable ? (char)bytes[i] : '?';
        else
            record->is_cut = true;
    }
    record->text[*used] = '\0';
}

static bool take_strings(struct record *record, const unsigned char *bytes, size_t len)
{
    size_t used = 0;

    for (size_t at = 0; at < len; at += bytes[at] + 1U) {
        if (bytes[at] > len - at - 1)
            return false;
        add_text(record, bytes + at + 1, bytes[at], &used);
    }
    return true;
}

static bool take_address(struct record *record, const unsigned char *bytes, size_t len, bool is_six)
{
    struct address *a = &record->address;

    if (len != (is_six ? sizeof a->u.in6.sin6_addr : sizeof a->u.in.sin_addr))
        return false;
    if (is_six) {
        a->u.in6.sin6_family = AF_INET6;
        memcpy(&a->u.in6.sin6_addr, bytes, len);
        a->len = sizeof a->u.in6;
    } else {
        a->u.in.sin_family = AF_INET;
        memcpy(&a->u.in.sin_addr, bytes, len);
        a->len = sizeof a->u.in;
    }
    return true;
}

/* A name in the data may point anywhere before it, but must not reach behind the data. */
static bool take_name(struct record *record, struct cursor c, const struct raw *raw)
{
    char name[NAME_TEXT];
    size_t used = 0;

    c.len = raw->data + raw->len;
    if (!read_name(&c, name, sizeof name))
        return false;
    add_text(record, (const unsigned char *)name, strlen(name), &used);
    return true;
}

static bool take_mx(struct record *record, struct cursor c, const struct raw *raw)
{
    unsigned preference;

    c.len = raw->data + raw->len;
    if (!read16(&c, &preference))
        return false;
    record->preference = (int)preference;
    return take_name(record, c, raw);
}

static bool take(struct record *record, const struct cursor *message, const struct raw *raw,
                 enum record_type type)
{
    struct cursor c = { message->bytes, message->len, raw->data };

    memset(record, 0, sizeof *record);
    switch (type) {
    case RECORD_A:
        return take_address(record, c.bytes + raw->data, raw->len, false);
    case RECORD_AAAA:
        return take_address(record, c.bytes + raw->data, raw->len, true);
    case RECORD_MX:
        return take_mx(record, c, raw);
    case RECORD_PTR:
        return take_name(record, c, raw);
    case RECORD_TXT:
        return take_strings(record, c.bytes + raw->data, raw->len);
    }
    return false;
}

/* The records of TYPE; EACH may be NULL. */
static enum dns_status walk(struct cursor c, unsigned records, enum record_type type,
                            dns_message_record *each, void *context)
{
    enum dns_status status = DNS_NODATA;
    struct record record;
    struct raw raw;

    for (; records > 0; records--) {
        if (!read_raw(&c, &raw))
            return DNS_MALFORMED;
        if (raw.class != ns_c_in || (int)raw.type != types[type].number)
            continue;
        if (!take(&record, &c, &raw, type))
            return DNS_MALFORMED;
        status = DNS_OK;
        if (each != NULL)
            each(&record, context);
    }
    return status;
}

/* Puts what NAME is an alias of into its place; false when it is none. */
static bool follow_alias(struct cursor c, unsigned records, char *name, size_t size)
{
    struct raw raw;

    for (; records > 0 && read_raw(&c, &raw); records--) {
        struct cursor data = { c.bytes, c.len, raw.data };
        if (raw.type == ns_t_cname && raw.class == ns_c_in && strcmp(raw.owner, name) == 0)
            return read_name(&data, name, size);
    }
    return false;
}

static bool aliases_circle(const struct cursor *c, unsigned records, const char *asked)
{
    char name[NAME_TEXT];
    int count = 0;

    snprintf(name, sizeof name, "%s", asked);
    while (count <= ALIASES_MAX && follow_alias(*c, records, name, sizeof name))
        count++;
    return count > ALIASES_MAX;
}

enum dns_status dns_message_read(const unsigned char *bytes, size_t len, enum record_type type,
                                 dns_message_record *each, void *context)
{
    struct cursor c = { bytes, len, 0 };
    char asked[NAME_TEXT];
    unsigned records;

    if (len > NS_MAXMSG || !open_message(&c, asked, sizeof asked, &records))
        return DNS_MALFORMED;
    /* The whole of it first, so that nobody acts upon the readable part of a broken message. */
    enum dns_status status = walk(c, records, type, NULL, NULL);
    if (status == DNS_OK)
        walk(c, records, type, each, context);
    else if (status == DNS_NODATA && aliases_circle(&c, records, asked))
        status = DNS_MALFORMED;
    return status;
}
