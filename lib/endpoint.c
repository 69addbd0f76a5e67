/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/endpoint.h"

#include "lib/address.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool label_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

bool hostname_valid(const char *name)
{
    size_t label = 0, len = strlen(name);

    if (len == 0 || len > HOST_MAX)
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '.' && (label == 0 || p[-1] == '-'))
            return false;
        if (*p == '.') {
            label = 0;
            continue;
        }
        if (!label_char(*p) || (label == 0 && *p == '-') || ++label > 63)
            return false;
    }
    return label > 0 && name[len - 1] != '-';
}

bool token_valid(const char *text)
{
    size_t len = strlen(text);

    return len >= 1 && len <= TOKEN_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int parse_port(const char *text, uint16_t *port, const char **why)
{
    unsigned value = 0;

    *why = "the port must be a number from 1 to 65535";
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > 65535)
            return -1;
        value = value * 10 + (unsigned)(*text - '0');
    }
    if (value == 0 || value > 65535)
        return -1;
    *port = (uint16_t)value;
    return 0;
}

/* Splits "[host]:port", "[host]", "host:port" or "host". */
static int split(const char *text, struct endpoint *out, const char **port, const char **why)
{
    const char *start = text, *end;

    out->use_mx = text[0] != '[';
    if (out->use_mx) {
        end = text + strcspn(text, ":");
        *port = *end == ':' ? end + 1 : NULL;
        *why = "an IPv6 address stands in brackets: [2001:db8::1]";
        if (*port != NULL && strchr(*port, ':') != NULL)
            return -1;
    } else {
        start = text + 1;
        end = strchr(start, ']');
        *why = "the closing bracket is missing: [mx.example.com]:25";
        if (end == NULL)
            return -1;
        *why = "after the bracket comes nothing or :port";
        if (end[1] != '\0' && end[1] != ':')
            return -1;
        *port = end[1] == ':' ? end + 2 : NULL;
    }
    *why = "a host name has 1 to 253 characters";
    if (end == start || end - start > HOST_MAX)
        return -1;
    snprintf(out->host, sizeof out->host, "%.*s", (int)(end - start), start);
    return 0;
}

int endpoint_parse(const char *text, uint16_t default_port, struct endpoint *out, const char **why)
{
    struct address literal;
    const char *port;

    memset(out, 0, sizeof *out);
    out->port = default_port;
    if (split(text, out, &port, why) == -1)
        return -1;
    if (port != NULL && parse_port(port, &out->port, why) == -1)
        return -1;
    for (char *p = out->host; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    if (strncmp(out->host, "ipv6:", 5) == 0)
        memmove(out->host, out->host + 5, strlen(out->host + 5) + 1);
    out->is_literal = address_parse(out->host, out->port, &literal);
    *why = "an IP address stands in brackets: [192.0.2.1]";
    if (out->is_literal && out->use_mx)
        return -1;
    *why = "not a host name; expected example.com, [mx.example.com] or [192.0.2.1], with :port if "
           "wanted";
    return out->is_literal || hostname_valid(out->host) ? 0 : -1;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port && a->use_mx == b->use_mx;
}

void endpoint_text(const struct endpoint *e, uint16_t default_port, char *out)
{
    const char *open = e->use_mx ? "" : "[", *close = e->use_mx ? "" : "]";

    if (e->port == default_port)
        snprintf(out, ENDPOINT_TEXT, "%s%s%s", open, e->host, close);
    else
        snprintf(out, ENDPOINT_TEXT, "%s%s%s:%u", open, e->host, close, e->port);
}
