/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * providers.conf: what access providers do to outbound mail ports, and how a host of theirs is
 * recognised; data in the syntax of detourd.conf. Each group of statements has a source and a date
 * of its own, and what nobody has said stands nowhere. Everything is owned by the catalogue.
 */
#ifndef DETOURD_PROVIDER_CATALOGUE_H
#define DETOURD_PROVIDER_CATALOGUE_H

#include "lib/citation.h"
#include "lib/complaints.h"
#include "lib/ports.h"
#include <stdbool.h>
#include <stddef.h>

enum policy {
    POLICY_BLOCKED,
    POLICY_PARTLY, /* for some customers, or in some cases: the condition says which */
    POLICY_OPEN,
};

enum lifting {
    LIFTING_NO,
    LIFTING_YES,          /* whoever meets what is asked for gets it */
    LIFTING_CASE_BY_CASE, /* somebody decides */
};

const char *policy_name(enum policy policy);
const char *lifting_name(enum lifting lifting);

struct provider {
    char *name, *title;

    /* What the machine says of itself; lists ended by NULL, and by whom this is known. */
    struct provider_machine {
        char **sys_vendor, **product_name, **chassis_asset_tag, **board_vendor;
        char **cloud_id; /* cloud-init's word for the provider */
        struct citation citation;
    } machine;

    /* Domains in which its addresses have their reverse names; ended by NULL. */
    struct provider_address {
        char **reverse_name;
        struct citation citation;
    } address;

    struct provider_policy {
        enum policy kind;
        char *condition;     /* a sentence, or NULL */
        char *since;         /* "2017-11-15", or less of it; NULL where it is not known */
        struct ports closed; /* outbound, unless the provider was asked */
        struct citation citation;
    } policy;

    bool lift_known; /* whether LIFT holds anything */
    struct provider_lift {
        enum lifting possible;
        char *how;      /* a sentence, or NULL */
        char *needs;    /* what they want to see or hear; or NULL */
        char *url;      /* where; or NULL */
        bool has_hours; /* how long it takes, as the provider says */
        int hours_min, hours_max;
        struct citation citation;
    } lift;
};

struct provider_catalogue;

/* Reads DIRECTORY/providers.conf. NULL with complaints when it is unusable. */
struct provider_catalogue *provider_catalogue_load(const char *directory,
                                                   struct complaints *complaints);
void provider_catalogue_free(struct provider_catalogue *catalogue);

/* The Nth provider; NULL past the end. */
const struct provider *provider_catalogue_at(const struct provider_catalogue *catalogue, size_t n);
const struct provider *provider_catalogue_find(const struct provider_catalogue *catalogue,
                                               const char *name);

#endif
