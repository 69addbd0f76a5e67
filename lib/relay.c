/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/relay.h"

#include <string.h>
#include <strings.h>

static bool is_listed(const struct relay *relay, const char *address)
{
    for (size_t i = 0; i < relay->sender_count; i++)
        if (strcasecmp(relay->senders[i], address) == 0)
            return true;
    return false;
}

bool relay_takes(const struct relay *relay, const char *sender)
{
    const char *domain = strrchr(sender, '@');

    if (*sender == '\0')
        return relay->null_sender;
    if (relay->sender_count == 0)
        return true;
    return is_listed(relay, sender) || (domain != NULL && is_listed(relay, domain));
}
