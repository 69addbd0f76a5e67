/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the method transport installs, once: a service for each relay in master.cf, in which
 * everything that concerns the relay is pinned, and in main.cf one line that asks a map of ours
 * which senders' mail goes there. What changes with the route is that map alone (senders.h).
 * Nothing is written here, and nothing read but the owner's tables.
 *
 * The services are called detour-NAME, and detour-NAME_tls for the ports that begin with TLS: no
 * relay's name holds an underscore. The rules are those of postconf(5),
 * sender_dependent_default_transport_maps, and of trivial-rewrite(8),
 * src/trivial-rewrite/resolve.c.
 */
#ifndef DETOURD_POSTFIX_TRANSPORT_H
#define DETOURD_POSTFIX_TRANSPORT_H

#include "lib/config.h"
#include "postfix/base/why.h"
#include "postfix/host/table.h"
#include "postfix/host/view.h"
#include "postfix/method/render.h"

struct transport_input {
    const struct config *config;
    const struct view *view;      /* of the owner's configuration */
    const char *directory;        /* of the generation's files */
    const char *route_map;        /* "hash:/etc/postfix/detourd/routes/now/senders" */
    const char *chroot, *maxproc; /* as the owner's service smtp has them (master(5)) */
    read_table *read;             /* how a table of the owner's is looked into */
    char *const *passwords; /* one for each relay; a relay whose password is NULL is left out */
};

/* 0, or -1 with a reason that never holds a password. render_free ends OUT either way. */
int transport_render(const struct transport_input *in, struct rendering *out, struct why *why);

/* The service for mail to PORT of the relay: "detour-ses". The caller frees it. */
char *transport_service(const struct relay *relay, uint16_t port);

/* What the map says where mail goes to PORT of the relay: "detour-ses:[smtp.example.net]:587". The
 * caller frees it. */
char *transport_nexthop(const struct relay *relay, uint16_t port);

/* Why the table NAME of the owner's, one of tables_split()'s, cannot stand before ours: a constant;
 * NULL if it can. */
const char *transport_cannot_merge(const struct view *view, const char *name, read_table *read);

/* Whether NAME ("detour-ses/unix") takes the place of a service for one of the relays. */
bool transport_is_service_of(const struct config *config, const char *name);

#endif
