/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/round/identity.h"

#include "daemon/probe/dns.h"
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The canonical name of this host as /etc/hosts knows it, or its bare name. The DNS is not asked:
 * that may be what is down, and the loop must not wait for it. */
static void own_name(char *out, size_t size)
{
    struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM }, *found;
    char name[HOST_MAX + 1] = "";

    gethostname(name, sizeof name - 1);
    snprintf(out, size, "%s", hostname_valid(name) ? name : "localhost");
    __nss_configure_lookup("hosts", "files");
    if (strchr(name, '.') != NULL || getaddrinfo(name, NULL, &hints, &found) != 0)
        return;
    if (found->ai_canonname != NULL && hostname_valid(found->ai_canonname))
        snprintf(out, size, "%s", found->ai_canonname);
    freeaddrinfo(found);
}

static void set_helo(struct identity *id, const char *configured, const char *postfix)
{
    const char *name = configured != NULL ? configured : postfix;

    if (name != NULL && hostname_valid(name))
        snprintf(id->settings.helo_name, sizeof id->settings.helo_name, "%s", name);
    else
        own_name(id->settings.helo_name, sizeof id->settings.helo_name);
}

static void set_source(struct identity *id, enum family family, const char *configured,
                       const char *postfix)
{
    const char *text = configured != NULL ? configured : postfix;
    struct address address;

    if (text == NULL || !address_parse(text, 0, &address) || address_family(&address) != family)
        return;
    id->settings.source[family] = address;
    id->settings.has_source[family] = true;
}

static void set_families(struct identity *id, const char *const protocols[FAMILIES])
{
    bool four = false, six = false;

    for (int i = 0; i < FAMILIES && protocols[i] != NULL; i++) {
        bool all = strcasecmp(protocols[i], "all") == 0;
        four = four || all || strcasecmp(protocols[i], "ipv4") == 0;
        six = six || all || strcasecmp(protocols[i], "ipv6") == 0;
    }
    id->families[FAMILY_IPV4] = four || !six; /* nothing known: both */
    id->families[FAMILY_IPV6] = six || !four;
}

/* The first word in the file PATH; nothing waits for whatever that is. */
static void first_word(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd == -1 ? -1 : read(fd, out, size - 1);

    if (fd != -1)
        close(fd);
    out[len > 0 ? len : 0] = '\0';
    out[strcspn(out, " \t\r\n")] = '\0';
}

/* Debian's myorigin is a file's name (postconf(5)). */
static void set_sender_domain(struct identity *id, const char *origin)
{
    char word[HOST_MAX + 2];

    if (origin != NULL && origin[0] == '/') {
        first_word(origin, word, sizeof word);
        origin = word;
    }
    if (origin != NULL && hostname_valid(origin) && strchr(origin, '.') != NULL)
        snprintf(id->sender_domain, sizeof id->sender_domain, "%.*s", HOST_MAX, origin);
}

void identity_make(const struct probe_config *config, const struct postfix_identity *postfix,
                   struct identity *out)
{
    memset(out, 0, sizeof *out);
    set_helo(out, config->helo_name, postfix->helo_name);
    set_source(out, FAMILY_IPV4, config->source_address, postfix->bind_address[FAMILY_IPV4]);
    set_source(out, FAMILY_IPV6, config->source_address6, postfix->bind_address[FAMILY_IPV6]);
    set_families(out, postfix->protocols);
    set_sender_domain(out, postfix->origin);
}

const char *identity_sender_domain(const struct identity *id)
{
    return id->sender_domain[0] != '\0' ? id->sender_domain : NULL;
}

unsigned identity_families(const struct identity *id)
{
    return (id->families[FAMILY_IPV4] ? DNS_IPV4 : 0) | (id->families[FAMILY_IPV6] ? DNS_IPV6 : 0);
}
