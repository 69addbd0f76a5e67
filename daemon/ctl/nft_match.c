/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ctl/nft_match.h"

#include <string.h>

#define PORT 25

enum answer { NO, YES, DEPENDS };

void nft_exclude(struct nft_fit *fit)
{
    for (int f = 0; f < FAMILIES; f++)
        fit->excluded[f] = true;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

json_t *nft_elements(const json_t *sets, const json_t *right)
{
    const char *name = json_string_value(right);
    json_t *set = json_object_get(right, "set");

    if (name != NULL && name[0] == '@')
        set = json_object_get(sets, name + 1);
    if (name != NULL && name[0] == '@' && set == NULL)
        return json_array();
    if (set != NULL)
        return json_is_array(set) ? json_incref(set) : json_pack("[O]", set);
    return json_is_array(right) ? json_incref((json_t *)right) : json_pack("[O]", right);
}

/* An element may stand in an object with its timeout or comment. */
static const json_t *value_of(const json_t *element)
{
    const json_t *inner = json_object_get(json_object_get(element, "elem"), "val");

    return inner != NULL ? inner : element;
}

static bool is_port(const json_t *value)
{
    const json_t *range = json_object_get(value, "range");

    if (json_is_integer(value))
        return json_integer_value(value) == PORT;
    if (json_is_string(value))
        return strcmp(json_string_value(value), "smtp") == 0;
    return json_integer_value(json_array_get(range, 0)) <= PORT &&
           PORT <= json_integer_value(json_array_get(range, 1));
}

static bool is_tcp(const json_t *value)
{
    return json_integer_value(value) == 6 ||
           (json_is_string(value) && strcmp(json_string_value(value), "tcp") == 0);
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool is_new(const json_t *value)
{
    return is_text(value, "new");
}

static bool is_syn(const json_t *value)
{
    return is_text(value, "syn");
}

static bool is_loopback(const json_t *value)
{
    return is_text(value, "lo");
}

typedef bool predicate(const json_t *value);

static bool any_element(const json_t *sets, const json_t *right, predicate *fits)
{
    json_t *elements = nft_elements(sets, right);
    bool found = false;
    size_t i;
    json_t *element;

    json_array_foreach(elements, i, element) found = found || fits(value_of(element));
    json_decref(elements);
    return found;
}

/* "<" and the like, for ports. */
static bool compare_port(const char *op, json_int_t than)
{
    if (strcmp(op, "<") == 0)
        return PORT < than;
    if (strcmp(op, "<=") == 0)
        return PORT <= than;
    if (strcmp(op, ">") == 0)
        return PORT > than;
    return PORT >= than;
}

static void narrow(struct nft_fit *fit, bool fits)
{
    if (!fits)
        nft_exclude(fit);
}

static void match_set(struct nft_fit *fit, const json_t *sets, const char *op, const json_t *right,
                      predicate *fits)
{
    narrow(fit, any_element(sets, right, fits) != (strcmp(op, "!=") == 0));
}

static void match_port(struct nft_fit *fit, const json_t *sets, const char *op, const json_t *right)
{
    fit->names_port = true;
    if ((op[0] == '<' || op[0] == '>') && json_is_integer(right))
        narrow(fit, compare_port(op, json_integer_value(right)));
    else
        match_set(fit, sets, op, right, is_port);
}

/* "IP 4 alone", "IPv6 alone". */
static void match_family(struct nft_fit *fit, enum family only)
{
    fit->excluded[only == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4] = true;
}

static void match_nfproto(struct nft_fit *fit, const json_t *sets, const char *op,
                          const json_t *right)
{
    json_t *elements = nft_elements(sets, right);
    bool named[FAMILIES] = { false, false };
    size_t i;
    json_t *element;

    json_array_foreach(elements, i, element)
    {
        const json_t *value = value_of(element);
        named[FAMILY_IPV4] |= is_text(value, "ipv4") || is_text(value, "ip");
        named[FAMILY_IPV6] |= is_text(value, "ipv6") || is_text(value, "ip6");
    }
    json_decref(elements);
    for (int f = 0; f < FAMILIES; f++)
        if (named[f] == (strcmp(op, "!=") == 0))
            fit->excluded[f] = true;
}

static void match_ip(struct nft_fit *fit, const json_t *sets, const char *op, const char *field,
                     const json_t *right)
{
    if (strcmp(field, "protocol") == 0 || strcmp(field, "nexthdr") == 0)
        match_set(fit, sets, op, right, is_tcp);
    else if (strcmp(field, "saddr") == 0 || strcmp(field, "daddr") == 0)
        fit->conditions |= CONDITION_ADDRESS;
    else
        fit->conditions |= CONDITION_OTHER;
}

static void match_payload(struct nft_fit *fit, const json_t *sets, const char *op,
                          const json_t *payload, const json_t *right)
{
    static const char *const others[] = { "udp",    "udplite", "sctp", "dccp", "icmp",
                                          "icmpv6", "igmp",    "ah",   "esp",  "comp" };
    const char *protocol = text_at(payload, "protocol"), *field = text_at(payload, "field");

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(protocol, others[i]) == 0)
            nft_exclude(fit);
    if (strcmp(protocol, "ip") == 0 || strcmp(protocol, "ip6") == 0) {
        match_family(fit, protocol[2] == '6' ? FAMILY_IPV6 : FAMILY_IPV4);
        match_ip(fit, sets, op, field, right);
    } else if (strcmp(field, "dport") == 0) {
        match_port(fit, sets, op, right);
    } else if (strcmp(protocol, "tcp") == 0 && strcmp(field, "flags") == 0) {
        match_set(fit, sets, op, right, is_syn);
    } else {
        fit->conditions |= CONDITION_OTHER;
    }
}

static void match_meta(struct nft_fit *fit, const json_t *sets, const char *op, const char *key,
                       const json_t *right)
{
    if (strcmp(key, "l4proto") == 0) {
        match_set(fit, sets, op, right, is_tcp);
    } else if (strcmp(key, "nfproto") == 0 || strcmp(key, "protocol") == 0) {
        match_nfproto(fit, sets, op, right);
    } else if (strcmp(key, "skuid") == 0 || strcmp(key, "skgid") == 0) {
        fit->conditions |= CONDITION_USER;
    } else if (strcmp(key, "oif") == 0 || strcmp(key, "oifname") == 0) {
        json_t *elements = nft_elements(sets, right);
        bool alone = json_array_size(elements) == 1 && any_element(sets, right, is_loopback);
        json_decref(elements);
        if (alone)
            narrow(fit, strcmp(op, "!=") == 0);
        else
            fit->conditions |= CONDITION_INTERFACE;
    } else {
        fit->conditions |= strncmp(key, "iif", 3) == 0 ? CONDITION_INTERFACE : CONDITION_OTHER;
    }
}

/* Whether an element of a concatenation has our port as its part number PART. */
static bool has_port(const json_t *elements, size_t part)
{
    bool found = false;
    size_t i;
    json_t *element;

    json_array_foreach(elements, i, element)
    {
        const json_t *parts = json_object_get(value_of(element), "concat");
        found = found || is_port(json_array_get(parts, part));
    }
    return found;
}

/* "ip daddr . tcp dport": where the port is among the parts, an element has to have ours. */
static void match_concat(struct nft_fit *fit, const json_t *sets, const json_t *parts,
                         const json_t *right)
{
    json_t *elements = nft_elements(sets, right);
    size_t i;
    json_t *part;

    json_array_foreach(parts, i, part)
    {
        const json_t *payload = json_object_get(part, "payload");
        const char *protocol = text_at(payload, "protocol");
        if (strcmp(protocol, "ip") == 0 || strcmp(protocol, "ip6") == 0)
            match_family(fit, protocol[2] == '6' ? FAMILY_IPV6 : FAMILY_IPV4);
        if (strcmp(text_at(payload, "field"), "dport") == 0) {
            fit->names_port = true;
            narrow(fit, has_port(elements, i));
        }
    }
    json_decref(elements);
    fit->conditions |= CONDITION_ADDRESS;
}

/* "tcp flags & (fin | syn | rst | ack) == syn": of the flags asked for, a SYN has that one alone.
 */
static bool is_masked_flags(const json_t *left)
{
    const json_t *payload =
        json_object_get(json_array_get(json_object_get(left, "&"), 0), "payload");

    return strcmp(text_at(payload, "field"), "flags") == 0;
}

void nft_match(struct nft_fit *fit, const json_t *sets, const char *op, const json_t *left,
               const json_t *right)
{
    const json_t *payload = json_object_get(left, "payload"), *meta = json_object_get(left, "meta"),
                 *ct = json_object_get(left, "ct"), *concat = json_object_get(left, "concat");

    if (payload != NULL)
        match_payload(fit, sets, op, payload, right);
    else if (meta != NULL)
        match_meta(fit, sets, op, text_at(meta, "key"), right);
    else if (ct != NULL && strcmp(text_at(ct, "key"), "state") == 0)
        match_set(fit, sets, op, right, is_new);
    else if (concat != NULL)
        match_concat(fit, sets, concat, right);
    else if (is_masked_flags(left))
        match_set(fit, sets, op, right, is_syn);
    else
        fit->conditions |= CONDITION_OTHER;
}
