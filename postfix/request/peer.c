/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/request/peer.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/socket.h>

bool peer_allowed(int fd, const char *user)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int domain;
    socklen_t domain_len = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) == -1)
        return errno == ENOTSOCK;
    if (domain != AF_UNIX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
        return false;
    if (peer.uid == 0)
        return true;
    const struct passwd *entry = getpwnam(user);
    return entry != NULL && entry->pw_uid == peer.uid;
}
