/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/act/state_file.h"

#include "lib/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SCHEMA    1
#define STATE_MAX (256 * 1024)

static char *path_in(const char *directory, const char *name)
{
    return memory_format("%s/%s", directory, name);
}

int state_lock(const char *directory, char *why, size_t whylen)
{
    char *path = path_in(directory, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int result = -1;

    if (fd == -1)
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        result = 0; /* the descriptor stays open, and the lock with it */
    else if (errno == EWOULDBLOCK)
        snprintf(why, whylen, "another detourd works in %s already", directory);
    else
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    if (result == -1 && fd != -1)
        close(fd);
    free(path);
    return result;
}

static void take_switches(struct health *health, const json_t *list)
{
    size_t i;
    json_t *at;

    json_array_foreach(list, i, at)
    {
        if (health->switch_count == HEALTH_SWITCHES_MAX)
            return;
        health->switches[health->switch_count++] = json_integer_value(at);
        health->switch_next = health->switch_count % HEALTH_SWITCHES_MAX;
    }
}

static int take(const json_t *o, struct state *state)
{
    const json_t *route = json_object_get(o, "route");
    const char *name = json_string_value(json_object_get(route, "name"));
    json_int_t port = json_integer_value(json_object_get(route, "port"));

    if (json_integer_value(json_object_get(o, "schema")) != SCHEMA || name == NULL ||
        !token_valid(name) || port < 0 || port > 65535)
        return -1;
    state->route = strcmp(name, "direct") == 0 ? route_direct() : route_relay(name, (uint16_t)port);
    state->health.since = json_integer_value(json_object_get(o, "since"));
    state->health.hold = json_is_true(json_object_get(o, "hold"));
    take_switches(&state->health, json_object_get(o, "switches"));
    return 0;
}

int state_load(const char *directory, struct state *state, char *why, size_t whylen)
{
    char *path = path_in(directory, "state.json");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), result = -1;
    char *text = memory_zero(1, STATE_MAX);
    ssize_t n = fd == -1 ? -1 : read(fd, text, STATE_MAX);
    json_t *o = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;

    memset(state, 0, sizeof *state);
    state->route = route_direct();
    if (fd == -1 && errno == ENOENT) {
        result = 1;
    } else if (fd == -1 || n == -1) {
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    } else if (take(o, state) == -1) {
        snprintf(why, whylen, "%s is not what detourd wrote; it starts afresh", path);
        memset(state, 0, sizeof *state);
        state->route = route_direct();
    } else {
        result = 0;
    }
    json_decref(o);
    free(text);
    if (fd != -1)
        close(fd);
    free(path);
    return result;
}

/* The ring from its oldest entry on. */
static json_t *switches_json(const struct health *h)
{
    json_t *list = json_array();

    for (int i = 0; i < h->switch_count; i++) {
        int at = (h->switch_next - h->switch_count + i + HEALTH_SWITCHES_MAX) % HEALTH_SWITCHES_MAX;
        json_array_append_new(list, json_integer(h->switches[at]));
    }
    return list;
}

static int write_whole(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

/* fsync of the directory makes the rename itself last. */
static int replace(const char *directory, const char *from, const char *to)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd == -1 || rename(from, to) == -1 ? -1 : fsync(fd);

    if (fd != -1)
        close(fd);
    return result;
}

int state_save(const char *directory, const struct state *state, char *why, size_t whylen)
{
    char *path = path_in(directory, "state.json"), *new = path_in(directory, "state.json.new");
    json_t *o = json_pack("{s:i, s:{s:s, s:i}, s:I, s:b, s:o}", "schema", SCHEMA, "route", "name",
                          state->route.name, "port", (int)state->route.port, "since",
                          (json_int_t)state->health.since, "hold", state->health.hold, "switches",
                          switches_json(&state->health));
    char *text = json_dumps(o, JSON_COMPACT);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int result = fd == -1 || text == NULL ? -1 : write_whole(fd, text, strlen(text));

    if (fd != -1 && close(fd) == -1)
        result = -1;
    if (result == 0)
        result = replace(directory, new, path);
    if (result == -1)
        snprintf(why, whylen, "%s: %s", path, strerror(errno));
    json_decref(o);
    free(text);
    free(new);
    free(path);
    return result;
}
