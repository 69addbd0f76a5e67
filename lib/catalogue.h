/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two catalogues: relays.conf, what is known of relay services, and providers.conf, what is
 * known of access providers' port policies. Data in the syntax of detourd.conf; each statement
 * has a source and a date. Everything is owned by the catalogue.
 */
#ifndef DETOURD_CATALOGUE_H
#define DETOURD_CATALOGUE_H

#include "lib/complaints.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORTS_MAX 8

struct ports {
    uint16_t port[PORTS_MAX];
    size_t count;
};

bool ports_contain(const struct ports *ports, uint16_t port);

/* Ports where TLS starts with the first byte (RFC 8314 3.3, and the usual alternative). */
bool port_is_implicit_tls(uint16_t port);

struct relay_service {
    char *name;  /* "amazon-ses" */
    char *title; /* "Amazon SES" */
    char *host;  /* may contain "{region}"; NULL for the generic entry */
    struct ports ports;
    bool needs_region;
    char *default_region; /* for a look from outside where no region is configured; or NULL */
    char *username;       /* the fixed user name, or NULL */
    char *spf_include;    /* the domain whose SPF record admits the service's hosts, or NULL */
    int concurrency;      /* connections of one customer at once; 0: not known */
    int rate;             /* messages an hour of one customer; 0: not known */
    bool refuses_null_sender;
    char *source, *date;
};

struct provider {
    char *name, *title;
    char *policy; /* "blocked", "open", "open after a time", ... one of the catalogue's words */
    char *summary;
    char *lift; /* how the port is opened; NULL if it is not */
    char *url;
    struct ports closed; /* outbound ports closed by default */
    char **sys_vendor;   /* DMI strings by which it is known, ended by NULL */
    char **cloud_id;     /* cloud-init's words for it, ended by NULL */
    char *source, *date;
};

struct catalogue;

/* Reads DIRECTORY/relays.conf and DIRECTORY/providers.conf. NULL with complaints when either is
 * unusable. */
struct catalogue *catalogue_load(const char *directory, struct complaints *complaints);
void catalogue_free(struct catalogue *catalogue);

const struct relay_service *catalogue_relay(const struct catalogue *catalogue, const char *name);
/* The service that HOST belongs to, in whatever region. */
const struct relay_service *catalogue_relay_with_host(const struct catalogue *catalogue,
                                                      const char *host);
const struct relay_service *catalogue_relay_at(const struct catalogue *catalogue, size_t n);
const struct provider *catalogue_provider_at(const struct catalogue *catalogue, size_t n);

/* The service's host name with the region in place; NULL where either is missing. Caller frees. */
char *relay_service_host(const struct relay_service *service, const char *region);

#endif
