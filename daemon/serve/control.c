/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/serve/control.h"

#include "daemon/serve/client.h"
#include "daemon/serve/commands.h"
#include "lib/log.h"
#include "lib/memory.h"
#include <errno.h>
#include <event2/listener.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GROUPS_MAX 64

struct control_server {
    struct evconnlistener *listener;
    struct clients *clients;
    char *path;
    gid_t admin_group;
    bool has_admin_group;
};

static bool in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof groups;

    if (peer->gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
        return false;
    for (size_t i = 0; i < len / sizeof groups[0]; i++)
        if (groups[i] == group)
            return true;
    return false;
}

static bool peer_may_change(const struct control_server *s, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
        return false;
    return peer.uid == 0 || (s->has_admin_group && in_group(fd, &peer, s->admin_group));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int len, void *context)
{
    struct control_server *s = context;

    (void)listener;
    (void)from;
    (void)len;
    clients_add(s->clients, fd, peer_may_change(s, fd));
}

/* 1 when somebody answers there; a socket that nobody answers on was left by a crash. */
static int is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int alive = fd != -1 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                             errno == EAGAIN);

    if (fd != -1)
        close(fd);
    return alive;
}

static void give_to_group(const char *path, const char *name)
{
    const struct group *group = getgrnam(name);

    if (group == NULL || chown(path, (uid_t)-1, group->gr_gid) == -1)
        log_warning("%s is for this user and root alone: group %s %s", path, name,
                    group == NULL ? "does not exist" : "cannot be given it");
}

static int bind_socket(const struct status_config *config, char *why, size_t whylen)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", config->socket);
    if (is_alive(&address)) {
        snprintf(why, whylen, "%s: another program answers there", config->socket);
        close(fd);
        return -1;
    }
    unlink(config->socket);
    mode_t old = umask(0117);
    int bound = fd == -1 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(old);
    if (bound == -1 || listen(fd, SOMAXCONN) == -1) {
        snprintf(why, whylen, "%s: %s", config->socket, strerror(errno));
        if (fd != -1)
            close(fd);
        return -1;
    }
    give_to_group(config->socket, config->group);
    return fd;
}

void control_server_reload(struct control_server *s, const struct status_config *config)
{
    const struct group *group = config->admin_group != NULL ? getgrnam(config->admin_group) : NULL;

    s->has_admin_group = group != NULL;
    if (group != NULL)
        s->admin_group = group->gr_gid;
    else if (config->admin_group != NULL)
        log_warning("admin_group %s does not exist; only root may change things",
                    config->admin_group);
}

struct control_server *control_server_new(struct event_base *base, struct engine *engine,
                                          const struct status_config *config, char *why,
                                          size_t whylen)
{
    int fd = bind_socket(config, why, whylen);

    if (fd == -1)
        return NULL;
    struct control_server *s = memory_zero(1, sizeof *s);
    s->clients = clients_new(base, engine, commands_run);
    s->path = memory_copy(config->socket);
    s->listener = evconnlistener_new(base, on_accept, s, LEV_OPT_CLOSE_ON_FREE, 0, fd);
    control_server_reload(s, config);
    return s;
}

void control_server_free(struct control_server *s)
{
    if (s == NULL)
        return;
    clients_free(s->clients);
    evconnlistener_free(s->listener);
    unlink(s->path);
    free(s->path);
    free(s);
}
