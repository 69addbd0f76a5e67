/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/probe/generic_name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS_MAX 64 /* runs of digits in a name */

/* The runs of decimal digits in NAME, those too long to be a byte left out. */
static size_t numbers_of(const char *name, unsigned out[NUMBERS_MAX])
{
    size_t count = 0;

    while (*name != '\0' && count < NUMBERS_MAX) {
        size_t digits = strspn(name, "0123456789");
        if (digits >= 1 && digits <= 3)
            out[count++] = (unsigned)strtoul(name, NULL, 10);
        name += digits > 0 ? digits : 1;
    }
    return count;
}

/* Each byte of the address has a number of its own in the name. */
static bool has_numbers(const char *name, const unsigned char bytes[4])
{
    unsigned numbers[NUMBERS_MAX];
    size_t count = numbers_of(name, numbers), found = 0;

    for (size_t b = 0; b < 4; b++)
        for (size_t i = 0; i < count; i++)
            if (numbers[i] == bytes[b]) {
                numbers[i] = 256; /* taken */
                found++;
                break;
            }
    return found == 4;
}

/* Dots and hyphens between the digits do not count. */
static bool has_digits(const char *name, const char *digits)
{
    for (; *name != '\0'; name++) {
        const char *n = name, *d = digits;
        while (*d != '\0' && *n != '\0' && (tolower((unsigned char)*n) == *d || strchr("-.", *n))) {
            d += tolower((unsigned char)*n) == *d;
            n++;
        }
        if (*d == '\0')
            return true;
    }
    return false;
}

static bool is_made_of_ipv4(const char *name, const unsigned char b[4])
{
    char hex[16], padded[16];

    snprintf(hex, sizeof hex, "%02x%02x%02x%02x", b[0], b[1], b[2], b[3]);
    snprintf(padded, sizeof padded, "%03u%03u%03u%03u", b[0], b[1], b[2], b[3]);
    return has_numbers(name, b) || has_digits(name, hex) || has_digits(name, padded);
}

/* The address as it is written, or its last 64 bits in full: in either, "::" leaves out noughts. */
static bool is_made_of_ipv6(const char *name, const struct address *a)
{
    const unsigned char *b = a->u.in6.sin6_addr.s6_addr;
    char text[ADDRESS_TEXT], digits[ADDRESS_TEXT], host[17];
    size_t used = 0;

    address_text(a, text);
    for (const char *p = text; *p != '\0'; p++)
        if (*p != ':')
            digits[used++] = *p;
    digits[used] = '\0';
    for (size_t i = 0; i < 8; i++)
        snprintf(host + 2 * i, 3, "%02x", b[8 + i]);
    return (used >= 8 && has_digits(name, digits)) || has_digits(name, host);
}

bool generic_name(const char *name, const struct address *address)
{
    if (address_family(address) == FAMILY_IPV4)
        return is_made_of_ipv4(name, (const unsigned char *)&address->u.in.sin_addr);
    return is_made_of_ipv6(name, address);
}
