/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/method/senders.h"

#include "lib/memory.h"
#include "postfix/base/directory.h"
#include "postfix/base/files.h"
#include "postfix/base/numbers.h"
#include "postfix/base/paths.h"
#include "postfix/base/text.h"
#include "postfix/method/transport.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the directory. */
#define SENDERS "senders"
#define ROUTE   "route"

#define ROUTE_MAX ((size_t)512)
#define EVERYBODY "*"
#define NOT_OURS  "DUNNO"

char *senders_map(const struct config *config, const char *map_type)
{
    return memory_format("%s:%s/" ROUTE_LINK "/" SENDERS, map_type,
                         config->postfix.config_directory);
}

/* A map while it is put together: a key has one answer, the first. */
struct map {
    struct text source;
    struct contents *contents;
};

static void add(struct map *map, const char *key, const char *value)
{
    for (size_t i = 0; i < map->contents->answer_count; i++)
        if (strcasecmp(map->contents->answer[i].key, key) == 0)
            return;
    fprintf(map->source.out, "%s %s\n", key, value);
    contents_add_answer(map->contents, SENDERS, key, value);
}

/* Postfix asks for an address as it stands in a header first, in which the usual key, "<>", needs
 * quotes (src/global/mail_addr_find.c); what is there for everybody would be the answer to that. */
static void add_null(struct map *map, const struct view *view, const char *value)
{
    const char *key = view_value(view, "empty_address_default_transport_maps_lookup_key");
    char *quoted = memory_format("\"%s\"", key);

    if (strcmp(key, "<>") == 0)
        add(map, quoted, value);
    add(map, key, value);
    free(quoted);
}

static void add_scope(struct map *map, const struct relay *relay, const struct view *view,
                      const char *nexthop)
{
    for (size_t i = 0; i < relay->sender_count; i++)
        add(map, relay->senders[i], nexthop);
    if (relay->sender_count > 0 && relay->null_sender)
        add_null(map, view, nexthop);
    if (relay->sender_count == 0 && !relay->null_sender)
        add_null(map, view, NOT_OURS);
    if (relay->sender_count == 0)
        add(map, EVERYBODY, nexthop);
}

static char *nexthop_of(const struct config *config, const struct route *route)
{
    return transport_nexthop(config_relay(config, route->name), route->port);
}

void senders_contents(const struct config *config, const struct view *view,
                      const struct senders *senders, struct contents *out)
{
    struct map map = { .contents = out };

    *out = (struct contents){ 0 };
    text_open(&map.source);
    if (!route_is_direct(&senders->proof)) {
        char *nexthop = nexthop_of(config, &senders->proof);
        add(&map, senders->proof_sender, nexthop);
        free(nexthop);
    }
    if (!route_is_direct(&senders->route)) {
        char *nexthop = nexthop_of(config, &senders->route);
        add_scope(&map, config_relay(config, senders->route.name), view, nexthop);
        free(nexthop);
    }
    text_close(&map.source);
    char *said = memory_format("route %s %u\nproof %s %u\nsender %s\n", senders->route.name,
                               senders->route.port, senders->proof.name, senders->proof.port,
                               route_is_direct(&senders->proof) ? "none" : senders->proof_sender);
    contents_add_map(out, SENDERS, map.source.bytes);
    contents_add_file(out, ROUTE, said);
    free(said);
    free(map.source.bytes);
}

char *senders_type(const struct config *config, const char *setting)
{
    char *map = senders_map(config, "");
    const char *end = strstr(setting, map), *begin = end;

    free(map);
    while (begin != NULL && begin > setting && strchr(", {\t", begin[-1]) == NULL)
        begin--;
    return begin == NULL ? memory_copy("") : memory_format("%.*s", (int)(end - begin), begin);
}

static bool parse(const char *text, const char *word, struct route *out)
{
    char name[TOKEN_MAX + 1];
    const char *line = strstr(text, word);
    unsigned port;

    if (line == NULL || sscanf(line + strlen(word), " %64s %5u", name, &port) != 2 ||
        !token_valid(name) || port > 65535)
        return false;
    *out = strcmp(name, "direct") == 0 ? route_direct() : route_relay(name, (uint16_t)port);
    return route_is_direct(out) || port != 0;
}

static bool parse_sender(const char *text, char out[PROOF_SENDER_MAX])
{
    const char *line = strstr(text, "\nsender ");

    return line != NULL && sscanf(line, "\nsender %255s", out) == 1;
}

