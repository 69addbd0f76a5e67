/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/proof/proof.h"

#include "lib/address.h"
#include "lib/memory.h"
#include <netdb.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEPARATORS ", \t\r\n"

struct protocols {
    bool ipv4, ipv6;
};

static struct protocols protocols_of(const struct view *view)
{
    char *copy = memory_copy(view_value(view, "inet_protocols")), *rest = copy;
    struct protocols p = { 0 };

    for (char *word; (word = strsep(&rest, SEPARATORS)) != NULL;) {
        p.ipv4 = p.ipv4 || strcmp(word, "all") == 0 || strcmp(word, "ipv4") == 0;
        p.ipv6 = p.ipv6 || strcmp(word, "all") == 0 || strcmp(word, "ipv6") == 0;
    }
    free(copy);
    return p;
}

/* A name by /etc/hosts alone: this program does not speak to the network. */
static bool in_hosts(const char *name, const struct protocols *protocols, struct address *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
    bool found = false;

    __nss_configure_lookup("hosts", "files");
    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return false;
    for (ai = list; ai != NULL && !found; ai = ai->ai_next) {
        found = (ai->ai_family == AF_INET && protocols->ipv4) ||
                (ai->ai_family == AF_INET6 && protocols->ipv6);
        if (found && ai->ai_addrlen <= sizeof out->u) {
            memcpy(&out->u, ai->ai_addr, ai->ai_addrlen);
            out->len = ai->ai_addrlen;
        }
    }
    freeaddrinfo(list);
    return found;
}

/* A word of inet_interfaces or proxy_interfaces (postconf(5)). */
static bool own_address(char *word, const struct protocols *protocols, struct address *out)
{
    size_t n = strlen(word);

    if (word[0] == '[' && word[n - 1] == ']') {
        word[n - 1] = '\0';
        word++;
    }
    if (strcmp(word, "all") == 0 || strcmp(word, "loopback-only") == 0 ||
        strcmp(word, "localhost") == 0)
        return address_parse(protocols->ipv4 ? "127.0.0.1" : "::1", 0, out);
    if (address_parse(word, 0, out))
        return address_family(out) == FAMILY_IPV4 ? protocols->ipv4 : protocols->ipv6;
    return word[0] != '\0' && in_hosts(word, protocols, out);
}

static bool find_own(const char *list, const struct protocols *protocols, struct address *out)
{
    char *copy = memory_copy(list), *rest = copy;
    bool found = false;

    for (char *word; !found && (word = strsep(&rest, SEPARATORS)) != NULL;)
        found = word[0] != '\0' && own_address(word, protocols, out);
    free(copy);
    return found;
}

char *proof_sender(const struct view *view, struct why *why)
{
    const char *name = view_value(view, "double_bounce_sender");
    struct protocols protocols = protocols_of(view);
    struct address own;
    char text[ADDRESS_TEXT];

    /* What would have to be quoted is not worth it; with a domain, qmgr(8) discards nothing. */
    if (name[0] == '\0' || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789-_.+=")] != '\0') {
        why_set(why, "double_bounce_sender = %s cannot be the sender of a probe", name);
        return NULL;
    }
    if (!find_own(view_value(view, "inet_interfaces"), &protocols, &own) &&
        !find_own(view_value(view, "proxy_interfaces"), &protocols, &own)) {
        why_set(why, "neither inet_interfaces nor proxy_interfaces has an address that a probe "
                     "could come from");
        return NULL;
    }
    address_text(&own, text);
    return memory_format("%s@[%s%s]", name, address_family(&own) == FAMILY_IPV6 ? "IPv6:" : "",
                         text);
}
