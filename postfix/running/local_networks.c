/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/running/local_networks.h"

#include "lib/memory.h"
#include "postfix/base/files.h"
#include "postfix/host/view.h"
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1024 * 1024)

struct network {
    struct in6_addr address; /* an IPv4 address is mapped */
    unsigned prefix;
    bool excepted;
};

struct local_networks {
    struct network *item;
    size_t count;
};

static void parse_patterns(struct local_networks *n, char *text, bool nested);

static struct in6_addr mapped(const struct address *a)
{
    struct in6_addr out = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

    if (a->u.sa.sa_family != AF_INET)
        return a->u.in6.sin6_addr;
    memcpy(out.s6_addr + 12, &a->u.in.sin_addr, 4);
    return out;
}

/* "PREFIX" of at most MAX into *OUT. */
static bool parse_prefix(const char *text, unsigned max, unsigned *out)
{
    char *end;

    if (!isdigit((unsigned char)text[0]) || strlen(text) > 3)
        return false;
    *out = (unsigned)strtoul(text, &end, 10);
    return *end == '\0' && *out <= max;
}

static bool parse_network(char *word, struct network *out)
{
    struct address address;
    char *w = word, *slash;

    /* [::1]/128, [::1/128] and [::1] all mean the same. */
    for (char *p = word; *p != '\0'; p++)
        if (*p != '[' && *p != ']')
            *w++ = *p;
    *w = '\0';
    slash = strchr(word, '/');
    if (slash != NULL)
        *slash++ = '\0';
    if (!address_parse(word, 0, &address))
        return false;
    bool is_ipv4 = address.u.sa.sa_family == AF_INET;
    out->address = mapped(&address);
    out->prefix = is_ipv4 ? 32 : 128;
    if (slash != NULL && !parse_prefix(slash, out->prefix, &out->prefix))
        return false;
    out->prefix += is_ipv4 ? 96 : 0;
    return true;
}

static char *read_text(const char *path)
{
    struct why ignored;
    size_t len;

    return file_read(path, FILE_MAX, &len, &ignored);
}

static void add_network(struct local_networks *n, char *word, bool excepted)
{
    struct network network = { .excepted = excepted };

    if (!parse_network(word, &network))
        return;
    n->item = memory_grow(n->item, n->count + 1, sizeof *n->item);
    n->item[n->count++] = network;
}

/* cidr_table(5): the first word of each line is a network, the second what it answers. */
static void parse_cidr_table(struct local_networks *n, const char *path)
{
    char *text = read_text(path), *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        line[strcspn(line, " \t\r")] = '\0';
        add_network(n, line, false);
    }
    free(text);
}

/* Lines of patterns, or of comments. */
static void parse_pattern_file(struct local_networks *n, const char *path)
{
    char *text = read_text(path), *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (line[strspn(line, " \t")] != '#')
            parse_patterns(n, line, true);
    free(text);
}

static void parse_pattern(struct local_networks *n, char *word, bool nested)
{
    bool excepted = false;

    for (; *word == '!'; word++)
        excepted = !excepted;
    if (word[0] != '/' && strncmp(word, "cidr:/", 6) != 0)
        add_network(n, word, excepted);
    else if (nested || excepted)
        return; /* a file within a file could name itself */
    else if (word[0] == '/')
        parse_pattern_file(n, word);
    else
        parse_cidr_table(n, word + strlen("cidr:"));
}

static void parse_patterns(struct local_networks *n, char *text, bool nested)
{
    for (char *word; (word = strsep(&text, ", \t\r\n")) != NULL;)
        if (*word != '\0')
            parse_pattern(n, word, nested);
}

struct local_networks *local_networks_parse(const char *mynetworks)
{
    struct local_networks *n = memory_zero(1, sizeof *n);
    char *text = memory_copy(mynetworks);

    parse_patterns(n, text, false);
    free(text);
    return n;
}

struct local_networks *local_networks_read(const struct config *config, struct why *why)
{
    char *value = view_one(config->postfix.config_directory, "mynetworks", why);
    struct local_networks *n = value == NULL ? NULL : local_networks_parse(value);

    free(value);
    return n;
}

void local_networks_free(struct local_networks *n)
{
    if (n == NULL)
        return;
    free(n->item);
    free(n);
}

static bool holds(const struct network *n, const struct in6_addr *a)
{
    unsigned whole = n->prefix / 8, rest = n->prefix % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);

    return memcmp(n->address.s6_addr, a->s6_addr, whole) == 0 &&
           (rest == 0 || ((n->address.s6_addr[whole] ^ a->s6_addr[whole]) & mask) == 0);
}

bool local_networks_match(const struct local_networks *n, const struct address *address)
{
    struct in6_addr a = mapped(address);

    for (size_t i = 0; i < n->count; i++)
        if (holds(&n->item[i], &a))
            return !n->item[i].excepted;
    return false;
}

bool is_local(const struct local_networks *n, const struct address *address)
{
    return local_networks_match(n, address) || address_on_link(address);
}