int senders_now(const struct config *config, struct senders *out, struct why *why)
{
    char *path = home_path(config, ROUTE_LINK "/" ROUTE), *text = NULL;
    struct stat st;
    size_t len;
    bool missing = stat(path, &st) == -1 && (errno == ENOENT || errno == ENOTDIR);

    if (!missing)
        text = file_read(path, ROUTE_MAX, &len, why);
    if (text == NULL || !parse(text, "route ", &out->route) ||
        !parse(text, "\nproof ", &out->proof) || !parse_sender(text, out->proof_sender))
        *out = (struct senders){ .route = route_direct(), .proof = route_direct() };
    free(path);
    free(text);
    return missing || text != NULL ? 0 : -1;
}

int senders_number(const struct config *config, unsigned long *number, struct why *why)
{
    char *path = home_path(config, ROUTE_LINK), target[64];
    ssize_t n = readlink(path, target, sizeof target - 1);
    int rc = 0;

    *number = 0;
    if (n == -1 && errno != ENOENT && errno != ENOTDIR && errno != EINVAL)
        rc = why_errno(why, "%s", path);
    target[n < 0 ? 0 : n] = '\0';
    if (n > 0)
        *number = number_of(target);
    free(path);
    return rc;
}

int64_t senders_built(const struct config *config)
{
    char *path = home_path(config, ROUTE_LINK "/" ROUTE);
    int64_t at = file_written_at(path);

    free(path);
    return at;
}

static char *path_of(const struct config *config, unsigned long number)
{
    return memory_format("%s/" ROUTES "/%lu", config->postfix.config_directory, number);
}

unsigned long senders_build(const struct config *config, const char *map_type,
                            const struct contents *contents, struct why *why)
{
    char *parent = home_path(config, ROUTES);
    unsigned long number = number_highest_below(parent, NUMBER_MAX), in_force;
    int rc = senders_number(config, &in_force, why);

    number = (number > in_force ? number : in_force) + 1;
    char *path = path_of(config, number);
    if (rc == 0)
        rc = directory_make(parent, 0700, why);
    if (rc == 0)
        rc = directory_build(config, parent, path, map_type, contents, why);
    free(path);
    free(parent);
    return rc == 0 ? number : 0;
}

bool senders_hold(const struct config *config, unsigned long number, const char *map_type,
                  const struct contents *contents)
{
    char *path = path_of(config, number);
    bool holds = number != 0 && directory_holds(config, path, map_type, contents);

    free(path);
    return holds;
}

static int link_to(const char *link, const char *target, struct why *why)
{
    char *temporary = memory_format("%s.new", link);
    int rc = 0;

    if (unlink(temporary) == -1 && errno != ENOENT)
        rc = why_errno(why, "cannot remove %s", temporary);
    else if (symlink(target, temporary) == -1)
        rc = why_errno(why, "cannot create %s", temporary);
    else if (rename(temporary, link) == -1)
        rc = why_errno(why, "cannot rename %s", temporary);
    if (rc == -1)
        unlink(temporary);
    free(temporary);
    return rc;
}

static int remove_link(const char *link, struct why *why)
{
    if (unlink(link) == -1 && errno != ENOENT)
        return why_errno(why, "cannot remove %s", link);
    return 0;
}

int senders_put(const struct config *config, unsigned long number, struct why *why)
{
    char *link = home_path(config, ROUTE_LINK), *parent = home_path(config, ROUTES);
    char *target = memory_format("%lu", number);
    bool nothing = number == 0 && access(parent, F_OK) == -1 && errno == ENOENT;
    int rc = 0;

    if (!nothing)
        rc = number != 0 ? link_to(link, target, why) : remove_link(link, why);
    if (rc == 0 && !nothing)
        rc = directory_sync(parent, why) == 0 ? 0 : 1;
    free(target);
    free(parent);
    free(link);
    return rc;
}

int senders_clean(const struct config *config, struct why *why)
{
    char *parent = home_path(config, ROUTES), *temporary = home_path(config, ROUTE_LINK ".new");
    unsigned long keep;
    int rc = senders_number(config, &keep, why);

    if (rc == 0 && unlink(temporary) == -1 && errno != ENOENT)
        rc = why_errno(why, "cannot remove %s", temporary);
    if (rc == 0)
        rc = keep == 0 ? tree_remove(parent, why) : numbers_clean(parent, keep, ROUTE_NOW, why);
    free(temporary);
    free(parent);
    return rc;
}
