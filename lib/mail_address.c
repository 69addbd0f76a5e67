/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/mail_address.h"

#include "lib/endpoint.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define LOCAL_MAX 64 /* RFC 5321 4.5.3.1.1 */

/* RFC 5322 3.2.3 atext, but for a # in front, which would make the line a comment to postmap(1). */
static bool local_valid(const char *text, size_t len)
{
    static const char special[] = "!#$%&'*+-/=?^_`{|}~";

    if (len == 0 || len > LOCAL_MAX || text[0] == '#' || text[0] == '.' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '.' ? text[i + 1] == '.'
                     : !isalnum(c) && memchr(special, c, sizeof special - 1) == NULL)
            return false;
    }
    return true;
}

enum address_form mail_address_form(const char *text, const char **why)
{
    const char *at = strrchr(text, '@');
    size_t len = at != NULL ? (size_t)(at - text) : strlen(text);

    *why = "a local part is 1 to 64 ASCII letters, digits and !#$%&'*+-/=?^_`{|}~ with single dots "
           "between them, no # in front, and nothing in quotes";
    if (len > 0 && !local_valid(text, len))
        return ADDRESS_BAD;
    *why = "a * stands for nothing here; all of a domain is \"@example.com\", and each subdomain "
           "is listed for itself";
    if (strncmp(text, "*@", 2) == 0 || strncmp(text, "@*", 2) == 0 || strncmp(text, "@.", 2) == 0)
        return ADDRESS_BAD;
    if (at == NULL && len > 0)
        return ADDRESS_LOCAL;
    *why = "what follows the @ must be a domain like example.com (ASCII; an international one as "
           "xn--...)";
    if (at == NULL || !hostname_valid(at + 1))
        return ADDRESS_BAD;
    return len == 0 ? ADDRESS_DOMAIN : ADDRESS_WHOLE;
}

void mail_address_fold(char *text)
{
    for (; *text != '\0'; text++)
        *text = (char)tolower((unsigned char)*text);
}
