/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A resolver's answer: its bytes into the reader of records, and what the records say into the
 * readers of SPF, its macros, and the tags of DKIM and DMARC. The first byte is the type.
 */
#include "daemon/probe/dns_message.h"
#include "daemon/probe/generic_name.h"
#include "daemon/probe/spf_macro.h"
#include "daemon/probe/spf_record.h"
#include "daemon/probe/tags.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

static void check_text(const char *text, size_t max)
{
    MUST(strlen(text) <= max);
    for (; *text != '\0'; text++)
        MUST(*text >= 0x20 && *text < 0x7f);
}

static void expand(const char *spec)
{
    struct spf_values values = { .local = "postmaster",
                                 .sender_domain = "example.com",
                                 .domain = "mail.example.com",
                                 .helo_name = "mail.example.com",
                                 .validated = "unknown" };
    char out[HOST_MAX + 1];

    MUST(spf_domain_spec_valid(spec, strlen(spec)));
    address_parse("192.0.2.1", 0, &values.address);
    MUST(spf_macro_expand(spec, &values, out) == (out[0] != '\0'));
    check_text(out, HOST_MAX);
    address_parse("2001:db8::1", 0, &values.address);
    spf_macro_expand(spec, &values, out);
    spf_macro_wants_validated(spec);
}

static void read_spf(const char *text, size_t len)
{
    struct spf_record record;
    struct address address;
    char why[128];

    if (spf_record_parse(text, len, &record, why, sizeof why) == -1) {
        MUST(why[0] != '\0');
        return;
    }
    MUST(record.count <= len);
    address_parse("192.0.2.1", 0, &address);
    for (size_t i = 0; i < record.count; i++) {
        const struct spf_term *term = &record.terms[i];
        MUST(term->prefix[FAMILY_IPV4] <= 32 && term->prefix[FAMILY_IPV6] <= 128);
        if (term->domain != NULL)
            expand(term->domain);
        if (term->mechanism == SPF_IP4)
            spf_network_holds(&term->network, term->prefix[FAMILY_IPV4], &address);
    }
    if (record.redirect != NULL)
        expand(record.redirect);
    spf_record_free(&record);
}

static void read_tags(const char *text)
{
    char value[32];

    if (tag_value(text, "p", value, sizeof value))
        MUST(strlen(value) < sizeof value);
    tag_is_first(text, "v", "DMARC1");
}

static void on_record(const struct record *record, void *context)
{
    unsigned *count = context;
    struct address address;

    (*count)++;
    check_text(record->text, RECORD_TEXT_MAX);
    if (record->address.len != 0) {
        char text[ADDRESS_TEXT];
        address_text(&record->address, text);
        return;
    }
    read_spf(record->text, strlen(record->text));
    read_tags(record->text);
    address_parse("2001:db8::1", 0, &address);
    generic_name(record->text, &address);
    address_parse("192.0.2.1", 0, &address);
    generic_name(record->text, &address);
}

/* The same bytes without a message around them, so that the readers of texts are reached at once:
 * they need not end with NUL. */
static void read_bare(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text != NULL);
    memcpy(text, data, size);
    read_spf(text, size);
    spf_macro_valid(text, size);
    text[size] = '\0';
    read_tags(text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned count = 0;

    if (size == 0 || size > 65536)
        return 0;
    enum record_type type = (enum record_type)(data[0] % (RECORD_TXT + 1));
    enum dns_status status = dns_message_read(data + 1, size - 1, type, on_record, &count);
    MUST((status == DNS_OK) == (count > 0));
    MUST(status == DNS_OK || status == DNS_NODATA || status == DNS_MALFORMED);
    if (data[0] >= 128)
        read_bare(data + 1, size - 1);
    return 0;
}
