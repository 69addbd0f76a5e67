/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report/verdict_json.h"

#include <math.h>
#include <stdio.h>

static json_t *address_json(const struct address *address)
{
    char ip[ADDRESS_TEXT];

    address_text(address, ip);
    return json_sprintf(address_family(address) == FAMILY_IPV6 ? "[%s]:%u" : "%s:%u", ip,
                        address_port(address));
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

/* What TLS showed, also where the handshake failed; null where none began. */
static json_t *tls_json(const struct tls_info *t)
{
    if (!t->established && !t->has_certificate)
        return json_null();
    return json_pack("{s:o, s:b, s:o, s:o, s:o}", "protocol", text_or_null(t->protocol), "verified",
                     t->verified, "why", text_or_null(t->why), "days_left",
                     t->has_certificate ? json_integer(t->days_left) : json_null(), "certificate",
                     text_or_null(t->name));
}

static json_t *host_json(const struct host_result *h)
{
    const struct probe_result *p = &h->probe;
    json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:I}", "host", h->host, "address",
                          address_json(&p->address), "outcome", outcome_name(p->outcome), "detail",
                          p->detail, "ms", (json_int_t)p->total_ms);

    if (p->code != 0)
        json_object_set_new(o, "code", json_integer(p->code));
    if (p->banner[0] != '\0')
        json_object_set_new(o, "banner", json_string(p->banner));
    if (p->ehlo_name[0] != '\0')
        json_object_set_new(o, "ehlo", json_string(p->ehlo_name));
    if (p->has_public_address) {
        char ip[ADDRESS_TEXT];
        address_text(&p->public_address, ip);
        json_object_set_new(o, "public_address", json_string(ip));
    }
    json_object_set_new(o, "starttls", json_boolean(p->starttls_offered));
    json_object_set_new(o, "tls", tls_json(&p->tls));
    return o;
}

static json_t *target_json(const struct target_result *t)
{
    char name[ENDPOINT_TEXT];
    json_t *hosts = json_array();

    endpoint_text(t->target, 25, name);
    for (size_t i = 0; i < t->host_count; i++)
        json_array_append_new(hosts, host_json(&t->hosts[i]));
    return json_pack("{s:s, s:s, s:s, s:o}", "target", name, "outcome",
                     t->untried ? "untried" : outcome_name(t->outcome), "detail", t->detail,
                     "hosts", hosts);
}

static json_t *controls_json(const struct family_result *f)
{
    const struct controls_seen *c = &f->controls;

    return json_pack(
        "{s:i, s:i, s:i, s:f, s:o, s:i}", "sent", (int)c->sent, "answered", (int)c->answered,
        "accepted", (int)c->accepted, "loss", floor(f->verdict.loss * 1000) / 1000, "by",
        c->has_by ? address_json(&c->by) : json_null(), "counted_syns", f->verdict.counted_syns);
}

static json_t *left_host(enum syn_fate fate)
{
    return fate == SYN_UNTOLD ? json_null() : json_boolean(fate == SYN_LEFT);
}

static json_t *family_json(const struct family_result *f, size_t target_count)
{
    json_t *outcomes = json_array();

    if (!f->probed) {
        json_decref(outcomes);
        return json_null();
    }
    for (size_t i = 0; i < target_count; i++)
        json_array_append_new(outcomes, target_json(&f->targets[i]));
    return json_pack("{s:s, s:f, s:i, s:i, s:i, s:b, s:s?, s:o, s:o, s:o}", "name",
                     verdict_name(f->verdict.kind), "confidence",
                     floor(f->verdict.confidence * 1e6) / 1e6, "operators",
                     (int)f->verdict.operators, "connected", (int)f->verdict.connected, "open",
                     (int)f->verdict.open, "false_certificate", f->false_certificate, "own_fault",
                     own_fault_name(f->own_fault), "left_host", left_host(f->fate), "controls",
                     controls_json(f), "outcomes", outcomes);
}

json_t *verdict_json(const struct round_result *r)
{
    return json_pack("{s:o, s:o}", "ipv4", family_json(&r->family[FAMILY_IPV4], r->target_count),
                     "ipv6", family_json(&r->family[FAMILY_IPV6], r->target_count));
}
