/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relays.conf: what is known of relay services, as data in the syntax of detourd.conf; each
 * statement has a source and a date. Everything is owned by the catalogue.
 */
#ifndef DETOURD_RELAY_CATALOGUE_H
#define DETOURD_RELAY_CATALOGUE_H

#include "lib/citation.h"
#include "lib/complaints.h"
#include "lib/ports.h"
#include <stdbool.h>
#include <stddef.h>

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
    struct citation citation;

    /* In words, each NULL where it is not known; the citation's too, where both are. */
    char *price, *free_of_charge;
    struct citation price_citation;
};

struct relay_catalogue;

/* Reads DIRECTORY/relays.conf. NULL with complaints when it is unusable. */
struct relay_catalogue *relay_catalogue_load(const char *directory, struct complaints *complaints);
/* The same for whoever can do without: of a catalogue that is unusable nothing is said. */
struct relay_catalogue *relay_catalogue_load_quietly(const char *directory);
void relay_catalogue_free(struct relay_catalogue *catalogue);

const struct relay_service *relay_catalogue_find(const struct relay_catalogue *catalogue,
                                                 const char *name);
/* The service that HOST belongs to, in whatever region. */
const struct relay_service *relay_catalogue_with_host(const struct relay_catalogue *catalogue,
                                                      const char *host);
/* The Nth service; NULL past the end. */
const struct relay_service *relay_catalogue_at(const struct relay_catalogue *catalogue, size_t n);

/* The service's host name with the region in place; NULL where either is missing. Caller frees. */
char *relay_service_host(const struct relay_service *service, const char *region);

#endif
