/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/relay.h"

#include "lib/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_listed(const struct relay *relay, const char *address)
{
    for (size_t i = 0; i < relay->sender_count; i++)
        if (strcasecmp(relay->senders[i], address) == 0)
            return true;
    return false;
}

static bool is_one_of(const char *local, size_t len, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == len && strncasecmp(local, names[i], len) == 0)
            return true;
    return false;
}

static bool is_mailing_list(const char *local, size_t len)
{
    static const char owner[] = "owner-", request[] = "-request";
    size_t tail = strlen(request);

    return strncasecmp(local, owner, strlen(owner)) == 0 ||
           (len > tail && strncasecmp(local + len - tail, request, tail) == 0);
}

/* Where the extension of LOCAL begins, as split_addr.c of Postfix's has it; 0 where there is none.
 */
static size_t extension(const char *local, size_t len, const char *delimiters)
{
    static const char *const whole[] = { "postmaster", "mailer-daemon", "double-bounce" };
    size_t n = strcspn(local, delimiters);

    if (n >= len || is_one_of(local, len, whole, sizeof whole / sizeof whole[0]))
        return 0;
    if (strchr(delimiters, '-') != NULL && is_mailing_list(local, len))
        return 0;
    return n;
}

static bool is_listed_without_extension(const struct relay *relay, const char *sender,
                                        const char *domain, const char *delimiters)
{
    size_t n = extension(sender, (size_t)(domain - sender), delimiters);

    if (n == 0)
        return false;
    char *address = memory_format("%.*s%s", (int)n, sender, domain);
    bool listed = is_listed(relay, address);
    free(address);
    return listed;
}

bool relay_takes(const struct relay *relay, const char *sender, const char *delimiters)
{
    const char *domain = strrchr(sender, '@');

    if (*sender == '\0')
        return relay->null_sender;
    if (relay->sender_count == 0 || is_listed(relay, sender))
        return true;
    return domain != NULL && (is_listed_without_extension(relay, sender, domain, delimiters) ||
                              is_listed(relay, domain));
}

bool relay_takes_all(const struct relay *relay)
{
    return relay->sender_count == 0 && relay->null_sender;
}
